"""The demo's past emergency: the building's doors stay shut, and the use of its key is reviewed."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.demo.story import Act, Story
from jitportal.models import Activation, ManualTask, PostIncidentReview
from jitportal.operations import (
    clock,
    emergencies,
    emergency_alerts,
    follow_ups,
    manual,
    post_incident_closing,
    post_incident_facts,
    post_incident_steps,
)
from jitportal.rules.emergencies import Claim
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Determination,
    Fit,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
    Remediation,
    Statement,
)

CLAIM = Claim(
    role_key="building-master-key",
    scope="all",
    account="master-key",
    criterion="incident-severity-critical",
    incident="INC-0987",
    broken="The badge readers are dead since the power cut, and the cooling of the server room has failed.",
    expected="Open the server room with the key, and wedge the door until the technician has been there.",
    minutes=60,
)
SAID = Statement(
    broken="Nobody's badge opened a door, and the server room was at 41 degrees.",
    normal_path="The role for the server room gives a badge, and no reader read one.",
    done="Opened the server room, let the technician in, and stayed until the cooling ran again.",
    outside="None.",
    sensitive_data="None was seen.",
    changes_left="None.",
    changes_to_revert="None.",
    secrets_seen="None.",
)
FOUND = Determination(
    classification=Classification.EMERGENCY,
    criterion=CriterionMet.YES,
    fit=Fit.RIGHT,
    could_jit=CouldJit.NO,
    recording=RecordingFound.GAP_ACCEPTED,
    recording_reason="A door records nothing; reception's log has the times.",
    finding="As declared. The incident was open, and the key was back within the hour.",
)
DONE = Remediation(
    sessions_ended="The key is in the safe.",
    reverted="Nothing was changed.",
    person_outcome=PersonOutcome.NONE,
    model_outcome=ModelOutcome.MENDED_RUNBOOK,
    outcome_note="The readers get a battery, and the runbook says who has the key.",
    reportable=False,
)


def plan(story: Story, at: datetime) -> None:
    """From the click to the sign-off, over the next day."""
    day = timedelta(days=1)
    acts: list[tuple[timedelta, Act]] = [
        (timedelta(), lambda: _activate(story)),
        (timedelta(minutes=2), lambda: _acknowledge(story, "samir")),
        (timedelta(minutes=3), lambda: _carry_out(story, "Envelope 3 was handed to Tom.")),
        (timedelta(minutes=9), lambda: _acknowledge(story, "dana")),
        (timedelta(minutes=48), lambda: _hand_back(story)),
        (timedelta(minutes=55), lambda: _carry_out(story, "Envelope 4, sealed, with the key in it.")),
        (timedelta(hours=5), lambda: _state(story)),
        (timedelta(hours=8), lambda: _rotate(story)),
        (day, lambda: _determine(story)),
        (day + timedelta(minutes=20), lambda: _remediate(story)),
        (day + timedelta(minutes=22), lambda: _follow_up(story)),
        (day + timedelta(minutes=25), lambda: _sign(story)),
    ]
    for after, act in acts:
        story.at(at + after, act)


def _used() -> Activation:
    return Activation.objects.select_related("person", "account").get(incident=CLAIM.incident)


def _review() -> PostIncidentReview:
    return PostIncidentReview.objects.get(activation=_used())


def _activate(story: Story) -> None:
    emergencies.activate(actor=story.cast["tom"], claim=CLAIM)


def _acknowledge(story: Story, who: str) -> None:
    emergency_alerts.acknowledge(actor=story.cast[who], activation=_used())


def _carry_out(story: Story, note: str) -> None:
    waiting = ManualTask.objects.filter(done_at=None, dropped_at=None)
    for task in waiting.filter(lease__grants__activation=_used()):
        manual.confirm(actor=story.cast["sofia"], task=task, note=note)


def _hand_back(story: Story) -> None:
    emergencies.hand_back(actor=story.cast["tom"], activation=_used(), note="The cooling runs again.")


def _state(story: Story) -> None:
    post_incident_steps.state(actor=story.cast["tom"], review=_review(), said=SAID)


def _rotate(story: Story) -> None:
    post_incident_closing.confirm_rotation(
        actor=story.cast["sofia"], review=_review(), evidence="A new envelope, number 4, with a new seal."
    )


def _determine(story: Story) -> None:
    review = _review()
    seen = post_incident_facts.facts_of(review).digest
    post_incident_steps.determine(actor=story.cast["samir"], review=review, found=FOUND, marks={}, seen=seen)


def _remediate(story: Story) -> None:
    post_incident_steps.remediate(actor=story.cast["samir"], review=_review(), done=DONE)


def _follow_up(story: Story) -> None:
    follow_ups.add(
        actor=story.cast["samir"],
        review=_review(),
        what="Have the badge readers run on a battery, and say in the runbook who has the key.",
        owner=story.cast["sofia"],
        due_at=clock.now() + timedelta(days=30),
    )


def _sign(story: Story) -> None:
    post_incident_closing.sign(actor=story.cast["samir"], review=_review(), proof=None)

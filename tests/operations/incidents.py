"""Uses of break-glass in the small portal, and the steps of their reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jitportal.audit.system import system
from jitportal.models import Activation, Notice, PostIncidentReview
from jitportal.operations import clock, post_incident, post_incident_closing, post_incident_steps
from jitportal.operations.post_incident_facts import facts_of, timeline_of
from jitportal.operations.post_incident_steps import Mark
from jitportal.operations.transaction import operation
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
from jitportal.rules.vocabulary import Pathway
from tests.models import rows
from tests.operations import world

SAID = Statement(
    broken="The identity provider answers nobody.",
    normal_path="The portal itself is behind it.",
    done="Restarted it. People sign in again.",
    outside="Nothing.",
    sensitive_data="None.",
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
    recording_reason="The account isn't recorded.",
    finding="As declared.",
)


def activated(who: str = "rita", **values: Any) -> Activation:
    """Somebody uses an emergency account of Otto's role; Sven is a security contact, Carl a custodian."""
    now = clock.now()
    if "scope" not in values:
        role = rows.role(pathway=Pathway.BREAK_GLASS, owner=world.person("otto"))
        values["scope"] = rows.scope(role=role)
        values["account"] = rows.emergency_account(target=role.target, custodians=["carl"])
    opened = rows.activation(
        person=world.person(who), opened_at=now, ends_at=now + timedelta(minutes=60), **values
    )
    rows.activation_alert(
        activation=opened, person=world.person("sven"), cause="security_contact", raised_at=now
    )
    with operation(opened.person):
        post_incident.open_for(activation=opened, actor=opened.person, now=now)
    return opened


def ended(opened: Activation) -> PostIncidentReview:
    """The same, ended by the clock."""
    now = clock.now()
    with operation(system()):
        rows.stop_activation(opened, stopped_at=now, stopped_by=system(), end_reason="expired")
        post_incident.access_ended(activation=opened, actor=system(), now=now)
    return PostIncidentReview.objects.get(activation=opened)


def use_of(review: PostIncidentReview) -> Activation:
    assert review.activation is not None
    return review.activation


def used(who: str = "rita", **values: Any) -> PostIncidentReview:
    return ended(activated(who, **values))


def stated(**values: Any) -> PostIncidentReview:
    review = used(**values)
    responder = review.responder
    assert responder is not None
    return post_incident_steps.state(actor=responder, review=review, said=SAID)


def determine(
    who: str,
    review: PostIncidentReview,
    found: Determination = FOUND,
    marks: dict[str, Mark] | None = None,
) -> PostIncidentReview:
    """A click on the form that was opened just now."""
    return post_incident_steps.determine(
        actor=world.person(who), review=review, found=found, marks=marks or {}, seen=facts_of(review).digest
    )


DONE = Remediation(
    sessions_ended="The target shows none.",
    reverted="Nothing was changed.",
    person_outcome=PersonOutcome.NONE,
    model_outcome=ModelOutcome.NONE,
    reportable=False,
)


def remediated(found: Determination = FOUND, done: Remediation = DONE, **values: Any) -> PostIncidentReview:
    """Determined by Otto, rotated by Carl the custodian, and put right."""
    review = determine("otto", stated(**values), found)
    review = post_incident_closing.confirm_rotation(
        actor=world.person("carl"), review=review, evidence="Vault version 12."
    )
    return post_incident_steps.remediate(actor=world.person("otto"), review=review, done=done)


def sign(who: str, review: PostIncidentReview) -> PostIncidentReview:
    return post_incident_closing.sign(actor=world.person(who), review=review, proof=None)


def sign_second(who: str, review: PostIncidentReview) -> PostIncidentReview:
    return post_incident_closing.sign_second(actor=world.person(who), review=review, proof=None)


def told(kind: str) -> list[str]:
    """Who has a notice of this kind."""
    rows = Notice.objects.filter(kind=kind).order_by("recipient__username")
    return list(rows.values_list("recipient__username", flat=True))


def verbs(review: PostIncidentReview) -> list[str]:
    """The events of a use and its review, in order."""
    return [event.verb for event in timeline_of(review)]

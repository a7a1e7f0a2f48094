"""The post-incident review's rules: what each step needs, who reviews, when it is due, what being late does.

Two people, two steps: the responder's statement, then the reviewer's determination. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitportal.rules.business_days import business_days_after
from jitportal.rules.post_incident_words import (
    Classification,
    CriterionMet,
    Determination,
    DrillResult,
    Known,
    Missing,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
    Remediation,
    Statement,
    Step,
)
from jitportal.rules.vocabulary import Pathway, ReviewStatus

#: The steps in which the responder is waited for; in the others, whoever reviews is.
RESPONDERS_TURN = frozenset({ReviewStatus.STATEMENT, ReviewStatus.RETURNED})


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step may take."""

    statement_hours: int = 24
    determination_days: int = 2  # business days, like those below
    remediation_days: int = 5
    second_sign_off_days: int = 2
    remind_hours_before: int = 4
    escalate_every_hours: int = 24
    override_hours: int = 24


USUAL = Deadlines()


def due(status: ReviewStatus, since: datetime | None, deadlines: Deadlines = USUAL) -> datetime | None:
    """When the step is due that has been open since then; None: not yet, or never.

    ``since``: for a statement, the end of the access. It may be written before, and is not due before.
    """
    if since is None or status is ReviewStatus.CLOSED:
        return None
    if status in RESPONDERS_TURN:
        return since + timedelta(hours=deadlines.statement_hours)
    days = {
        ReviewStatus.DETERMINATION: deadlines.determination_days,
        ReviewStatus.REMEDIATION: deadlines.remediation_days,
        ReviewStatus.SECOND_SIGNOFF: deadlines.second_sign_off_days,
    }[status]
    return business_days_after(since, days)


def remind_at(due_at: datetime | None, since: datetime, deadlines: Deadlines = USUAL) -> datetime | None:
    """When whoever is waited for is reminded: some hours before, and never before the step began."""
    if due_at is None:
        return None
    return max(since, due_at - timedelta(hours=deadlines.remind_hours_before))


def next_escalation(due_at: datetime, now: datetime, deadlines: Deadlines = USUAL) -> datetime:
    """The next time that others are told, after ``now``: when it is due, and then again and again."""
    step = timedelta(hours=deadlines.escalate_every_hours)
    return due_at if now < due_at else due_at + step * ((now - due_at) // step + 1)


def is_overdue(status: ReviewStatus, due_at: datetime | None, now: datetime) -> bool:
    """Whether the step is late by the clock."""
    return status is not ReviewStatus.CLOSED and due_at is not None and due_at <= now


def blocks(
    status: ReviewStatus,
    due_at: datetime | None,
    overridden_until: datetime | None,
    pathway: Pathway,
    now: datetime,
) -> bool:
    """Whether a late review keeps its responder from asking.

    Only what waits for the responder does, never what others are late with; only on the routine
    pathways, never in an emergency; and not while two people have lifted it.
    """
    if pathway is Pathway.BREAK_GLASS or status not in RESPONDERS_TURN:
        return False
    lifted = overridden_until is not None and now < overridden_until
    return is_overdue(status, due_at, now) and not lifted


# who


@dataclass(frozen=True, slots=True)
class Parts:
    """Who had which part in what is reviewed, by username. None of them reviews it.

    ``recorded_by``: who wrote a use down afterwards; ``named_by``: who said who it was; ``stated_by``: who
    wrote the statement. Each of them could be covering up a use of their own. ``delegates``: to whom the
    responder handed their own decisions. Whoever acknowledged the alert, ended the access, rotated the
    credential or agreed to an override had no part in the use.
    """

    responder: str
    took_part: Collection[str] = ()
    recorded_by: str = ""
    named_by: str = ""
    stated_by: str = ""
    delegates: Collection[str] = ()


def why_not_reviewer(username: str, parts: Parts, *, same_hands: Collection[str] = ()) -> str:
    """The sentence that says why this person can't review; empty where they can."""
    barred = (
        ({parts.responder}, "This review is about your own use of an emergency account. {}"),
        (parts.took_part, "You took part in this emergency. {}"),
        ({parts.recorded_by}, "You wrote this use down. {}"),
        ({parts.named_by}, "You said who it was. {}"),
        ({parts.stated_by}, "You wrote what is stated. {}"),
        (parts.delegates, "You decide for the responder. {}"),
        (same_hands, "You and the responder aren't two people for this: one made the other's account. {}"),
    )
    why = next((sentence for people, sentence in barred if username in people), "")
    return why.format("Somebody else has to review it.")


def why_not_second(username: str, *, reviewer: str, same_hands: Collection[str]) -> str:
    """The sentence that says why this person can't sign second; empty where they can.

    Whoever can't review can't sign either: ask ``why_not_reviewer`` too.
    """
    if username == reviewer:
        return "You signed this review already. The second sign-off is another person's."
    if username in same_hands:
        return "You and the reviewer aren't two people for this: one made the other's account."
    return ""


def wants_second(found: Determination) -> bool:
    """Whether the finding needs a second person's sign-off."""
    misuse = found.classification is Classification.MISUSE
    return misuse or found.criterion is CriterionMet.CANNOT_VERIFY


# what each step needs


def statement_missing(said: Statement) -> list[Missing]:
    """What the responder has yet to say. "None" is an answer; silence is none."""
    needed = {
        "broken": "Say what was broken.",
        "normal_path": "Say why the normal path couldn't serve.",
        "done": "Say what was done, and the result.",
        "outside": "Say what you did outside the declared activities and why, or that there was nothing.",
        "sensitive_data": "Say which sensitive or customer data you saw, or that there was none.",
        "changes_left": "Say which changes are left in place, or that there are none.",
        "changes_to_revert": "Say which changes have to be reverted, or that there are none.",
        "secrets_seen": "Say which secrets you saw or copied, or that there were none.",
    }
    return [
        Missing(Step.STATEMENT, name, sentence)
        for name, sentence in needed.items()
        if not getattr(said, name).strip()
    ]


def determination_missing(found: Determination, known: Known) -> list[Missing]:
    """What the reviewer has yet to find, and what contradicts what the system knows."""
    return [Missing(Step.DETERMINATION, name, sentence) for name, sentence in _determination(found, known)]


def _determination(found: Determination, known: Known) -> Iterator[tuple[str, str]]:
    if not known.ended:
        yield "", "The access hasn't ended yet. Determine when it has."
    needed = {
        "classification": "Say what it was.",
        "criterion": "Say whether the criterion was met.",
        "fit": "Say whether scope and duration were right.",
        "could_jit": "Say whether JIT could have served.",
        "recording": "Say what you find of the recording.",
    }
    for name, sentence in needed.items():
        if getattr(found, name) is None:
            yield name, sentence
    if known.drill and found.classification is Classification.EMERGENCY:
        yield "classification", "This was a drill: call it a drill, or misuse."
    if not known.drill and found.classification is Classification.DRILL:
        yield "classification", "This was no drill: it was activated as real."
    yield from _recording(found, known)
    if known.unmarked:
        yield "lines", f"Mark {_lines(known.unmarked)} of the action log explained or unexplained."
    if not found.finding.strip():
        yield "finding", "Say what you find, in words."


def _recording(found: Determination, known: Known) -> Iterator[tuple[str, str]]:
    lacking = known.gaps > 0 or not known.recordings
    if found.recording is RecordingFound.COMPLETE and lacking:
        gaps = "a gap in the recordings" if known.gaps == 1 else f"{known.gaps} gaps in the recordings"
        what = gaps if known.gaps else "no recording at all"
        yield (
            "recording",
            f"There {'are' if known.gaps > 1 else 'is'} {what}. Accept that with a reason, or escalate it.",
        )
    if found.recording is RecordingFound.GAP_ACCEPTED and not found.recording_reason.strip():
        yield "recording_reason", "Say why the gap is acceptable."


#: How a statement says that there is nothing to revert.
_NOTHING = frozenset({"none", "nothing", "no", "no changes"})


def remediation_missing(done: Remediation, found: Determination, said: Statement) -> list[Missing]:
    """What has yet to be put right before the review can close."""
    return [Missing(Step.REMEDIATION, name, sentence) for name, sentence in _remediation(done, found, said)]


def _reverting(wanted: str) -> str:
    if wanted.casefold() in _NOTHING:
        return "Say that nothing had to be reverted, or what was after all."
    return f"Say how this was reverted, or why not: {wanted or 'nobody said what'}."


def _remediation(done: Remediation, found: Determination, said: Statement) -> Iterator[tuple[str, str]]:
    if done.rotated_at is None:
        yield "rotation", "Rotate the account's credential. Until then the review stays open."
    if not done.sessions_ended.strip():
        yield "sessions_ended", "Say how you know that no emergency session is left."
    if not done.reverted.strip():
        yield "reverted", _reverting(said.changes_to_revert.strip().rstrip("."))
    if done.person_outcome is None:
        yield "person_outcome", "Say what follows for the person."
    if done.model_outcome is None:
        yield "model_outcome", "Say what follows for the role model."
    misuse = found.classification is Classification.MISUSE
    if misuse and done.person_outcome is PersonOutcome.NONE and not done.outcome_note.strip():
        yield "outcome_note", "You found misuse. Say why nothing follows for the person."
    if done.model_outcome not in (None, ModelOutcome.NONE) and not done.follow_ups:
        yield "follow_ups", "Add a follow-up with an owner and a due date for what follows for the roles."
    if done.reportable is None:
        yield "reportable", "Say whether this has to be reported."
    if done.reportable and not done.reportable_note.strip():
        yield "reportable_note", "Say to whom it is reported, and by when."


def drill_missing(result: DrillResult) -> list[Missing]:
    """What a drill has yet to show."""
    checks = (
        (not result.scenario.strip(), "scenario", "Say which scenario was drilled."),
        (not result.custody_checked, "custody_checked", "Check the custody of the credential."),
        (
            result.alert_seconds is None,
            "alert_seconds",
            "Nobody has acknowledged the alert, so its latency isn't known. Acknowledge it first.",
        ),
        (not result.resealed, "resealed", "Seal the credential again."),
    )
    return [Missing(Step.DRILL, name, sentence) for lacks, name, sentence in checks if lacks]


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"

"""The steps of a post-incident review: statement, return, determination, remediation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime

from jitportal.models import LineMark, Person, PostIncidentReview
from jitportal.operations import clock, post_incident_facts
from jitportal.operations.facts import require
from jitportal.operations.post_incident import (
    ENTERED,
    NOUN,
    about,
    enter,
    locked,
    refuse,
    said_moment,
    say,
    tell,
    tell_reviewers,
)
from jitportal.operations.post_incident_people import why_not
from jitportal.operations.post_incident_versions import forget_draft, keep_version
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules import post_incident as rules
from jitportal.rules.errors import Conflict, NotAllowed, TransitionError
from jitportal.rules.lifecycle import check_transition, spoken_state
from jitportal.rules.permissions import Verb
from jitportal.rules.post_incident_words import (
    Classification,
    Determination,
    RecordingFound,
    Remediation,
    Statement,
    Step,
    spoken,
)
from jitportal.rules.vocabulary import ReviewStatus

_NAMES = [field.name for field in fields(Statement)]
_FOUND = [field.name for field in fields(Determination)]
#: What remediation writes; the rotation has verbs of its own.
_PUT_RIGHT = [
    "sessions_ended",
    "reverted",
    "person_outcome",
    "model_outcome",
    "outcome_note",
    "reportable",
    "reportable_note",
]


@dataclass(frozen=True, slots=True)
class Mark:
    """What the reviewer says of one line of the action log; ``explained`` None: nothing yet."""

    explained: bool | None
    note: str = ""


def state(*, actor: Person, review: PostIncidentReview, said: Statement) -> PostIncidentReview:
    """The responder hands the statement in. Raises ``InvalidInput`` with all that is missing, and
    ``Conflict`` while the access is still open.
    """
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require(Verb.INCIDENT_STATE, actor, review, now)
        _refuse_stated(review)
        if review.access_ended_at is None:
            raise Conflict(
                "The access hasn't ended yet. Save what you have as a draft, and hand it in when it has."
            )
        said = replace(said, **{name: words(getattr(said, name), name) for name in _NAMES})
        refuse(rules.statement_missing(said))
        for name in _NAMES:
            setattr(review, name, getattr(said, name))
        review.stated_at, review.stated_by = now, actor
        enter(review, ReviewStatus.DETERMINATION, now)
        review.save(update_fields=[*_NAMES, "stated_at", "stated_by", *ENTERED])
        keep_version(review, Step.STATEMENT, asdict(said), actor, now)
        forget_draft(review, Step.STATEMENT, actor, now)
        say(review, actor, "stated", f"{actor} handed in the statement about {review.account}.", now)
        _ask_to_determine(review, actor, now)
        return review


def name_responder(*, actor: Person, review: PostIncidentReview, person: Person) -> PostIncidentReview:
    """Say who signed in, where no activation tells. They are asked for a statement."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require(Verb.INCIDENT_NAME, actor, review, now)
        if review.responder is not None:
            raise Conflict(f"{review.responder} is named already.")
        if review.status != ReviewStatus.STATEMENT:
            raise Conflict("This review has gone on without a statement already.")
        review.responder, review.named_by = person, actor
        enter(review, ReviewStatus.STATEMENT, now)
        review.save(update_fields=["responder", "named_by", *ENTERED])
        say(review, actor, "named", f"{actor} said that it was {person} who signed in.", now)
        tell(
            review,
            [person],
            "statement",
            subject=f"Say what you did with {review.account}",
            body=(
                f"{actor} named you as the person who signed in as {review.account} with no activation. "
                f"Write your statement by {said_moment(review.due_at)}."
            ),
            actor=actor,
            now=now,
        )
        return review


def go_on_without_statement(*, actor: Person, review: PostIncidentReview, reason: str) -> PostIncidentReview:
    """Nobody can be found who signed in: say what was done to find out, and have it reviewed all the same, by
    somebody else.
    """
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require(Verb.INCIDENT_NAME, actor, review, now)
        if review.responder is not None:
            raise Conflict(f"{review.responder} is the responder, and has to state what was done.")
        _refuse_stated(review)
        review.done = words(reason, "reason", needed="Say what was done to find out who it was.")
        review.stated_at, review.stated_by = now, actor
        enter(review, ReviewStatus.DETERMINATION, now)
        review.save(update_fields=["done", "stated_at", "stated_by", *ENTERED])
        keep_version(review, Step.STATEMENT, {"done": review.done}, actor, now)
        say(review, actor, "stated", f"{actor} found nobody who signed in: {review.done}", now)
        return review


def return_to_responder(*, actor: Person, review: PostIncidentReview, note: str) -> PostIncidentReview:
    """Ask the responder for more. Raises ``Invalid`` without a note."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_DETERMINE, actor, review, now)
        if review.responder is None:
            raise Conflict("Nobody is known who could say more. Determine with what is known.")
        check_transition(NOUN, review.status, ReviewStatus.RETURNED)
        review.returned_note = words(note, "note", needed="Say what is missing.")
        enter(review, ReviewStatus.RETURNED, now)
        review.save(update_fields=["returned_note", *ENTERED])
        say(review, actor, "returned", f"{actor} asked for more: {review.returned_note}", now)
        tell(
            review,
            [review.responder],
            "returned",
            subject=f"More is asked about {review.account}",
            body=f"{actor} asks: {review.returned_note} Answer by {said_moment(review.due_at)}.",
            actor=actor,
            now=now,
        )
        return review


def determine(
    *,
    actor: Person,
    review: PostIncidentReview,
    found: Determination,
    marks: Mapping[str, Mark],
    seen: str,
) -> PostIncidentReview:
    """Somebody else says what it was. ``seen``: the digest of what the system showed them.

    Raises ``NotAllowed`` for the responder and whoever took part, ``InvalidInput`` with all that is
    missing, and ``Conflict`` where somebody was faster or the facts have changed meanwhile.
    """
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_DETERMINE, actor, review, now)
        check_transition(NOUN, review.status, ReviewStatus.REMEDIATION)
        known = post_incident_facts.facts_of(review)
        if known.digest != seen:
            raise Conflict(
                "What the system knows has changed since you looked. It is shown anew: look at it, and "
                "hand your determination in again."
            )
        found = replace(
            found,
            finding=words(found.finding, "finding"),
            recording_reason=words(found.recording_reason, "recording_reason"),
        )
        _mark(review, known.lines, marks, actor, now)
        unmarked = len(known.lines) - review.marks.filter(key__in=known.lines).count()
        refuse(rules.determination_missing(found, known.known(unmarked)))
        for name in _FOUND:
            setattr(review, name, getattr(found, name))
        review.reviewer, review.determined_at = actor, now
        review.facts, review.facts_digest = known.document, known.digest
        review.second_wanted = review.second_wanted or rules.wants_second(found)
        enter(review, ReviewStatus.REMEDIATION, now)
        review.save(
            update_fields=[
                *_FOUND,
                *("reviewer", "determined_at", "facts", "facts_digest", "second_wanted"),
                *ENTERED,
            ]
        )
        document = {**asdict(found), "facts_digest": known.digest, "marks": _marked(review)}
        keep_version(review, Step.DETERMINATION, document, actor, now)
        forget_draft(review, Step.DETERMINATION, actor, now)
        what = spoken(Classification(review.classification)).lower()
        say(review, actor, "determined", f"{actor} determined: {what}. {found.finding}", now)
        if found.recording is RecordingFound.GAP_ESCALATED:
            _escalate_gap(review, actor, now)
        return review


def remediate(*, actor: Person, review: PostIncidentReview, done: Remediation) -> PostIncidentReview:
    """Write down what was put right, as far as it is: what is missing is told when it is signed."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_DETERMINE, actor, review, now)
        if review.status != ReviewStatus.REMEDIATION:
            check_transition(NOUN, review.status, ReviewStatus.REMEDIATION)
        for name in _PUT_RIGHT:
            value = getattr(done, name)
            setattr(review, name, words(value, name) if isinstance(value, str) else value)
        review.person_outcome = done.person_outcome or ""
        review.model_outcome = done.model_outcome or ""
        review.save(update_fields=_PUT_RIGHT)
        keep_version(
            review, Step.REMEDIATION, {name: getattr(review, name) for name in _PUT_RIGHT}, actor, now
        )
        forget_draft(review, Step.REMEDIATION, actor, now)
        say(review, actor, "remediated", f"{actor} wrote down what was put right.", now)
        return review


def send_back(*, actor: Person, review: PostIncidentReview, note: str) -> PostIncidentReview:
    """Have it determined anew: whoever remediates or signs second finds the determination wrong."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_DETERMINE, actor, review, now)
        check_transition(NOUN, review.status, ReviewStatus.DETERMINATION)
        if review.status not in (ReviewStatus.REMEDIATION, ReviewStatus.SECOND_SIGNOFF):
            raise Conflict("There is no determination to do anew.")
        if review.status == ReviewStatus.SECOND_SIGNOFF and review.reviewer_id == actor.pk:
            raise NotAllowed(
                "You signed this, and a second person is asked: it is theirs to have it determined anew."
            )
        note = words(note, "note", needed="Say what is wrong with the determination.")
        review.signed_at, review.signed_factor = None, ""
        enter(review, ReviewStatus.DETERMINATION, now)
        review.save(update_fields=["signed_at", "signed_factor", *ENTERED])
        say(review, actor, "sent_back", f"{actor} had it determined anew: {note}", now)
        _ask_to_determine(review, actor, now)
        return review


def require_reviewer(verb: Verb, actor: Person, review: PostIncidentReview, now: datetime) -> None:
    """Let a reviewer pass, or raise ``NotAllowed``: by permission, and by whose hands they are."""
    require(verb, actor, review, now)
    why = why_not(review, actor, now)
    if why:
        raise NotAllowed(why)


def _refuse_stated(review: PostIncidentReview) -> None:
    """A statement comes first, or when it was returned: determining anew leads to the same state."""
    if review.status not in rules.RESPONDERS_TURN:
        raise TransitionError(
            f"The statement is handed in: the review is in {spoken_state(review.status)}. Reload the page."
        )


def _ask_to_determine(review: PostIncidentReview, actor: Person, now: datetime) -> None:
    tell_reviewers(
        review,
        "determine",
        subject=f"Review {about(review)}",
        body=f"The statement is there. Determine by {said_moment(review.due_at)} what it was.",
        actor=actor,
        now=now,
    )


def _mark(
    review: PostIncidentReview,
    lines: Mapping[str, str],
    marks: Mapping[str, Mark],
    actor: Person,
    now: datetime,
) -> None:
    for key, mark in marks.items():
        if key not in lines or mark.explained is None:
            continue
        said = {
            "explained": mark.explained,
            "note": words(mark.note, f"note-{key}"),
            "person": actor,
            "at": now,
        }
        LineMark.objects.update_or_create(
            review=review, key=key, defaults=said, create_defaults={**said, "text": lines[key]}
        )


def _marked(review: PostIncidentReview) -> list[dict[str, object]]:
    return [
        {"key": one.key, "text": one.text, "explained": one.explained, "note": one.note}
        for one in review.marks.order_by("key")
    ]


def _escalate_gap(review: PostIncidentReview, actor: Person, now: datetime) -> None:
    from_here = post_incident_facts.escalated_to(review, now)
    say(review, actor, "gap_escalated", f"{actor} escalated the gap in the recording.", now)
    tell(
        review,
        from_here,
        "gap",
        subject=f"A recording has a gap: {about(review)}",
        body=f"{actor} doesn't accept the gap. Find out what happened in it.",
        actor=actor,
        now=now,
    )

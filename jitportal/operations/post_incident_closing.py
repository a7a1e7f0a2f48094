"""The end of a post-incident review: the credential rotated, and one or two people's sign-off."""

from __future__ import annotations

from datetime import datetime

from jitportal.connectors.base import TargetError
from jitportal.models import FollowUp, Lease, Person, PostIncidentReview, StepUpProof
from jitportal.operations import clock, confirmation_words, own_hands, step_up
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
from jitportal.operations.post_incident_facts import alert_seconds, grant_of
from jitportal.operations.post_incident_steps import require_reviewer
from jitportal.operations.post_incident_versions import keep_version
from jitportal.operations.targets import connector_for, order_of
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules import post_incident as rules
from jitportal.rules.canonical import Plain, digest, moment
from jitportal.rules.errors import Conflict, NotAllowed, OutsideError
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.permissions import Verb
from jitportal.rules.post_incident_words import (
    Classification,
    CriterionMet,
    Determination,
    DrillResult,
    Missing,
    ModelOutcome,
    PersonOutcome,
    Remediation,
    Statement,
    Step,
)
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import Presence, ReviewStatus


def own_lease(review: PostIncidentReview) -> Lease | None:
    """The lease of a credential that was made for this activation alone: a login, or a certificate."""
    grant = grant_of(review)
    lease = grant.lease if grant is not None else None
    return lease if lease is not None and lease.grant_id is not None else None


def rotate(*, actor: Person, review: PostIncidentReview) -> PostIncidentReview:
    """Have the portal rotate, and keep the proof: a credential that was made for the activation alone is
    gone, as the target itself says when it is asked now.

    Raises ``Conflict`` where the credential outlives the activation, so that a custodian has to confirm
    its rotation; ``OutsideError`` where the target can't be asked, or still holds something.
    """
    require(Verb.INCIDENT_ROTATE, actor, review)
    lease = own_lease(review)
    if lease is None:
        raise Conflict("This credential outlives its use. Rotate it on its target, and confirm that here.")
    try:
        (holding,) = connector_for(lease.target).observe([order_of(lease)])
    except TargetError as error:
        raise OutsideError(
            f"{lease.target.name} could not be asked: {error} Try again.", permanent=error.permanent
        ) from error
    if holding.presence is not Presence.ABSENT or holding.open_sessions:
        raise OutsideError(
            f"{lease.target.name} still holds {lease.account}: {holding.detail or 'it is there'}. "
            "Rotation waits until it is gone."
        )
    proof = (
        f"{lease.account} was made for this activation alone ({lease.handle}). {lease.target.name} was asked "
        f"and holds nothing of it, and no session of it."
    )
    return _rotated(actor, review, proof, by="the portal")


def confirm_rotation(*, actor: Person, review: PostIncidentReview, evidence: str) -> PostIncidentReview:
    """A custodian rotated the credential outside, and says how that can be checked."""
    proof = words(evidence, "evidence", needed="Say how the rotation can be checked.")
    if own_lease(review) is not None:
        raise Conflict(
            "This credential was made for the one use: the portal asks the target whether it is gone. "
            "Have the portal do that instead."
        )
    return _rotated(actor, review, proof, by=str(actor))


def _rotated(actor: Person, review: PostIncidentReview, proof: str, *, by: str) -> PostIncidentReview:
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require(Verb.INCIDENT_ROTATE, actor, review, now)
        if review.access_ended_at is None:
            raise Conflict("The access hasn't ended yet. Rotate the credential when it has.")
        if review.status == ReviewStatus.CLOSED:
            raise Conflict("This review is closed already.")
        if review.rotated_at is not None:
            raise Conflict("The credential is rotated already, and the proof is kept.")
        review.rotated_at, review.rotated_by, review.rotation_proof = now, actor, proof
        review.save(update_fields=["rotated_at", "rotated_by", "rotation_proof"])
        account = review.account
        account.last_rotated_at = now
        account.save(update_fields=["last_rotated_at"])
        said = f"The credential of {account} was rotated by {by}: {proof}"
        say(review, actor, "rotated", said, now)
        return review


def missing(review: PostIncidentReview) -> list[Missing]:
    """All that still keeps the review from being signed, each with the step and field that it belongs to."""
    said = Statement(**{name: getattr(review, name) for name in Statement.__dataclass_fields__})
    lacks = [] if review.stated_at else rules.statement_missing(said)
    if review.determined_at is None:
        lacks.append(Missing(Step.DETERMINATION, "", "Nobody has determined what it was."))
    lacks += rules.remediation_missing(_remediation(review), found_of(review), said)
    if review.drill:
        lacks += rules.drill_missing(
            DrillResult(
                review.scenario,
                custody_checked=review.custody_checked_at is not None,
                alert_seconds=_latency(review),
                resealed=review.resealed_at is not None,
            )
        )
    return lacks


def found_of(review: PostIncidentReview) -> Determination:
    """What was determined, for the rules."""
    return Determination(
        classification=Classification(review.classification) if review.classification else None,
        criterion=CriterionMet(review.criterion) if review.criterion else None,
        finding=review.finding,
    )


def sign(*, actor: Person, review: PostIncidentReview, proof: StepUpProof | None) -> PostIncidentReview:
    """Whoever determined signs, with a fresh second factor. It closes, or goes to a second person.

    Raises ``InvalidInput`` with all that is missing, and ``StepUpNeeded`` without a fresh factor.
    """
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_DETERMINE, actor, review, now)
        check_transition(NOUN, review.status, ReviewStatus.CLOSED)
        if review.status != ReviewStatus.REMEDIATION:
            raise Conflict("This review is signed already, and waits for a second person.")
        if review.reviewer_id != actor.pk:
            raise NotAllowed(f"{review.reviewer} determined this, and signs it. Or determine it anew.")
        refuse(missing(review))
        factor = _confirmed(actor, review, proof)
        review.signed_at, review.signed_factor = now, named(factor)
        review.alert_seconds = _latency(review)
        second = wants_second(review)
        _go_on(review, second=second, now=now)
        review.save(update_fields=["signed_at", "signed_factor", "alert_seconds", "closed_at", *ENTERED])
        keep_version(review, Step.SIGN_OFF, {**_signed(review), "factor": review.signed_factor}, actor, now)
        say(
            review,
            actor,
            "signed",
            f"{actor} signed the review of {about(review)}.",
            now,
            **step_up.traced(factor),
        )
        if second:
            _ask_second(review, actor, now)
        else:
            _closed(review, actor, now)
        return review


def sign_second(
    *, actor: Person, review: PostIncidentReview, proof: StepUpProof | None
) -> PostIncidentReview:
    """Another person signs where the finding wants it, and the review closes. Raises as ``sign``."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_SIGN_SECOND, actor, review, now)
        check_transition(NOUN, review.status, ReviewStatus.CLOSED)
        if review.status != ReviewStatus.SECOND_SIGNOFF:
            raise Conflict("This review isn't signed yet: the reviewer signs first.")
        _refuse_same_person(actor, review, now)
        refuse(missing(review))
        factor = _confirmed(actor, review, proof)
        review.second_reviewer, review.second_signed_at, review.second_factor = actor, now, named(factor)
        _go_on(review, second=False, now=now)
        review.save(
            update_fields=["second_reviewer", "second_signed_at", "second_factor", "closed_at", *ENTERED]
        )
        keep_version(review, Step.SIGN_OFF, {**_signed(review), "factor": review.second_factor}, actor, now)
        say(review, actor, "signed_second", f"{actor} signed second.", now, **step_up.traced(factor))
        _closed(review, actor, now)
        return review


def wants_second(review: PostIncidentReview) -> bool:
    """Whether another person signs too. Nobody vouches alone for a sign-in that no activation explains: who
    it was may be the reviewer.
    """
    return review.sign_in_id is not None or review.second_wanted or rules.wants_second(found_of(review))


def named(proof: StepUpProof | None) -> str:
    """The second factor that was shown, as the review keeps it; empty where none is asked for here."""
    return f"{proof.get_method_display()}: {proof.factor} (proof {proof.pk})"[:100] if proof else ""


def _latency(review: PostIncidentReview) -> float | None:
    return alert_seconds(review.activation) if review.activation is not None else None


def _confirmed(actor: Person, review: PostIncidentReview, proof: StepUpProof | None) -> StepUpProof | None:
    return step_up.require(
        actor=actor,
        act=Act.SIGN_REVIEW,
        about=_signed(review),
        sentence=confirmation_words.of_review(review, about(review)),
        proof=proof,
    )


def _refuse_same_person(actor: Person, review: PostIncidentReview, now: datetime) -> None:
    if review.reviewer is None:
        return
    same = own_hands.barred(review.reviewer, [actor.username], now)
    why = rules.why_not_second(actor.username, reviewer=review.reviewer.username, same_hands=same)
    if why:
        raise NotAllowed(why)


def _go_on(review: PostIncidentReview, *, second: bool, now: datetime) -> None:
    enter(review, ReviewStatus.SECOND_SIGNOFF if second else ReviewStatus.CLOSED, now)
    if not second:
        review.closed_at = now
        review.remind_at = review.escalate_at = None


def _signed(review: PostIncidentReview) -> dict[str, str | int | bool | None]:
    """What a signature is about: nothing else can be signed with the same proof. The words of the statement,
    of the determination and of the remediation are in it by their hashes.
    """
    follow_ups = review.follow_ups.select_related("owner")
    return {
        "review": review.pk,
        "facts": review.facts_digest,
        "classification": review.classification,
        "criterion": review.criterion,
        "finding": review.finding,
        "determined_at": moment(review.determined_at),
        "rotated_at": moment(review.rotated_at),
        "statement": _hashed(review, *Statement.__dataclass_fields__),
        "determination": _hashed(review, "fit", "could_jit", "recording", "recording_reason"),
        "remediation": _hashed(review, *_REMEDIATION),
        "follow_ups": digest({str(row.pk): _promised(row) for row in follow_ups}),
    }


def _promised(row: FollowUp) -> dict[str, Plain]:
    return {
        "what": row.what,
        "owner": row.owner.username,
        "due_at": moment(row.due_at),
        "ticket": row.ticket,
    }


def _hashed(review: PostIncidentReview, *fields: str) -> str:
    said = {field: getattr(review, field) for field in fields}
    return digest({key: moment(it) if isinstance(it, datetime) else it for key, it in said.items()})


_REMEDIATION = (
    "rotation_proof",
    "sessions_ended",
    "reverted",
    "person_outcome",
    "model_outcome",
    "outcome_note",
    "reportable",
    "reportable_note",
    "scenario",
    "custody_checked_at",
    "custody_note",
    "resealed_at",
)


def _remediation(review: PostIncidentReview) -> Remediation:
    return Remediation(
        rotated_at=review.rotated_at,
        sessions_ended=review.sessions_ended,
        reverted=review.reverted,
        person_outcome=PersonOutcome(review.person_outcome) if review.person_outcome else None,
        model_outcome=ModelOutcome(review.model_outcome) if review.model_outcome else None,
        outcome_note=review.outcome_note,
        reportable=review.reportable,
        reportable_note=review.reportable_note,
        follow_ups=review.follow_ups.count(),
    )


def _ask_second(review: PostIncidentReview, actor: Person, now: datetime) -> None:
    tell_reviewers(
        review,
        "second",
        subject=f"Sign second: {about(review)}",
        body=f"{actor} signed. The finding wants another person's sign-off by {said_moment(review.due_at)}.",
        actor=actor,
        now=now,
    )


def _closed(review: PostIncidentReview, actor: Person, now: datetime) -> None:
    say(review, actor, "closed", f"The review of {about(review)} is closed.", now)
    if review.drill:
        account = review.account
        account.last_drilled_at = review.access_ended_at
        account.save(update_fields=["last_drilled_at"])
    if review.responder is not None:
        tell(
            review,
            [review.responder],
            "closed",
            subject=f"The review of {review.account} is closed",
            body="You can read what was found on its page.",
            actor=actor,
            now=now,
        )

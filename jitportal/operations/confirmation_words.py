"""What people read before they confirm: all that the confirmation binds, a line for each part.

What somebody typed stands in quotation marks and in one line, so that it never looks like the portal's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from jitportal.models import AccessRequest, Grant, Person, PolicyVersion, PostIncidentReview
from jitportal.operations.spoken_times import moment
from jitportal.rules.canonical import Plain
from jitportal.rules.durations import spoken
from jitportal.rules.emergencies import Claim
from jitportal.rules.policy_difference import Change
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Fit,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
)
from jitportal.rules.post_incident_words import spoken as spoken_answer
from jitportal.rules.step_up import quoted
from jitportal.rules.vocabulary import StartMode

#: So many changes of a policy are named; its page shows every line.
MOST_CHANGES = 60


def of_approval(
    request: AccessRequest, document: Mapping[str, Plain], delegator: Person | None, *, revoked: bool
) -> str:
    """An approval: of what, for whom, for how long, from when, at which stage, and why it was asked for."""
    asked = request.asked
    length = spoken(int(str(document["minutes"])))
    stage = asked.stages[request.stage]["name"]
    lines = [
        f"Approve {request.role} ({request.scope}) for {request.requester}, for {length}.",
        f"Gives: {request.scope.entitlement.name} on {request.role.target}.",
        f"Starts: {_start(request)}.",
        f"Stage: {stage}{f', for {delegator}' if delegator else ''}.",
        f"Their reason: {quoted(asked.justification)}",
    ]
    if asked.ticket:
        lines.append(f"Ticket: {quoted(asked.ticket)}")
    if revoked:
        lines.append("It goes on from a grant that was revoked.")
    lines.append(f"Policy {asked.policy_version.number}, revision {asked.number} of request {request.pk}.")
    return "\n".join(lines)


def of_revocation(grants: Sequence[Grant], reason: str) -> str:
    """Several grants that are revoked at once: each of them, and why."""
    number = "1 grant" if len(grants) == 1 else f"{len(grants)} grants"
    named = [f"{grant.role} ({grant.scope}) of {grant.person}, grant {grant.pk}" for grant in grants]
    return "\n".join([f"Revoke {number}.", *named, f"Your reason: {quoted(reason)}"])


def of_policy(version: PolicyVersion, changes: Sequence[Change]) -> str:
    """A policy that is brought into force: whose it is, and what it changes."""
    said = [f"{change.subject}: {change.sentence}" for change in changes[:MOST_CHANGES]]
    rest = len(changes) - len(said)
    if rest:
        said.append(f"And {rest} more changes, which stand on its page.")
    return "\n".join(
        [
            f"Bring policy {version.number} into force.",
            f"Proposed by {version.proposed_by}: {quoted(version.note)}",
            f"Approved by {version.approved_by}.",
            *(said or ["It changes nothing that has a meaning: comments, or how it is written."]),
            f"Its text: SHA-256 {version.digest}",
        ]
    )


def of_claim(
    claim: Claim,
    *,
    target: str,
    role: str,
    account: str,
    criterion: str,
    waiting: AccessRequest | None,
    earlier: Grant | None,
) -> str:
    """Emergency access: with what, for how long, and what is claimed."""
    what = "Practise emergency access" if claim.drill else "Emergency access"
    lines = [
        f"{what} to {target} with {account} for {spoken(claim.minutes)}, claiming {criterion}.",
        f"Role: {role}.",
        f"Incident: {quoted(claim.incident)}",
        f"What is broken: {quoted(claim.broken)}",
        f"What you expect to do: {quoted(claim.expected)}",
    ]
    if waiting is not None:
        lines.append(f"Your request {waiting.pk} for {waiting.role} is withdrawn.")
    if earlier is not None:
        lines.append(f"It extends activation {earlier.activation_id}.")
    return "\n".join(lines)


def of_review(review: PostIncidentReview, about: str) -> str:
    """A review's signature: what was determined, and what is done about it."""
    outcome = PersonOutcome(review.person_outcome) if review.person_outcome else None
    model = ModelOutcome(review.model_outcome) if review.model_outcome else None
    lines = [
        f"Sign that {about} was {spoken_answer(Classification(review.classification)).lower()}.",
        f"Criterion: {_answer(CriterionMet, review.criterion)}; finding: {quoted(review.finding)}",
        f"Fit: {_answer(Fit, review.fit)}; could it have been JIT: {_answer(CouldJit, review.could_jit)}",
        f"Recording: {_answer(RecordingFound, review.recording)} {_noted(review.recording_reason)}",
        f"Credential: {quoted(review.rotation_proof)}",
        f"Sessions ended: {quoted(review.sessions_ended)}",
        f"Reverted: {quoted(review.reverted)}",
        f"For the responder: {spoken_answer(outcome) if outcome else 'nothing'}",
        f"For the model: {spoken_answer(model) if model else 'nothing'} {_noted(review.outcome_note)}",
        f"To be reported: {_yes(reported=review.reportable)} {_noted(review.reportable_note)}",
        *_follow_ups(review),
    ]
    if review.drill:
        lines.append(f"Drill: {quoted(review.scenario)}; custody: {quoted(review.custody_note)}")
    return "\n".join(line.rstrip() for line in lines)


def of_delegation(to: Person, begins: datetime | None, ends_at: datetime, reason: str) -> str:
    """Who decides in one's place, and for how long."""
    return "\n".join(
        [
            f"Have {to} decide for you from {moment(begins) if begins else 'now'} to {moment(ends_at)}.",
            f"Your reason: {quoted(reason)}",
        ]
    )


def _start(request: AccessRequest) -> str:
    asked = request.asked
    if request.renewal_of_id:
        return f"when grant {request.renewal_of_id} ends"
    if asked.start_mode == StartMode.SCHEDULED and asked.opens_at:
        return moment(asked.opens_at)
    if asked.start_mode == StartMode.ON_CLICK and asked.opens_at and asked.closes_at:
        return f"by their click, from {moment(asked.opens_at)} to {moment(asked.closes_at)}"
    return "as soon as everybody has approved it"


def _follow_ups(review: PostIncidentReview) -> Iterable[str]:
    rows = review.follow_ups.select_related("owner").order_by("pk")
    for row in rows:
        ticket = f", {quoted(row.ticket)}" if row.ticket else ""
        yield f"Follow-up: {quoted(row.what)} ({row.owner}, by {moment(row.due_at)}{ticket})"


def _answer(kind: type[CriterionMet | Fit | CouldJit | RecordingFound], said: str) -> str:
    return spoken_answer(kind(said)).lower() if said else "not said"


def _noted(text: str) -> str:
    return quoted(text) if text.strip() else ""


def _yes(*, reported: bool | None) -> str:
    return {True: "yes", False: "no", None: "not said"}[reported]

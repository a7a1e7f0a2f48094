"""The short review after a high-risk temporary grant was used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from jitportal.audit.events import record
from jitportal.models import AfterUseReview, Grant, Person
from jitportal.operations import clock, notices, own_hands
from jitportal.operations.facts import require
from jitportal.operations.granting import wants_review
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import ReviewStatus

DUE = timedelta(days=2)


def open_for(grants: Iterable[Grant], actor: Person, now: datetime) -> None:
    """Open the review of each ended grant that was live and whose policy asks for one."""
    for grant in grants:
        if grant.live_at is None or not wants_review(grant):
            continue
        review = AfterUseReview.objects.create(
            grant=grant, holder=grant.person, opened_at=now, due_at=now + DUE
        )
        _say(review, actor, "opened", f"A review of {grant.role} of {grant.person} was opened.", now)
        if not grant.person.is_active:
            _go_on_without(review, actor, now)
            continue
        notices.notify(
            recipients=[grant.person],
            kind="review.opened",
            key=str(review.pk),
            subject=f"Say what you did with {grant.role}",
            body=f"Your access to {grant.role} has ended. Say by {review.due_at:%d %b} what you did with it.",
            path=f"/reviews/{review.pk}/",
            now=now,
            actor=actor,
            grant=grant,
        )


def state(*, actor: Person, review: AfterUseReview, statement: str, changes_left: str = "") -> AfterUseReview:
    """The holder says what was done. Raises ``Invalid`` without words, ``TransitionError`` when closed."""
    with operation(actor):
        review = _locked(review)
        now = clock.now()
        require(Verb.REVIEW_STATE, actor, review, now)
        check_transition("after-use review", review.status, ReviewStatus.DETERMINATION)
        review.statement = words(statement, "statement", needed="Say what you did, and the result.")
        review.changes_left = words(changes_left, "changes_left")
        review.status, review.stated_at = ReviewStatus.DETERMINATION, now
        review.save(update_fields=["statement", "changes_left", "status", "stated_at"])
        _say(review, actor, "stated", f"{actor} said what was done with {review.grant.role}.", now)
        _tell(review, _reviewers(review), f"Read what {actor} did with {review.grant.role}", actor, now)
        return review


def determine(*, actor: Person, review: AfterUseReview, determination: str) -> AfterUseReview:
    """Somebody else closes it. Raises ``Invalid`` without words, ``NotAllowed`` for the holder."""
    with operation(actor):
        review = _locked(review)
        now = clock.now()
        require(Verb.REVIEW_DETERMINE, actor, review, now)
        own_hands.refuse(actor, review.holder, now)
        check_transition("after-use review", review.status, ReviewStatus.CLOSED)
        review.determination = words(determination, "determination", needed="Say what you find.")
        review.status, review.reviewer, review.closed_at = ReviewStatus.CLOSED, actor, now
        review.save(update_fields=["determination", "status", "reviewer", "closed_at"])
        _say(review, actor, "closed", f"{actor} closed the review of {review.grant.role}.", now)
        return review


def return_to_holder(*, actor: Person, review: AfterUseReview, note: str) -> AfterUseReview:
    """Ask the holder for more. Raises as ``determine``."""
    with operation(actor):
        review = _locked(review)
        now = clock.now()
        require(Verb.REVIEW_DETERMINE, actor, review, now)
        own_hands.refuse(actor, review.holder, now)
        check_transition("after-use review", review.status, ReviewStatus.RETURNED)
        if not review.holder.is_active:
            raise Conflict(f"{review.holder} has left, and can't say more. Close it with what you find.")
        review.returned_note = words(note, "note", needed="Say what is missing.")
        review.status = ReviewStatus.RETURNED
        review.save(update_fields=["returned_note", "status"])
        _say(review, actor, "returned", f"{actor} asked for more: {review.returned_note}", now)
        _tell(review, [review.holder], f"More is asked about {review.grant.role}", actor, now)
        return review


def go_on_without(holder: Person, actor: Person, now: datetime) -> None:
    """Somebody leaves who had yet to say what they did: whoever reads it goes by what the system knows."""
    waiting = AfterUseReview.objects.filter(
        holder=holder, status__in=[ReviewStatus.STATEMENT, ReviewStatus.RETURNED]
    )
    for review in waiting.order_by("pk"):
        _go_on_without(_locked(review), actor, now)


def hand_on(reports: Iterable[Person], heir: Person, actor: Person, now: datetime) -> None:
    """Tell who manages these people now which reviews of theirs wait to be read."""
    waiting = AfterUseReview.objects.filter(holder__in=list(reports), status=ReviewStatus.DETERMINATION)
    for review in waiting.select_related("holder", "grant__role").order_by("pk"):
        _tell(review, [heir], f"Read what {review.holder} did with {review.grant.role}", actor, now)


def _go_on_without(review: AfterUseReview, actor: Person, now: datetime) -> None:
    """To those who read it, without the holder's words; what they said before stays."""
    holder, role = review.holder, review.grant.role
    check_transition("after-use review", review.status, ReviewStatus.DETERMINATION)
    said = f"{review.statement}\n\n" if review.statement else ""
    left = f"{holder} was deactivated before saying {'more' if said else 'what was done'}."
    review.statement = f"{said}({left})"
    review.status, review.stated_at = ReviewStatus.DETERMINATION, now
    review.save(update_fields=["statement", "status", "stated_at"])
    _say(review, actor, "unstated", f"{left} The review of {role} goes on without it.", now)
    _tell(review, _reviewers(review), f"{holder} has left: say what you find of {role}", actor, now)


def _reviewers(review: AfterUseReview) -> list[Person]:
    """Who is told that it is theirs to read; administrators find it on the page too."""
    named = (review.grant.role.owner, review.holder.manager)
    return [person for person in named if person and person.is_active and person.pk != review.holder_id]


def _locked(review: AfterUseReview) -> AfterUseReview:
    return (
        AfterUseReview.objects.select_for_update(of=("self",), no_key=True)
        .select_related("holder__manager", "grant__role__owner", "grant__role__target", "grant__request")
        .get(pk=review.pk)
    )


def _say(review: AfterUseReview, actor: Person, what: str, sentence: str, now: datetime) -> None:
    record(
        verb=f"review.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=review.holder,
        request=review.grant.request,
        grant=review.grant,
        role=review.grant.role,
        target=review.grant.role.target,
    )


def _tell(
    review: AfterUseReview, recipients: Iterable[Person], subject: str, actor: Person, now: datetime
) -> None:
    notices.notify(
        recipients=[person for person in recipients if person.pk != actor.pk],
        kind="review",
        key=f"{review.pk}:{now.isoformat()}",
        subject=subject,
        body=f"The review is due by {review.due_at:%d %b %H:%M} UTC.",
        path=f"/reviews/{review.pk}/",
        now=now,
        actor=actor,
        grant=review.grant,
    )

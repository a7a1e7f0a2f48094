"""Corrective actions of post-incident reviews: who does what by when."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.audit.system import system
from jitportal.models import FollowUp, Person, PostIncidentReview
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.post_incident import locked, said_moment, say, tell
from jitportal.operations.post_incident_steps import require_reviewer
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import ReviewStatus

BATCH = 100
#: An owner is reminded this long before a follow-up is due, and then each day that it is late.
REMIND_BEFORE = timedelta(days=1)


def add(
    *, actor: Person, review: PostIncidentReview, what: str, owner: Person, due_at: datetime, ticket: str = ""
) -> FollowUp:
    """Give somebody something to do. Raises ``Invalid`` where it says too little, or is due in the past."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require_reviewer(Verb.INCIDENT_DETERMINE, actor, review, now)
        if review.status == ReviewStatus.CLOSED:
            raise Conflict("This review is closed: nothing is added to it any more.")
        if due_at <= now:
            raise Invalid("That is in the past. Choose a later day.", field="due_at")
        if not owner.is_active or owner.is_system:
            raise Invalid("Choose somebody who is here.", field="owner")
        follow_up = FollowUp.objects.create(
            review=review,
            what=words(what, "what", needed="Say what is to be done."),
            owner=owner,
            due_at=due_at,
            ticket=words(ticket, "ticket"),
            added_by=actor,
            added_at=now,
            remind_at=max(now, due_at - REMIND_BEFORE),
        )
        said = f"{actor} gave {owner} a follow-up, due {said_moment(due_at)}: {follow_up.what}"
        say(review, actor, "follow_up_added", said, now, follow_up=follow_up.pk)
        tell(
            review,
            [owner],
            "follow_up",
            subject=f"A follow-up for you: {follow_up.what}",
            body=f"Due {said_moment(due_at)}: {follow_up.what}",
            actor=actor,
            now=now,
        )
        return follow_up


def complete(*, actor: Person, follow_up: FollowUp, note: str) -> FollowUp:
    """Say that it is done, and how. It may be done after the review is closed."""
    with operation(actor):
        follow_up = (
            FollowUp.objects.select_for_update(of=("self",), no_key=True)
            .select_related("review__account", "review__responder", "owner")
            .get(pk=follow_up.pk)
        )
        now = clock.now()
        require(Verb.FOLLOW_UP_COMPLETE, actor, follow_up, now)
        if follow_up.done_at is not None:
            raise Conflict(f"{follow_up.done_by} said that it is done already.")
        follow_up.done_note = words(note, "note", needed="Say what was done.")
        follow_up.done_at, follow_up.done_by, follow_up.remind_at = now, actor, None
        follow_up.save(update_fields=["done_note", "done_at", "done_by", "remind_at"])
        said = f"{actor} did the follow-up {follow_up.what}: {follow_up.done_note}"
        say(follow_up.review, actor, "follow_up_done", said, now, follow_up=follow_up.pk)
        return follow_up


def remind_due() -> int:
    """Remind the owners of what is due soon or late, a batch in one transaction; returns for how many."""
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = list(
            FollowUp.objects.open()
            .filter(remind_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("review__account", "review__activation", "review__responder", "owner")
            .order_by("pk")[:BATCH]
        )
        for follow_up in rows:
            late = follow_up.due_at <= now
            tell(
                follow_up.review,
                [follow_up.owner],
                "follow_up",
                subject=f"{'Late' if late else 'Due soon'}: {follow_up.what}",
                body=f"It {'was' if late else 'is'} due on {said_moment(follow_up.due_at)}.",
                actor=actor,
                now=now,
            )
            follow_up.remind_at = now + timedelta(days=1) if late else follow_up.due_at
            follow_up.save(update_fields=["remind_at"])
        return len(rows)

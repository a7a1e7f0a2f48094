"""Late reviews: reminders, escalation, what they block, and how two people lift the block.

Two workers never do the same: a review's row is locked, and its time moves with what was done.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from jitportal.audit.system import system
from jitportal.models import OverdueOverride, Person, PostIncidentReview
from jitportal.operations import clock, own_hands, policies
from jitportal.operations.facts import require
from jitportal.operations.post_incident import about, locked, path_of, said_moment, say, tell
from jitportal.operations.post_incident_facts import escalated_to
from jitportal.operations.post_incident_people import reviewers
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules import post_incident as rules
from jitportal.rules.errors import Conflict, NotAllowed, PolicyRefuses
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import Pathway, ReviewStatus

BATCH = 50


def due_now(now: datetime) -> Q:
    """The reviews whose reminder or escalation is due."""
    return Q(remind_at__lte=now) | Q(escalate_at__lte=now)


def nudge_due() -> int:
    """Remind and escalate where the time has come, a batch in one transaction; returns for how many."""
    actor = system()
    with operation(actor):
        now = clock.now()
        keys = list(
            PostIncidentReview.objects.open()
            .filter(due_now(now))
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .order_by("pk")
            .values_list("pk", flat=True)[:BATCH]
        )
        for review in PostIncidentReview.objects.filter(pk__in=keys):
            _nudge(locked(review), actor, now)
        return len(keys)


def blocking(person: Person, pathway: Pathway, now: datetime) -> list[PostIncidentReview]:
    """The late reviews that keep this person from asking on this pathway."""
    mine = PostIncidentReview.objects.filter(responder=person).waiting_for_responder().overdue(now)
    return [
        review
        for review in mine.select_related("account").order_by("due_at")
        if rules.blocks(ReviewStatus(review.status), review.due_at, review.overridden_until, pathway, now)
    ]


def refuse_blocked(person: Person, pathway: Pathway, now: datetime) -> None:
    """Raise ``PolicyRefuses``, saying what to do, where a late statement keeps this person from asking."""
    late = blocking(person, pathway, now)
    if late:
        raise PolicyRefuses(
            f"Your statement about {late[0].account} was due on {said_moment(late[0].due_at)}. Hand it in at "
            f"{path_of(late[0])}, then ask again. If you can't, two of those who review can lift this for "
            f"{policies.review_times().override_hours} hours. An emergency is never blocked."
        )


def warn_of_late(person: Person, review: PostIncidentReview, actor: Person, now: datetime) -> bool:
    """In an activation's transaction: its responder owes a statement already. Nothing is blocked; whoever
    escalations reach is told at once.
    """
    owed = (
        PostIncidentReview.objects.filter(responder=person)
        .waiting_for_responder()
        .overdue(now)
        .exclude(pk=review.pk)
        .count()
    )
    if not owed:
        return False
    statements = "a statement" if owed == 1 else f"{owed} statements"
    say(review, actor, "owing", f"{person} owes {statements} about earlier use of break-glass.", now)
    tell(
        review,
        escalated_to(review, now),
        "owing",
        subject=f"{person} uses break-glass and owes {statements}",
        body=f"{person} activated {review.account}, and {statements} about earlier use is late.",
        actor=actor,
        now=now,
    )
    return True


def ask_override(*, actor: Person, review: PostIncidentReview, reason: str) -> OverdueOverride:
    """The first of two people asks that the block be lifted. Raises ``Invalid`` without a reason."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        _require_override(actor, review, now)
        if not blocking_now(review, now):
            raise Conflict("This review blocks nobody now, so there is nothing to lift.")
        if OverdueOverride.objects.filter(review=review, granted_at__isnull=True).exists():
            raise Conflict("Somebody has asked for this already: a second person has to agree.")
        asked = OverdueOverride.objects.create(
            review=review,
            reason=words(reason, "reason", needed="Say why this can't wait for the statement."),
            asked_by=actor,
            asked_at=now,
        )
        say(review, actor, "override_asked", f"{actor} asked to lift the block: {asked.reason}", now)
        others = [person for person in reviewers(review, now) if person.pk != actor.pk]
        tell(
            review,
            others or escalated_to(review, now),
            "override",
            subject=f"Lift the block on {review.responder}?",
            body=f"{actor} asks to lift it: {asked.reason} A second person has to agree.",
            actor=actor,
            now=now,
        )
        return asked


def grant_override(*, actor: Person, review: PostIncidentReview) -> OverdueOverride:
    """The second person agrees: the block is lifted for a while. Raises ``NotAllowed`` for the first."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        _require_override(actor, review, now)
        asked = (
            OverdueOverride.objects.select_for_update(of=("self",), no_key=True)
            .select_related("asked_by")
            .filter(review=review, granted_at__isnull=True)
            .first()
        )
        if asked is None:
            raise Conflict("Nobody has asked to lift the block. Ask, and have a second person agree.")
        if asked.asked_by_id == actor.pk:
            raise NotAllowed("You asked for this yourself. A second person has to agree.")
        own_hands.refuse(actor, asked.asked_by, now)
        asked.granted_by, asked.granted_at = actor, now
        asked.until = now + timedelta(hours=policies.review_times().override_hours)
        asked.save(update_fields=["granted_by", "granted_at", "until"])
        review.overridden_until = asked.until
        review.save(update_fields=["overridden_until"])
        sentence = f"{asked.asked_by} and {actor} lifted the block on {review.responder}: {asked.reason}"
        say(review, actor, "overridden", sentence, now, until=asked.until.isoformat())
        if review.responder is not None:
            tell(
                review,
                [review.responder],
                "overridden",
                subject="You can ask for access again for a while",
                body=f"Until {said_moment(asked.until)}. The statement about {review.account} is late still.",
                actor=actor,
                now=now,
            )
        return asked


def blocking_now(review: PostIncidentReview, now: datetime) -> bool:
    """Whether it keeps its responder from asking."""
    status = ReviewStatus(review.status)
    return review.responder_id is not None and rules.blocks(
        status, review.due_at, review.overridden_until, Pathway.JIT, now
    )


def _require_override(actor: Person, review: PostIncidentReview, now: datetime) -> None:
    require(Verb.INCIDENT_OVERRIDE, actor, review, now)
    if review.responder is not None:
        own_hands.refuse(actor, review.responder, now)


def _nudge(review: PostIncidentReview, actor: Person, now: datetime) -> None:
    if review.due_at is None:
        return
    waited = _waited_for(review, now)
    names = ", ".join(str(person) for person in waited) or "nobody, because nobody is there who could"
    if review.remind_at is not None and review.remind_at <= now:
        review.remind_at = None
        if now < review.due_at:
            say(review, actor, "reminded", f"Due {said_moment(review.due_at)}: reminded {names}.", now)
            tell(
                review,
                waited,
                "reminder",
                subject=f"Due soon: {_task(review)}",
                body=f"It is due on {said_moment(review.due_at)}.",
                actor=actor,
                now=now,
            )
    if review.escalate_at is not None and review.escalate_at <= now:
        review.escalate_at = rules.next_escalation(review.due_at, now, policies.review_times())
        _escalate(review, waited, actor, now)
    review.save(update_fields=["remind_at", "escalate_at"])


def _escalate(review: PostIncidentReview, waited: list[Person], actor: Person, now: datetime) -> None:
    above = {person.pk: person for person in [*reviewers(review, now), *escalated_to(review, now)]}
    for person in waited:
        above.pop(person.pk, None)
    told = list(above.values())
    names = ", ".join(str(person) for person in told) or "nobody, because nobody is named who is here"
    say(review, actor, "escalated", f"Late since {said_moment(review.due_at)}: told {names}.", now)
    tell(
        review,
        waited,
        "late",
        subject=f"Late: {_task(review)}",
        body=f"It was due on {said_moment(review.due_at)}. Others are told, too.",
        actor=actor,
        now=now,
    )
    waiting_for = ", ".join(str(person) for person in waited) or "nobody known"
    tell(
        review,
        told,
        "escalated",
        subject=f"Late: the review of {about(review)}",
        body=f"It was due on {said_moment(review.due_at)}, and waits for {waiting_for}.",
        actor=actor,
        now=now,
    )


def _waited_for(review: PostIncidentReview, now: datetime) -> list[Person]:
    if review.status in rules.RESPONDERS_TURN:
        return [review.responder] if review.responder is not None else []
    if review.status == ReviewStatus.REMEDIATION and review.reviewer is not None:
        return [review.reviewer]
    others = reviewers(review, now)
    if review.status == ReviewStatus.SECOND_SIGNOFF:
        return [person for person in others if person.pk != review.reviewer_id]
    return others


def _task(review: PostIncidentReview) -> str:
    if review.status in rules.RESPONDERS_TURN:
        return f"your statement about {review.account}"
    steps = {
        ReviewStatus.DETERMINATION: "determine",
        ReviewStatus.REMEDIATION: "put right and sign",
        ReviewStatus.SECOND_SIGNOFF: "sign second",
    }
    return f"{steps[ReviewStatus(review.status)]} {about(review)}"

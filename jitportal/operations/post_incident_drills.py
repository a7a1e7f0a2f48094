"""What a drill adds to its review: scenario, custody, and the credential sealed again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from jitportal.audit.system import system
from jitportal.models import EmergencyAccount, Notice, Person, PostIncidentReview
from jitportal.operations import clock, notices, problems
from jitportal.operations.facts import require
from jitportal.operations.post_incident import locked, say
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import ReviewStatus

#: Custodians are reminded this long before a drill is due, and then each week.
REMIND_BEFORE = timedelta(days=7)


def note(
    *,
    actor: Person,
    review: PostIncidentReview,
    scenario: str,
    custody_checked: bool,
    custody_note: str,
    resealed: bool,
) -> PostIncidentReview:
    """Write down what the drill showed, as far as it is known. A tick that was set stays."""
    with operation(actor):
        review = locked(review)
        now = clock.now()
        require(Verb.INCIDENT_ROTATE, actor, review, now)
        if not review.drill:
            raise Conflict("This was no drill.")
        if review.status == ReviewStatus.CLOSED:
            raise Conflict("This review is closed already.")
        review.scenario = words(scenario, "scenario")
        review.custody_note = words(custody_note, "custody_note")
        review.custody_checked_at = review.custody_checked_at or (now if custody_checked else None)
        review.resealed_at = review.resealed_at or (now if resealed else None)
        review.save(update_fields=["scenario", "custody_note", "custody_checked_at", "resealed_at"])
        say(review, actor, "drill_noted", f"{actor} wrote down what the drill showed.", now)
        return review


def due_at(account: EmergencyAccount) -> datetime:
    """By when the account is to be drilled: so long after the last drill, or after it was made."""
    return (account.last_drilled_at or account.created_at) + timedelta(days=account.drill_every_days)


def remind_due() -> int:
    """Remind the custodians of each account whose drill is due soon or late, once a week; where none of them
    is here any more, those who operate the portal.
    """
    actor = system()
    with operation(actor):
        now = clock.now()
        due = [account for account in _offered() if due_at(account) - REMIND_BEFORE <= now]
        return sum(_remind(account, actor, now) for account in due)


def _offered() -> QuerySet[EmergencyAccount]:
    return EmergencyAccount.objects.offered().select_related("target").order_by("pk")


def _remind(account: EmergencyAccount, actor: Person, now: datetime) -> bool:
    """Whether somebody was reminded: not where it was done for this week already."""
    day = due_at(account)
    week = (now - day) // timedelta(days=7)
    key = f"{account.pk}:{day:%Y%m%d}:{week}"
    if Notice.objects.filter(Q(key__startswith=f"review.drill_due:{key}:")).exists():
        return False
    custodians = list(Person.objects.active().filter(username__in=account.custodians))
    late = now >= day
    told = custodians or problems.operators(now)
    start = f"It {'was' if late else 'is'} due on {day:%-d %B %Y}. Start it from the account's page."
    unkept = "" if custodians else " Nobody who is here keeps it: have the policy name its custodians."
    notices.notify(
        recipients=told,
        kind="review.drill_due",
        key=key,
        subject=f"{'Late' if late else 'Due soon'}: the drill of {account}",
        body=f"{start}{unkept}",
        path=f"/emergency/accounts/{account.key}/",
        now=now,
        actor=actor,
    )
    return bool(told)

"""Entitlement windows of a person, role and scope don't overlap. Asked with the person locked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from jitportal.models import Grant
from jitportal.operations.spoken_times import moment
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.vocabulary import GrantStatus, StartMode
from jitportal.rules.windows import Span, Window


def wished_span(window: Window, minutes: int, now: datetime, renewal_of: Grant | None = None) -> Span:
    """The time that a request could come to cover if it were approved now."""
    length = timedelta(minutes=minutes)
    start = max(window.opens_at or now, now)
    if window.mode is StartMode.RENEWAL and renewal_of is not None and renewal_of.entitles(now):
        start = renewal_of.ends_at or now
    last_start = max(window.closes_at, start) if window.closes_at else start
    return Span(start, last_start + length)


def held_span(grant: Grant) -> Span:
    """The time that a grant covers, or is planned to cover.

    One that starts by itself is planned from its opening. Where the portal was down then, it starts late
    and gives way to the next one (``next_planned``), so that windows may follow one another closely.
    """
    if grant.starts_at is not None and grant.ends_at is not None:
        return Span(grant.starts_at, grant.stopped_at or grant.ends_at)
    if grant.start_mode == StartMode.ON_CLICK:
        return Span(grant.opens_at, grant.latest_end_at)
    return Span(grant.opens_at, grant.planned_end)


def next_planned(grant: Grant, after: datetime) -> datetime | None:
    """When the next grant of the same person, role and scope is planned to start; None: there is none."""
    others = Grant.objects.filter(person=grant.person_id, role=grant.role_id, scope=grant.scope_id).exclude(
        Q(pk=grant.pk) | Q(status__in=[GrantStatus.REMOVING, GrantStatus.ENDED])
    )
    return min((start for other in others if (start := held_span(other).start) > after), default=None)


def refuse_overlap(
    person_id: int,
    role_id: int,
    scope_id: int,
    span: Span,
    *,
    ignore: Grant | None = None,
    who: str = "You hold",
) -> None:
    """Raise ``PolicyRefuses`` where another grant of this person covers part of the span.

    A grant in ``removing`` blocks nothing: its entitlement has stopped.
    """
    others = (
        Grant.objects.filter(person_id=person_id, role_id=role_id, scope_id=scope_id)
        .exclude(status__in=[GrantStatus.REMOVING, GrantStatus.ENDED])
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=span.start))
    )
    for grant in others:
        if (ignore is None or grant.pk != ignore.pk) and held_span(grant).overlaps(span):
            raise PolicyRefuses(_sentence(grant, who), field="opens_at")


def _sentence(grant: Grant, who: str) -> str:
    if grant.ends_at is not None:
        return (
            f"{who} this role and scope until {moment(grant.ends_at)} (grant {grant.pk}). "
            "Renew that grant, or choose a time after it."
        )
    if grant.start_mode != StartMode.ON_CLICK:
        return (
            f"Grant {grant.pk} for this role and scope starts by itself at {moment(grant.opens_at)} and "
            f"lasts until {moment(grant.planned_end)}. Hand it back, or choose a time after it."
        )
    return (
        f"Grant {grant.pk} for this role and scope is ready and may run until "
        f"{moment(held_span(grant).end)}. Use it, hand it back, or choose a time after it."
    )

"""The portal in figures, for those who run it: what stands now, and how the last days went.

Each figure is one query over an index, and brings no row whole: counts, or a day and a duration. The page
costs what its days cost, however long the past is. A day is one of the viewer's zone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from jitportal.models import AccessRequest, Approval, Grant, Role
from jitportal.models.grants import STARTED
from jitportal.operations.problems import PAGE_AFTER
from jitportal.rules.vocabulary import GrantStatus, Verdict

#: So many days are shown, today among them.
DAYS = 30
MOST_ROLES = 10
#: A person carries the removal out there: what that takes says nothing of the portal.
BY_HAND = "manual"


@dataclass(frozen=True, slots=True)
class Now:
    """What stands at this moment. ``oldest_waiting``: when the oldest pending request was made."""

    in_force: int
    live: int
    ready: int
    waiting: int
    oldest_waiting: datetime | None
    late: int


@dataclass(frozen=True, slots=True)
class Decisions:
    """The verdicts of a day: those of people, and the system's approvals."""

    approved: int = 0
    denied: int = 0
    sent_back: int = 0
    by_system: int = 0


@dataclass(frozen=True, slots=True)
class Durations:
    """How many were measured, and the two that half and most of them didn't exceed, in seconds."""

    number: int
    half: float
    most: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Durations of each day, where there were any, and of all days together."""

    days: Mapping[date, Durations]
    all: Durations | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One of the roles that are asked for most."""

    key: str
    name: str
    requests: int


class Seconds(Func):
    """From one moment to another, without leaving the database."""

    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "((julianday(%(expressions)s)) * 86400.0)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = "EXTRACT(EPOCH FROM %(expressions)s)::double precision"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" - ", **extra)


def last_days(now: datetime, zone: tzinfo) -> list[date]:
    """The days that are shown, the oldest first."""
    today = now.astimezone(zone).date()
    return [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def standing(now: datetime) -> Now:
    """What is in force by the clock, what waits, and what should be gone and isn't known to be."""
    entitling = Grant.objects.in_force(now)
    pending = AccessRequest.objects.pending().filter(lapses_at__gt=now)
    held = entitling.aggregate(all=Count("pk"), live=Count("pk", filter=Q(live_at__isnull=False)))
    late = now - PAGE_AFTER
    overdue = Q(status=GrantStatus.REMOVING, stopped_at__lte=late) | Q(status__in=STARTED, ends_at__lte=late)
    return Now(
        in_force=held["all"],
        live=held["live"],
        ready=Grant.objects.filter(status=GrantStatus.READY).count(),
        waiting=pending.count(),
        oldest_waiting=pending.order_by("created_at").values_list("created_at", flat=True).first(),
        late=Grant.objects.filter(overdue).count(),
    )


def decisions(days: Sequence[date], zone: tzinfo) -> dict[date, Decisions]:
    """The verdicts of each day."""
    rows = _of_days(Approval.objects.order_by(), "decided_at", days, zone)
    counted = rows.values_list("day", "verdict", "by_system").annotate(number=Count("pk"))
    found: dict[date, dict[str, int]] = {}
    for day, verdict, by_system, number in counted:
        kind = "by_system" if by_system else _KINDS[Verdict(verdict)]
        found.setdefault(days[day], {})[kind] = number
    return {day: Decisions(**kinds) for day, kinds in found.items()}


_KINDS = {Verdict.APPROVE: "approved", Verdict.DENY: "denied", Verdict.SEND_BACK: "sent_back"}


def waits(days: Sequence[date], zone: tzinfo) -> Measured:
    """From sending what was decided to its last verdict, where people decided: p50 and p90."""
    by_people = Approval.objects.filter(revision=OuterRef("current"), by_system=False)
    rows = AccessRequest.objects.decided().filter(Exists(by_people))
    return _measured(rows, "current__created_at", "closed_at", days, zone, 0.9)


def removal_lags(days: Sequence[date], zone: tzinfo) -> Measured:
    """From the end of a grant to its verified absence, where the portal itself removes: p50 and p99."""
    by_hand = Role.objects.filter(target__connector=BY_HAND).values("pk")
    rows = Grant.objects.exclude(role__in=by_hand)
    return _measured(rows, "stopped_at", "verified_absent_at", days, zone, 0.99)


def most_asked(days: Sequence[date], zone: tzinfo) -> list[Asked]:
    """The roles that were asked for most."""
    asked = AccessRequest.objects.filter(role=OuterRef("pk"), created_at__gte=_beginning(days[0], zone))
    # Counted role by role, in the index over roles and moments: what is older isn't read.
    number = Subquery(asked.order_by().values("role").annotate(number=Count("pk")).values("number"))
    counted = Role.objects.annotate(number=number).filter(number__gt=0).order_by("-number", "name")
    return [Asked(*row) for row in counted.values_list("key", "name", "number")[:MOST_ROLES]]


def _measured(
    rows: QuerySet[Any], began: str, ended: str, days: Sequence[date], zone: tzinfo, most: float
) -> Measured:
    of_days = _of_days(rows.order_by(), ended, days, zone).annotate(seconds=Seconds(F(ended), F(began)))
    of_each: list[list[float]] = [[] for _ in days]
    # Tens of thousands of rows: Django would convert each, and there is nothing to convert.
    with connection.cursor() as cursor:
        cursor.execute(*of_days.values_list("day", "seconds").query.sql_with_params())
        for number, seconds in cursor.fetchall():
            of_each[number].append(seconds)
    by_day = {day: sorted(found) for day, found in zip(days, of_each, strict=True) if found}
    together = sorted(chain.from_iterable(by_day.values()))
    return Measured(
        {day: _durations(found, most) for day, found in by_day.items()},
        _durations(together, most) if together else None,
    )


def _durations(found: Sequence[float], most: float) -> Durations:
    """Of sorted ones, by the nearest rank, so that each was measured. None is shorter than nothing."""
    half, long = (max(0.0, found[math.ceil(len(found) * share) - 1]) for share in (0.5, most))
    return Durations(len(found), half, long)


def _of_days(rows: QuerySet[Any], moment: str, days: Sequence[date], zone: tzinfo) -> QuerySet[Any]:
    """The rows of these days, each with the number of its ``day`` among them."""
    ends = [_beginning(day + timedelta(days=1), zone) for day in days]
    within = rows.filter(**{f"{moment}__gte": _beginning(days[0], zone), f"{moment}__lt": ends[-1]})
    with_day: QuerySet[Any] = within.annotate(day=_number(moment, ends, 0, len(ends) - 1))
    return with_day


def _number(moment: str, ends: Sequence[datetime], first: int, last: int) -> Case | Value:
    """Which of the days it is, by halves: that is five comparisons for a row, and not thirty."""
    if first == last:
        return Value(first)
    middle = (first + last) // 2
    return Case(
        When(**{f"{moment}__lt": ends[middle]}, then=_number(moment, ends, first, middle)),
        default=_number(moment, ends, middle + 1, last),
        output_field=IntegerField(),
    )


def _beginning(day: date, zone: tzinfo) -> datetime:
    """Midnight there; where the clocks skip it, the moment at which they do."""
    return datetime.combine(day, time(), tzinfo=zone)

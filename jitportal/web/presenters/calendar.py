"""One's change windows by day and week: what is in force, planned or ready, and what is asked for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.urls import reverse
from django.utils import timezone

from jitportal.models import AccessRequest, Grant, Role, RoleScope
from jitportal.operations.overlap import held_span
from jitportal.rules.vocabulary import WHOLE_TARGET, GrantStatus, StartMode
from jitportal.rules.windows import Span
from jitportal.web.forms.base import EARLIEST_YEAR, LATEST_YEAR
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters import states
from jitportal.web.presenters.states import Badge

#: One person's open requests and grants are few; a page must stay readable whatever happens.
MOST = 200
DAY, WEEK = 1, 7


@dataclass(frozen=True, slots=True)
class Planned:
    """A grant, or a request for a time to come, and the time that it may cover."""

    span: Span
    title: str
    target: str
    url: str
    badge: Badge
    minutes: int
    by_click: bool  # started by its holder's click within the window, for ``minutes``


@dataclass(frozen=True, slots=True)
class Entry:
    """What of it falls on one day. ``hours``: from when to when on that day, in the viewer's zone."""

    planned: Planned
    hours: str


@dataclass(frozen=True, slots=True)
class Day:
    on: date
    today: bool
    entries: list[Entry]
    clocks: str  # that the day is longer or shorter than others; else empty


@dataclass(frozen=True, slots=True)
class Calendar:
    """``later``: the first day after these on which there is something; None: there is none."""

    on: date
    days: list[Day]
    length: int
    earlier: date
    following: date
    later: date | None

    @property
    def is_week(self) -> bool:
        return self.length == WEEK

    @property
    def empty(self) -> bool:
        return not any(day.entries for day in self.days)


def calendar_of(request: PortalRequest, on: date | None, length: int) -> Calendar:
    """The days from the Monday of the week, or the day alone; today where no day is named."""
    now = now_of(request)
    today = timezone.localdate(now)
    on = on if on is not None and EARLIEST_YEAR <= on.year <= LATEST_YEAR else today
    first = on - timedelta(days=on.weekday()) if length == WEEK else on
    planned = sorted(_planned(request, now), key=lambda one: (one.span.start, one.title))
    days = [_day(first + timedelta(days=number), today, planned) for number in range(length)]
    end = _midnight(first + timedelta(days=length))
    later = min((one.span.start for one in planned if one.span.start >= end), default=None)
    return Calendar(
        on=on,
        days=days,
        length=length,
        earlier=first - timedelta(days=length),
        following=first + timedelta(days=length),
        later=timezone.localdate(later) if later else None,
    )


def day_named(text: str) -> date | None:
    """The day that an address names, as 2026-11-22; None for none, and for what isn't one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _planned(request: PortalRequest, now: datetime) -> list[Planned]:
    grants = Grant.objects.filter(person=request.user).exclude(
        status__in=[GrantStatus.REMOVING, GrantStatus.ENDED]
    )
    asked = AccessRequest.objects.open().filter(
        requester=request.user, current__start_mode__in=[StartMode.SCHEDULED, StartMode.ON_CLICK]
    )
    return [
        *(
            _of_grant(grant, now)
            for grant in grants.select_related("role__target", "scope").order_by("opens_at")[:MOST]
            if held_span(grant).end > now
        ),
        *(
            _of_request(one, now)
            for one in asked.select_related("role__target", "scope", "current").order_by("pk")[:MOST]
        ),
    ]


def _of_grant(grant: Grant, now: datetime) -> Planned:
    return Planned(
        span=held_span(grant),
        title=_title(grant.role, grant.scope),
        target=grant.role.target.name,
        url=reverse("grant_detail", args=[grant.pk]),
        badge=states.of_grant(grant, now),
        minutes=grant.minutes,
        by_click=grant.start_mode == StartMode.ON_CLICK and grant.starts_at is None,
    )


def _of_request(one: AccessRequest, now: datetime) -> Planned:
    revision = one.asked
    opens = revision.opens_at or now
    closes = revision.closes_at or opens
    return Planned(
        span=Span(opens, closes + timedelta(minutes=one.minutes)),
        title=_title(one.role, one.scope),
        target=one.role.target.name,
        url=reverse("request_detail", args=[one.pk]),
        badge=states.of_request(one, now),
        minutes=one.minutes,
        by_click=revision.start_mode == StartMode.ON_CLICK,
    )


def _title(role: Role, scope: RoleScope) -> str:
    """Columns are narrow, so that the scope is named where there is more than one."""
    return role.name if scope.key == WHOLE_TARGET else f"{role.name}, {scope.name}"


def _day(on: date, today: date, planned: Sequence[Planned]) -> Day:
    span = Span(_midnight(on), _midnight(on + timedelta(days=1)))
    hours = (span.end - span.start) / timedelta(hours=1)
    clocks = ""
    if hours != 24:
        clocks = f"The clocks go {'forward' if hours < 24 else 'back'}: this day has {hours:g} hours."
    entries = [
        Entry(one, _hours(one.span, span, named=bool(clocks))) for one in planned if one.span.overlaps(span)
    ]
    return Day(on, on == today, entries, clocks)


def _midnight(on: date) -> datetime:
    """When the day begins in the viewer's zone, in UTC: the difference of two is then time, not clocks."""
    return datetime.combine(on, time.min, tzinfo=timezone.get_current_timezone()).astimezone(UTC)


def _hours(span: Span, day: Span, *, named: bool) -> str:
    """``named``: with the zone's name, on a day that has two."""
    begins, ends = span.start > day.start, span.end < day.end
    if begins and ends:
        return f"{_clock(span.start, named=named)} to {_clock(span.end, named=named)}"
    if begins:
        return f"From {_clock(span.start, named=named)}"
    return f"Until {_clock(span.end, named=named)}" if ends else "All day"


def _clock(moment: datetime, *, named: bool) -> str:
    local = timezone.localtime(moment)
    return f"{local:%H:%M} {local.tzname()}" if named else f"{local:%H:%M}"

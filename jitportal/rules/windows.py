"""Half-open windows of time: ``start <= moment < end``. Pure; moments are aware datetimes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitportal.rules.durations import spoken
from jitportal.rules.vocabulary import StartMode

#: What a person types is rounded to minutes, and takes a while: this much past is still "now".
PAST_TOLERANCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open window ``[start, end)``; empty when they are equal."""

    start: datetime
    end: datetime

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end and not (self.empty or other.empty)

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def empty(self) -> bool:
        return self.end <= self.start


@dataclass(frozen=True, slots=True)
class Window:
    """When a grant may start. ``opens_at`` and ``closes_at`` are set as the mode needs them:

    at once: neither; scheduled: ``opens_at``; on click: both; renewal: neither (it starts at
    the end of the grant that it goes on from).
    """

    mode: StartMode
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def window_problems(
    window: Window, *, now: datetime, longest: timedelta, horizon: timedelta
) -> list[tuple[str, str]]:
    """What is wrong with a requested window, as (field, sentence)."""
    if window.mode in (StartMode.AT_ONCE, StartMode.RENEWAL):
        return []
    if window.opens_at is None:
        return [("opens_at", "Say when it should start.")]
    problems = []
    if window.mode is StartMode.SCHEDULED and window.opens_at < now - PAST_TOLERANCE:
        problems.append(("opens_at", "That start is in the past. Choose a later one, or start at once."))
    if window.opens_at > now + horizon:
        problems.append(("opens_at", f"Access can be planned {_said(horizon)} ahead at most."))
    if window.mode is StartMode.ON_CLICK:
        problems += _click_problems(window.opens_at, window.closes_at, now, longest)
    return problems


def _click_problems(
    opens_at: datetime, closes_at: datetime | None, now: datetime, longest: timedelta
) -> list[tuple[str, str]]:
    if closes_at is None:
        return [("closes_at", "Say until when you may start it.")]
    if closes_at <= opens_at:
        return [("closes_at", "The window must close after it opens.")]
    if closes_at <= now:
        return [("closes_at", "That window is in the past. Choose a later one.")]
    if closes_at - opens_at > longest:
        return [("closes_at", f"A window may be {_said(longest)} long at most.")]
    return []


def coverage_until(spans: Iterable[Span], now: datetime) -> datetime | None:
    """Until when ``now`` is covered without a gap by the union of the spans; None: it isn't."""
    until: datetime | None = None
    for span in sorted(spans, key=lambda span: span.start):
        if span.empty:
            continue
        if until is None:
            if span.holds(now):
                until = span.end
        elif span.start <= until:
            until = max(until, span.end)
    return until


def next_start(spans: Iterable[Span], now: datetime) -> datetime | None:
    """The earliest start after ``now``; None: there is none."""
    return min((span.start for span in spans if span.start > now and not span.empty), default=None)


def _said(duration: timedelta) -> str:
    return spoken(duration // timedelta(minutes=1))

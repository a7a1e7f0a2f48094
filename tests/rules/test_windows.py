"""Half-open windows, what may be planned, and coverage as a union."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.durations import spoken
from jitportal.rules.vocabulary import StartMode
from jitportal.rules.windows import (
    PAST_TOLERANCE,
    Span,
    Window,
    coverage_until,
    next_start,
    window_problems,
)

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
LONGEST, HORIZON = timedelta(hours=36), timedelta(days=14)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def span(start: int, end: int) -> Span:
    return Span(at(start), at(end))


SPANS = st.builds(span, st.integers(-50, 50), st.integers(-50, 50))


def minutes_of(one: Span) -> set[int]:
    """The whole minutes in a span whose ends are whole minutes: a slow, plain model of it."""
    return {minute for minute in range(-60, 61) if one.start <= at(minute) < one.end}


@pytest.mark.parametrize(("minute", "held"), [(-1, False), (0, True), (9, True), (10, False), (11, False)])
def test_a_window_holds_its_start_and_not_its_end(minute: int, held: bool) -> None:
    assert span(0, 10).holds(at(minute)) is held


def test_windows_that_touch_dont_overlap() -> None:
    assert not span(0, 10).overlaps(span(10, 20))
    assert span(0, 10).overlaps(span(9, 20))


@given(SPANS, SPANS)
def test_overlap_is_a_shared_minute_and_the_same_both_ways(one: Span, other: Span) -> None:
    assert one.overlaps(other) == bool(minutes_of(one) & minutes_of(other)) == other.overlaps(one)


@given(SPANS)
def test_an_empty_window_holds_nothing(one: Span) -> None:
    assert one.empty == (not minutes_of(one))


@given(st.lists(SPANS, max_size=6))
def test_coverage_is_the_union_without_a_gap(spans: list[Span]) -> None:
    covered = set().union(*map(minutes_of, spans))
    minute = 0
    while minute in covered:
        minute += 1
    assert coverage_until(spans, NOW) == (at(minute) if minute else None)


@given(st.lists(SPANS, max_size=6))
def test_the_next_start_is_the_earliest_ahead(spans: list[Span]) -> None:
    ahead = [one.start for one in spans if minutes_of(one) and one.start > NOW]
    assert next_start(spans, NOW) == (min(ahead) if ahead else None)


def found(window: Window) -> list[tuple[str, str]]:
    return window_problems(window, now=NOW, longest=LONGEST, horizon=HORIZON)


@pytest.mark.parametrize("mode", [StartMode.AT_ONCE, StartMode.RENEWAL])
def test_a_start_at_once_or_after_another_needs_no_time(mode: StartMode) -> None:
    assert found(Window(mode)) == []


@pytest.mark.parametrize(
    "window",
    [
        Window(StartMode.SCHEDULED, NOW - PAST_TOLERANCE),
        Window(StartMode.SCHEDULED, NOW + HORIZON),
        Window(StartMode.ON_CLICK, NOW, NOW + LONGEST),
        Window(StartMode.ON_CLICK, NOW - timedelta(hours=1), NOW + timedelta(minutes=1)),
    ],
)
def test_the_bounds_themselves_are_allowed(window: Window) -> None:
    assert found(window) == []


@pytest.mark.parametrize(
    ("window", "field", "sentence"),
    [
        (Window(StartMode.SCHEDULED), "opens_at", "Say when it should start."),
        (
            Window(StartMode.SCHEDULED, NOW - PAST_TOLERANCE - timedelta(seconds=1)),
            "opens_at",
            "That start is in the past. Choose a later one, or start at once.",
        ),
        (
            Window(StartMode.SCHEDULED, NOW + HORIZON + timedelta(seconds=1)),
            "opens_at",
            "Access can be planned 14 days ahead at most.",
        ),
        (Window(StartMode.ON_CLICK), "opens_at", "Say when it should start."),
        (Window(StartMode.ON_CLICK, NOW), "closes_at", "Say until when you may start it."),
        (Window(StartMode.ON_CLICK, NOW, NOW), "closes_at", "The window must close after it opens."),
        (
            Window(StartMode.ON_CLICK, NOW - timedelta(hours=2), NOW),
            "closes_at",
            "That window is in the past. Choose a later one.",
        ),
        (
            Window(StartMode.ON_CLICK, NOW, NOW + LONGEST + timedelta(seconds=1)),
            "closes_at",
            "A window may be 1 day 12 hours long at most.",
        ),
    ],
)
def test_a_window_that_cant_be_is_refused_beside_its_field(window: Window, field: str, sentence: str) -> None:
    assert found(window) == [(field, sentence)]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (59, "59 minutes"),
        (60, "1 hour"),
        (90, "1 hour 30 minutes"),
        (24 * 60, "1 day"),
        (3 * 24 * 60 + 61, "3 days 1 hour 1 minute"),
    ],
)
def test_durations_are_said_as_people_say_them(minutes: int, said: str) -> None:
    assert spoken(minutes) == said

"""Limits: how many at once, how many in the long run, for each by themselves, by several processes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from jitportal.models import RateLimit
from jitportal.operations import clock, limits, signing_in
from jitportal.rules.errors import TooOften
from jitportal.rules.limits import Guessing, Limit, admit, spoken_wait
from tests.operations.racing import race, together

START = datetime(2030, 1, 1, tzinfo=UTC)


@given(
    most=st.integers(1, 50),
    seconds=st.integers(1, 3600),
    steps=st.lists(st.floats(0, 600, allow_nan=False), min_size=1, max_size=200),
)
def test_no_stretch_holds_more_than_twice_the_figure(most: int, seconds: int, steps: list[float]) -> None:
    """Never more than the figure at once, and in the long run never faster than it says."""
    limit, full_at, now = Limit(most, seconds), None, START
    let_in: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        full_at, wait = admit(limit, full_at, now)
        if wait:
            assert admit(limit, full_at, now + wait + timedelta(milliseconds=1))[1] == timedelta()
        else:
            let_in.append(now)
    passed = (now - START).total_seconds()
    assert len(let_in) <= most + passed * most / seconds + 1
    assert len(set(let_in)) == len(let_in) or let_in.count(max(set(let_in), key=let_in.count)) <= most


def test_waits_double_and_are_bounded() -> None:
    guessing = Guessing(free=5, longest=timedelta(minutes=15))
    assert [guessing.wait(number).total_seconds() for number in (1, 4, 5, 6, 7, 12, 10_000)] == [
        *(0, 0, 10, 20, 40, 900, 900)
    ]
    assert [number for number in range(1, 1_000) if guessing.is_told(number)] == [
        *(5, 10, 20, 40, 80, 160, 320, 640)
    ]


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(milliseconds=1), "1 second"),
        (timedelta(seconds=9.2), "10 seconds"),
        (timedelta(seconds=91), "2 minutes"),
        (timedelta(minutes=15), "15 minutes"),
    ],
)
def test_a_wait_is_said_in_words(wait: timedelta, words: str) -> None:
    assert spoken_wait(wait) == words


@pytest.mark.django_db
def test_each_person_is_counted_by_themselves_and_heard_again_later(settings: LazySettings) -> None:
    settings.LIMITS = {"search": Limit(3, 60)}
    for _ in range(3):
        limits.take("search", 1)
    with pytest.raises(TooOften, match=r"You have searched very often .* Try again in 20 seconds\."):
        limits.take("search", 1)
    limits.take("search", 2)
    with clock.moved(by=timedelta(seconds=21)):
        limits.take("search", 1)
        with pytest.raises(TooOften):
            limits.take("search", 1)
    settings.LIMITS = {"search": None}
    limits.take("search", 1)


@pytest.mark.django_db
def test_what_counts_no_more_is_removed() -> None:
    limits.take("search", 1)
    limits.forget()
    assert RateLimit.objects.count() == 1
    with clock.moved(by=timedelta(hours=1)):
        limits.forget()
    assert not RateLimit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_counted_together(settings: LazySettings) -> None:
    settings.LIMITS = {"request": Limit(3, 3600)}
    race([lambda: limits.take("request", 1)] * 10, winners=3, losers_say=TooOften)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_get_no_more_tries() -> None:
    outcomes = together([lambda: signing_in.begin("ann")] * 12)
    assert sum(isinstance(outcome, signing_in.Attempt) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, TooOften) for outcome in outcomes) == 7

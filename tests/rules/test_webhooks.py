"""When a webhook is tried again, and what an answer means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.webhooks import JITTER, LONGEST_ASKED, WAITS, Outcome, outcome_of, wait_after


def test_the_waits_are_those_of_the_specification() -> None:
    seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert [wait_after(number, chance=0) for number in range(1, 10)] == [
        timedelta(seconds=wait) for wait in seconds
    ]
    assert wait_after(10, chance=0) is None


@given(st.integers(min_value=1, max_value=9), st.floats(min_value=0, max_value=1), st.text(max_size=30))
def test_a_wait_is_never_shorter_and_never_endless(attempts: int, chance: float, asked: str) -> None:
    wait = wait_after(attempts, chance=chance, asked=asked)
    assert wait is not None
    assert WAITS[attempts - 1] <= wait <= max(WAITS[attempts - 1] * (1 + JITTER), LONGEST_ASKED)


def test_a_receiver_may_ask_for_longer() -> None:
    assert wait_after(1, chance=0, asked="120") == timedelta(minutes=2)
    assert wait_after(3, chance=0, asked="120") == timedelta(minutes=30)
    assert wait_after(1, chance=0, asked="999999999") == LONGEST_ASKED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACKNOWLEDGED),
        (204, Outcome.ACKNOWLEDGED),
        (100, Outcome.FAILED),
        (301, Outcome.FAILED),
        (307, Outcome.FAILED),
        (404, Outcome.FAILED),
        (410, Outcome.GONE),
        (429, Outcome.FAILED),
        (500, Outcome.FAILED),
    ],
)
def test_what_an_answer_means(status: int, outcome: Outcome) -> None:
    assert outcome_of(status) is outcome

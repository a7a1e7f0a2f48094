"""What is usual on a path: measured durations alone, and nothing where too few are known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.waiting import (
    BY_SYSTEM,
    LEAST_DECISIONS,
    UsualWait,
    at_share,
    path_of_decision,
    path_of_rules,
    path_of_stored,
    usual,
)
from tests.rules.asking import READER, WRITER, answer


def minutes(*numbers: int) -> list[timedelta]:
    return [timedelta(minutes=number) for number in numbers]


def test_the_half_and_nine_in_ten_are_durations_that_were_measured() -> None:
    wait = usual(minutes(9, 1, 8, 2, 7, 3, 6, 4, 100, 5))
    assert wait == UsualWait(10, timedelta(minutes=5), timedelta(minutes=9))


@pytest.mark.parametrize("number", range(LEAST_DECISIONS))
def test_too_few_decisions_tell_nothing(number: int) -> None:
    assert usual(minutes(*range(number))) == UsualWait(number)


@given(st.lists(st.timedeltas(min_value=timedelta()), min_size=1), st.floats(0.01, 1))
def test_the_share_is_not_exceeded_by_so_many(durations: list[timedelta], share: float) -> None:
    at = at_share(durations, share)
    assert at in durations
    assert sum(one <= at for one in durations) >= share * len(durations) - 1e-9
    assert sum(one < at for one in durations) < share * len(durations) + 1e-9


def test_a_path_is_who_decides_in_which_order_and_how_many() -> None:
    assert path_of_rules(WRITER.stages) == ((1, ("manager ",)), (2, ("team dba",)))
    assert path_of_rules(READER.stages) == path_of_decision(answer(READER).stages)


def test_what_the_system_approves_is_a_path_of_its_own() -> None:
    by_people = answer(READER)
    by_system = answer(READER, minutes=15, ticket="INC-7")
    assert path_of_decision(by_people.stages) == ((1, ("manager ",)),)
    assert path_of_decision(by_system.stages) == BY_SYSTEM
    stored = [
        {"people": 1, "deciders": [{"kind": "manager", "team": ""}], "system_rule": "", "name": "one"},
        {"people": 2, "deciders": [{"kind": "team", "team": "dba"}], "system_rule": "", "name": "two"},
    ]
    assert path_of_stored(stored) == path_of_rules(WRITER.stages)
    assert path_of_stored([{**stored[0], "system_rule": "incident"}]) == BY_SYSTEM

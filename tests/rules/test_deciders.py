"""Who may decide: never the requester, never a deactivated person, one person once."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.deciders import DeciderRules, Directory, PersonFacts, deciders_of, enough_people
from jitportal.rules.vocabulary import Decider

MANAGER = DeciderRules(Decider.MANAGER)
OWNER = DeciderRules(Decider.ROLE_OWNER)
DBA = DeciderRules(Decider.TEAM, "dba")
EVERYBODY = frozenset({"lena", "maya", "dana", "ravi"})
DIRECTORY = Directory({"dba": frozenset({"dana", "ravi", "lena"})}, EVERYBODY)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([MANAGER], {"maya"}),
        ([OWNER], {"dana"}),
        ([DBA], {"dana", "ravi"}),
        ([MANAGER, OWNER, DBA], {"maya", "dana", "ravi"}),
        ([DeciderRules(Decider.TEAM, "unknown")], set()),
        ([DeciderRules(Decider.SYSTEM)], set()),
        ([], set()),
    ],
)
def test_the_rules_name_people(rules: list[DeciderRules], expected: set[str]) -> None:
    requester = PersonFacts("lena", active=True, manager="maya")
    assert deciders_of(rules, requester, "dana", DIRECTORY) == expected


def test_nobody_decides_on_their_own_request_as_sole_owner_manager_or_member() -> None:
    """A sole assignee approving their own ticket, as in JumpServer; an owner's bypass, as in hoop."""
    alone = Directory({"dba": frozenset({"dana"})}, frozenset({"dana"}))
    dana = PersonFacts("dana", active=True, manager="dana")
    assert deciders_of([MANAGER, OWNER, DBA], dana, "dana", alone) == frozenset()


def test_who_left_decides_nothing() -> None:
    gone = Directory(DIRECTORY.teams, EVERYBODY - {"maya", "dana"})
    requester = PersonFacts("lena", active=True, manager="maya")
    assert deciders_of([MANAGER, OWNER, DBA], requester, "dana", gone) == {"ravi"}


def test_a_requester_without_a_manager_has_none() -> None:
    assert deciders_of([MANAGER], PersonFacts("lena", active=True), "", DIRECTORY) == frozenset()


_STAGES = st.lists(
    st.tuples(st.frozensets(st.sampled_from("abcde"), max_size=4), st.integers(1, 2)), max_size=4
)


def _by_trying_all(stages: list[tuple[frozenset[str], int]]) -> bool:
    """Whether some assignment of different people to the seats exists: every one is tried."""
    seats = [eligible for eligible, people in stages for _ in range(people)]
    return any(
        all(person in seat for person, seat in zip(people, seats, strict=True))
        for people in permutations("abcde", len(seats))
    )


@given(_STAGES)
def test_stages_can_be_filled_where_different_people_can_sit_in_every_seat(
    stages: list[tuple[frozenset[str], int]],
) -> None:
    assert enough_people(stages) == _by_trying_all(stages)


def test_one_person_in_two_groups_counts_once() -> None:
    """Otherwise one person fills two stages alone, as in hoop."""
    assert not enough_people([(frozenset({"a"}), 1), (frozenset({"a"}), 1)])
    assert enough_people([(frozenset({"a", "b"}), 1), (frozenset({"a"}), 1)])


def test_large_teams_are_matched_at_once() -> None:
    team = frozenset(f"person-{number}" for number in range(500))
    assert enough_people([(team, 10)] * 10)

"""Who may decide a stage of a request, and whether the stages can be filled at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jitportal.rules.vocabulary import Decider


@dataclass(frozen=True, slots=True)
class DeciderRules:
    """Who decides: a kind, and for ``Decider.TEAM`` the team's key."""

    kind: Decider
    team: str = ""

    def __str__(self) -> str:
        words = {
            Decider.MANAGER: "the requester's manager",
            Decider.ROLE_OWNER: "the role's owner",
            Decider.SYSTEM: "the system",
        }
        return words.get(self.kind, f"team {self.team}")


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person as the rules see one. Usernames are the key throughout; they never change."""

    username: str
    active: bool
    teams: frozenset[str] = frozenset()
    manager: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """The active people who could decide: members by team, and which usernames are active."""

    teams: Mapping[str, frozenset[str]]
    active: frozenset[str]


def deciders_of(
    deciders: Sequence[DeciderRules], requester: PersonFacts, owner: str, directory: Directory
) -> frozenset[str]:
    """The active people whom the rules name, without the requester: nobody decides on their own."""
    named: set[str] = set()
    for rule in deciders:
        if rule.kind is Decider.MANAGER and requester.manager:
            named.add(requester.manager)
        elif rule.kind is Decider.ROLE_OWNER and owner:
            named.add(owner)
        elif rule.kind is Decider.TEAM:
            named |= directory.teams.get(rule.team, frozenset())
    return frozenset(named & directory.active) - {requester.username}


def enough_people(stages: Sequence[tuple[frozenset[str], int]]) -> bool:
    """Whether distinct people can fill every stage, one person counting once across all of them.

    A bipartite matching between the stages' seats and the people, by augmenting paths
    (Kuhn's algorithm).
    """
    seats = [eligible for eligible, people in stages for _ in range(people)]
    seat_of: dict[str, int] = {}

    def seated(seat: int, tried: set[str]) -> bool:
        for person in seats[seat] - tried:
            tried.add(person)
            if person not in seat_of or seated(seat_of[person], tried):
                seat_of[person] = seat
                return True
        return False

    return all(seated(seat, set()) for seat in range(len(seats)))

"""How long people wait for a decision: the paths that requests take, and what is usual on each.

A path is one role's way to a decision: who decides, in which order, and how many. What the system approves
by itself is a path of its own, so that its moments never make people look quicker than they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from jitportal.rules.policy import DecidedStage, StageRules

#: Fewer decisions than this tell nothing about the next one.
LEAST_DECISIONS = 5

#: For each stage that people decide: how many of them, and who may.
Path = tuple[tuple[int, tuple[str, ...]], ...]
#: The path on which the system approves every stage.
BY_SYSTEM: Path = ()


@dataclass(frozen=True, slots=True)
class UsualWait:
    """What is known of a path. ``half`` and ``most`` (nine in ten) are None where it is too little."""

    decisions: int
    half: timedelta | None = None
    most: timedelta | None = None


def path_of_rules(stages: Iterable[StageRules]) -> Path:
    """The path of a request in which the system approves nothing."""
    return tuple(
        _step(stage.people, (f"{rule.kind} {rule.team}" for rule in stage.deciders)) for stage in stages
    )


def path_of_decision(stages: Iterable[DecidedStage]) -> Path:
    """The path that one request would take."""
    by_people = [stage for stage in stages if not stage.system_rule]
    return tuple(
        _step(stage.people, (f"{rule.kind} {rule.team}" for rule in stage.deciders)) for stage in by_people
    )


def path_of_stored(stages: Iterable[dict[str, object]]) -> Path:
    """The path of a stored revision, from its stages as they were decided."""
    return tuple(
        _step(int(str(stage["people"])), (f"{rule['kind']} {rule['team']}" for rule in _rules(stage)))
        for stage in stages
        if not stage["system_rule"]
    )


def usual(waits: Sequence[timedelta]) -> UsualWait:
    """What is usual among these waits."""
    if len(waits) < LEAST_DECISIONS:
        return UsualWait(len(waits))
    return UsualWait(len(waits), at_share(waits, 0.5), at_share(waits, 0.9))


def at_share(durations: Sequence[timedelta], share: float) -> timedelta:
    """The shortest of the durations that this share of them doesn't exceed: one that was measured."""
    ordered = sorted(durations)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _step(people: int, deciders: Iterable[str]) -> tuple[int, tuple[str, ...]]:
    return people, tuple(sorted(set(deciders)))


def _rules(stage: dict[str, object]) -> list[dict[str, str]]:
    deciders = stage["deciders"]
    return deciders if isinstance(deciders, list) else []

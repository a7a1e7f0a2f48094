"""The people and teams that a policy document names, to be compared with the directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.policy_lines import Path
from jitportal.rules.policy_schema import Role, SystemApproval, Target
from jitportal.rules.policy_targets import MANUAL
from jitportal.rules.vocabulary import Decider


@dataclass(frozen=True, slots=True)
class Mention:
    """A person or a team that the document names, and where."""

    name: str
    team: bool
    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True)
class Named:
    """A name as it is found, with its path in the document."""

    name: str
    path: Path
    team: bool = False


def named_in_role(role: Role, path: Path) -> Iterator[Named]:
    """The owner, the eligible, and whoever decides or revokes."""
    if role.owner:
        yield Named(role.owner, (*path, "owner"))
    for index, name in enumerate(role.eligible.people):
        yield Named(name, (*path, "eligible", "people", index))
    for index, name in enumerate(role.eligible.teams):
        yield Named(name, (*path, "eligible", "teams", index), team=True)
    yield from teams_deciding(role.revokers or [], (*path, "revokers"))
    yield from _named_in_rules(role.system_approval, path)
    for index, stage in enumerate(role.stages or []):
        place = (*path, "stages", index)
        yield from teams_deciding(stage.decides, (*place, "decides"))
        yield from _named_in_rules(stage.system_approval, place)


def named_in_target(target: Target, path: Path) -> Iterator[Named]:
    """Those with an account of their own there, and those who carry out manual work on it."""
    for username in target.accounts:
        yield Named(username, (*path, "accounts", username))
    if target.connector == MANUAL:
        for username in target.settings.get("carriers", "").replace(",", " ").split():
            yield Named(username, (*path, "settings", "carriers"))


def teams_deciding(deciders: Iterable[DeciderRules], path: Path) -> Iterator[Named]:
    """The teams among those who decide."""
    for index, decider in enumerate(deciders):
        if decider.kind is Decider.TEAM:
            yield Named(decider.team, (*path, index, "team"), team=True)


def _named_in_rules(rules: Iterable[SystemApproval], path: Path) -> Iterator[Named]:
    for index, rule in enumerate(rules):
        for number, name in enumerate(rule.teams):
            yield Named(name, (*path, "system_approval", index, "teams", number), team=True)

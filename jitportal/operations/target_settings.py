"""What a connector makes of a target's settings, before the policy that has them is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jitportal.connectors import find
from jitportal.connectors.base import SettingProblem, TargetError, TargetSettings, UnusableSettings
from jitportal.models import Target
from jitportal.operations import readers
from jitportal.rules.policy_document import LineProblem, PolicyDocument
from jitportal.rules.policy_lines import Mark
from jitportal.rules.policy_targets import TargetRules


def setting_problems(document: PolicyDocument) -> Iterator[LineProblem]:
    """Everything that the targets' connectors couldn't use, each at the line of its setting.

    No target is called, and no secret is read: a connector reads its settings when it is made.
    """
    for key, rules in document.targets.items():
        places = document.target_places[key]
        for problem in _problems(rules):
            path = f"targets.{key}.settings.{problem.setting}" if problem.setting in places else ""
            place: Mark = places.get(problem.setting) or places[""]
            sentence = f"`{rules.connector}` can't use this: {problem.clause}."
            yield LineProblem(place.line, place.column, path or f"targets.{key}.settings", sentence)


def _problems(rules: TargetRules) -> tuple[SettingProblem, ...]:
    make = find(rules.connector)
    if make is None:
        return ()  # the rules have said so already
    target = Target(key=rules.key, name=rules.name, connector=rules.connector, settings=dict(rules.settings))
    values: Mapping[str, str] = rules.settings
    try:
        make(
            TargetSettings(
                rules.key, values, _no_secret, readers.reader_for(target), frozenset(rules.declared)
            )
        )
    except UnusableSettings as error:
        return error.problems
    except TargetError as error:
        return (SettingProblem("", str(error).rstrip(".")),)
    return ()


def _no_secret(name: str) -> str:
    raise TargetError(f"the secret {name} isn't needed to read settings", permanent=True)

"""What needs no wait is narrower, and what the rules themselves would let the system approve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from jitportal.rules.policy import (
    Outcome,
    RequestFacts,
    RoleRules,
    ScopeRules,
    StageRules,
    SystemRules,
    decide,
)
from jitportal.rules.vocabulary import Pathway, Risk
from jitportal.rules.without_wait import MOST_ROLES, at_once, is_narrower
from tests.rules.asking import FACTS, NOW, READER

SHORT = SystemRules("short", max_minutes=15)
INCIDENT = SystemRules("incident", max_minutes=20, ticket_pattern="INC-[0-9]+")


def role(*rules: SystemRules, **changes: object) -> RoleRules:
    stage = replace(READER.stages[0], system_when=rules)
    return replace(READER, **{"stages": (stage,), **changes})  # type: ignore[arg-type]


def ways(
    asked: RoleRules, others: Sequence[RoleRules] = (), **changes: object
) -> list[tuple[str, str, int, str]]:
    facts = replace(FACTS, **changes)  # type: ignore[arg-type]
    return [
        (way.rules.key, way.scope, way.minutes, way.ticket_for) for way in at_once(facts, asked, others, NOW)
    ]


def test_fewer_minutes() -> None:
    assert ways(role(SHORT)) == [("reader", "all", 15, "")]


def test_nothing_where_no_rule_exists_or_none_is_for_this_person() -> None:
    assert ways(role()) == []
    assert ways(role(replace(SHORT, teams=frozenset({"dba"})))) == []


def test_what_is_asked_is_no_way_by_itself() -> None:
    assert ways(role(SHORT), minutes=15) == []
    assert ways(role(SHORT), minutes=10) == []


def test_a_ticket_that_the_rule_takes() -> None:
    assert ways(role(INCIDENT)) == [("reader", "all", 20, "incident")]
    assert ways(role(INCIDENT), minutes=20) == [("reader", "all", 20, "incident")]
    assert ways(role(INCIDENT), ticket="INC-7") == [("reader", "all", 20, "")]


def test_without_a_ticket_comes_before_longer_with_one() -> None:
    assert ways(role(SHORT, INCIDENT)) == [("reader", "all", 15, "")]


def test_every_stage_has_to_be_the_systems() -> None:
    two = role(SHORT)
    people = StageRules("second", two.stages[0].deciders)
    assert ways(replace(two, stages=(*two.stages, people))) == []
    both = replace(two, stages=(*two.stages, replace(people, system_when=(replace(SHORT, max_minutes=5),))))
    assert ways(both) == [("reader", "all", 5, "")]


def test_another_scope_of_the_same_role() -> None:
    scopes = {key: ScopeRules(key, key.title(), f"{key}_ro") for key in ("left", "right")}
    asked = role(SystemRules("right alone", scopes=frozenset({"right"})), scopes=scopes)
    assert ways(asked, scope="left") == [("reader", "right", 30, "")]


def lower(**changes: object) -> RoleRules:
    plain: dict[str, object] = {"key": "lower", "name": "Lower", "risk": Risk.LOW}
    return role(SystemRules("always"), **{**plain, **changes})


ASKED = role(risk=Risk.MEDIUM)


def test_another_role_of_lower_risk_on_the_same_target_and_pathway() -> None:
    assert ways(ASKED, [lower()]) == [("lower", "all", 30, "")]
    assert ways(ASKED, [ASKED, lower(max_minutes=10)]) == [("lower", "all", 10, "")]


@pytest.mark.parametrize(
    "changes",
    [
        {"risk": Risk.HIGH},
        {"target": "elsewhere"},
        {"pathway": Pathway.TEMPORARY},
        {"risk": Risk.MEDIUM},  # as risky, and with the same privilege
        {"eligible_teams": frozenset({"dba"}), "eligible_people": frozenset()},
    ],
)
def test_what_is_no_narrower_or_not_for_this_person_is_never_named(changes: dict[str, object]) -> None:
    assert ways(ASKED, [lower(**changes)]) == []


def test_as_risky_with_some_of_the_privileges_is_narrower() -> None:
    scopes = {key: ScopeRules(key, key.title(), f"{key}_ro") for key in ("left", "right")}
    whole, part = role(scopes=scopes), lower(scopes={"left": scopes["left"]}, risk=READER.risk)
    assert is_narrower(part, whole)
    assert not is_narrower(whole, part)
    assert ways(whole, [part], scope="right") == [("lower", "left", 30, "")]


def test_the_stretch_of_what_is_asked_says_nothing_of_another_role() -> None:
    assert ways(ASKED, [lower()], earlier_minutes=ASKED.max_total_minutes) == [("lower", "all", 30, "")]
    assert ways(role(SHORT), earlier_minutes=READER.max_total_minutes) == []


def test_of_thousands_of_roles_a_few_are_looked_at() -> None:
    """Those for others cost next to nothing, and are no reason to look at fewer of one's own."""
    theirs = replace(SHORT, teams=frozenset({"dba"}))
    others = [role(theirs, key=f"a{number}", name=f"A {number}", risk=Risk.LOW) for number in range(1_000)]
    mine = [lower(key=f"lower{number}", name=f"B {number:02}") for number in range(50)]
    found = ways(ASKED, [*others, *mine])
    assert found[0] == ("lower0", "all", 30, "")
    assert len(found) == MOST_ROLES


def test_the_rules_say_the_same_when_it_is_asked_for() -> None:
    facts: RequestFacts = replace(FACTS, minutes=60)
    for way in at_once(facts, role(SHORT, INCIDENT), [lower(max_minutes=45)], NOW):
        wish = replace(facts, scope=way.scope, minutes=way.minutes, ticket="INC-1" if way.ticket_for else "")
        assert decide(wish, way.rules, NOW).outcome is Outcome.SYSTEM_APPROVES

"""Eligibility is checked again when a grant starts; a newer policy may only narrow it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jitportal.rules.deciders import PersonFacts
from jitportal.rules.policy import RoleRules, ScopeRules, eligibility_reason, start_problems
from jitportal.rules.vocabulary import Pathway
from tests.rules.asking import LENA, WRITER


def test_what_the_policy_still_offers_may_start() -> None:
    assert start_problems(LENA, "orders", WRITER, WRITER) == []


def scoped(entitlement: str) -> dict[str, ScopeRules]:
    return {"orders": ScopeRules("orders", "Orders", entitlement)}


@pytest.mark.parametrize(
    ("current", "requester", "field", "sentence"),
    [
        (None, LENA, "role", "The policy in force no longer offers writer. Ask for another role."),
        (
            replace(WRITER, target="other"),
            LENA,
            "role",
            "The policy in force no longer offers writer. Ask for another role.",
        ),
        (
            replace(WRITER, pathway=Pathway.TEMPORARY),
            LENA,
            "role",
            "The policy in force no longer offers writer. Ask for another role.",
        ),
        (
            replace(WRITER, eligible_people=frozenset(), eligible_teams=frozenset({"dba"})),
            LENA,
            "role",
            "lena is no longer eligible for writer.",
        ),
        (WRITER, replace(LENA, active=False), "role", "lena is no longer eligible for writer."),
        (
            replace(WRITER, scopes={}),
            LENA,
            "scope",
            "The policy in force no longer offers scope orders of writer.",
        ),
        (
            replace(WRITER, scopes=scoped("superuser")),
            LENA,
            "scope",
            "The policy in force no longer offers scope orders of writer.",
        ),
        (
            replace(WRITER, dynamic_login=True),
            LENA,
            "role",
            "The policy in force gives writer in another way than when it was asked for. Ask again.",
        ),
        (
            replace(WRITER, scopes={"orders": replace(WRITER.scopes["orders"], options={"schema": "x"})}),
            LENA,
            "role",
            "The policy in force gives writer in another way than when it was asked for. Ask again.",
        ),
    ],
)
def test_a_newer_policy_only_narrows_what_was_approved(
    current: RoleRules | None, requester: PersonFacts, field: str, sentence: str
) -> None:
    """A future grant still firing after eligibility is gone, as in jit-groups #145."""
    found = [(one.field, one.sentence) for one in start_problems(requester, "orders", WRITER, current)]
    assert found == [(field, sentence)]


def test_a_name_or_a_team_makes_eligible() -> None:
    assert eligibility_reason(LENA, WRITER) == "lena is named in the policy."
    assert eligibility_reason(replace(LENA, username="omar"), WRITER) == "omar is a member of team platform."
    assert eligibility_reason(PersonFacts("eve", active=True), WRITER) is None
    assert eligibility_reason(replace(LENA, active=False), WRITER) is None

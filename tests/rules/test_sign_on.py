"""What claims say of somebody: only what the operator's rules read, whatever else is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.sign_on import ClaimRules, Unwanted, arrival, find

RULES = ClaimRules(teams={"/dba": "dba", "/eng": "platform"})
RITA: dict[str, Any] = {
    "sub": "s-1",
    "preferred_username": "Rita",
    "name": "Rita R",
    "groups": ["/dba", "/x"],
}


def test_names_are_small_and_teams_are_those_of_the_mapping() -> None:
    rita = arrival(RITA, RULES)
    assert (rita.subject, rita.username, rita.name) == ("s-1", "rita", "Rita R")
    assert rita.teams == frozenset({"dba"})
    assert (rita.mail, rita.manager, rita.gone) == (None, None, "")


def test_groups_that_arent_told_leave_the_teams_alone() -> None:
    assert arrival({**RITA, "groups": None}, RULES).teams is None
    assert arrival({**RITA, "groups": []}, RULES).teams == frozenset()
    assert arrival({**RITA, "groups": "/eng"}, RULES).teams == frozenset({"platform"})
    assert arrival({**RITA, "groups": [7, None, {"a": 1}]}, RULES).teams == frozenset()
    assert arrival(RITA, ClaimRules()).teams is None


def test_a_claim_may_lie_within_another() -> None:
    claims = {"realm_access": {"roles": ["a"]}, "a.b": "whole", "a": {"b": "part"}}
    assert find(claims, "realm_access.roles") == ["a"]
    assert find(claims, "a.b") == "whole"
    assert find(claims, "realm_access.roles.x") is None
    assert find(claims, "") is None


@pytest.mark.parametrize("said", [True, "true", "yes", 1, "1"], ids=repr)
def test_who_is_active_stays(said: object) -> None:
    assert arrival({**RITA, "active": said}, replace(RULES, active="active")).gone == ""


@pytest.mark.parametrize("said", [False, "false", "no", 0, "", "suspended", [], {}], ids=repr)
def test_whatever_isnt_yes_is_no(said: object) -> None:
    assert arrival({**RITA, "active": said}, replace(RULES, active="active")).gone


@pytest.mark.parametrize(
    ("claims", "rules"),
    [
        ({**RITA, "sub": ""}, RULES),
        ({**RITA, "sub": 7}, RULES),
        ({**RITA, "sub": "x" * 256}, RULES),
        ({**RITA, "preferred_username": None}, RULES),
        (RITA, replace(RULES, active="active")),
        ({**RITA, "groups": None}, replace(RULES, needed=frozenset({"/staff"}))),
    ],
)
def test_who_cant_be_known_isnt_let_in(claims: dict[str, Any], rules: ClaimRules) -> None:
    with pytest.raises(Unwanted):
        arrival(claims, rules)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "preferred_username", "name", "email", "groups", "manager", "active"]), _JSON
    )
)
def test_whatever_the_claims_are_it_is_an_arrival_or_a_refusal(claims: dict[str, object]) -> None:
    rules = replace(RULES, manager="manager", active="active", needed=frozenset({"/dba"}))
    try:
        who = arrival(claims, rules)
    except Unwanted:
        return
    assert who.subject == claims["sub"]
    assert who.teams is not None
    assert who.teams <= rules.governed
    assert who.gone or "/dba" in str(claims["groups"])

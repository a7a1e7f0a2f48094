"""A change that the form makes in the document's text means that change, and touches nothing else."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.errors import Invalid
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import PolicyDocument, PolicyDocumentError, load
from jitportal.rules.policy_edits import (
    Eligibility,
    NewRole,
    NewScope,
    with_caps,
    with_eligibility,
    with_role,
)
from jitportal.rules.vocabulary import Decider, Pathway, Risk
from tests.rules.documents import DEMO, SMALL

MANUAL = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
EXAMPLE = MANUAL[MANUAL.index("# A full example") :].split("```yaml\n")[1].split("```")[0]
WRITTEN = {"small": SMALL, "demo": DEMO.read_text(encoding="utf-8"), "example": EXAMPLE}
#: The same documents as other writers lay them out: all in blocks, all in brackets, wider and narrower.
LAYOUTS: dict[str, dict[str, Any]] = {
    "in blocks": {"default_flow_style": False, "width": 4000},
    "in brackets": {"default_flow_style": True, "width": 60},
    "mixed": {"default_flow_style": None, "indent": 4, "width": 4000},
}
LAID_OUT: dict[str, str] = {
    f"{name} {kind}": yaml.safe_dump(yaml.safe_load(text), sort_keys=False, **options)
    for name, text in WRITTEN.items()
    if name != "demo"
    for kind, options in LAYOUTS.items()
}
BASES: dict[str, str] = {**WRITTEN, **LAID_OUT}
WORDS = st.text(st.sampled_from("abcdefgh XYZ:#'\"[]{}&*!-,.%@`|>?\\é٣漢"), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip())
)
SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
NAMES = st.lists(SLUGS, max_size=3, unique=True)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """One of the documents, with remarks and empty lines wherever they may stand."""
    lines = BASES[draw(st.sampled_from(sorted(BASES)))].rstrip("\n").split("\n")
    seed = Random(draw(st.integers(0, 10_000)))
    in_brackets = any(
        line.count("{") + line.count("[") != line.count("}") + line.count("]") for line in lines
    )
    out = []
    for line in lines:
        if seed.random() < 0.1 and not in_brackets:
            out.append(" " * seed.choice([0, 2, 4, 6]) + "# a remark: with 'signs', [and] so on")
        if seed.random() < 0.1 and not in_brackets:
            out.append("")
        out.append(line + ("  # said here" if seed.random() < 0.1 and not in_brackets else ""))
    return "\n".join(out) + seed.choice(["", "\n", "\n\n# the end\n"])


def kept(old: str, new: str) -> list[str]:
    """The lines of the old text that aren't in the new one any more."""
    before, after = old.split("\n"), new.split("\n")
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        line for tag, start, end, _, _ in blocks if tag in {"replace", "delete"} for line in before[start:end]
    ]


def others_same(old: PolicyDocument, new: PolicyDocument, *changed: str) -> None:
    """All but these roles, and all but their places on the pathways' lists, says the same."""
    assert {key: role for key, role in old.roles.items() if key not in changed} == {
        key: role for key, role in new.roles.items() if key not in changed
    }
    assert (old.targets, old.criteria) == (new.targets, new.criteria)
    for pathway, rules in old.pathways.items():
        names = tuple(name for name in new.pathways[pathway].roles if name in rules.roles)
        assert replace(new.pathways[pathway], roles=names, allowed_for=rules.allowed_for) == rules


@settings(max_examples=4, deadline=None)
@given(text=documents(), data=st.data())
def test_who_may_ask_changes_and_nothing_else(text: str, data: st.DataObject) -> None:
    document = load(text)
    key = data.draw(st.sampled_from(sorted(document.roles)))
    rules = document.roles[key]
    change = Eligibility(
        add_people=[f"new-{name}" for name in data.draw(NAMES)],
        add_teams=[f"new-{name}" for name in data.draw(NAMES)],
        remove_people=_some(data, rules.eligible_people),
        remove_teams=_some(data, rules.eligible_teams),
    )
    edited = with_eligibility(text, key, change)
    after = load(edited)
    assert after.roles[key] == replace(
        rules,
        eligible_people=rules.eligible_people - set(change.remove_people) | set(change.add_people),
        eligible_teams=rules.eligible_teams - set(change.remove_teams) | set(change.add_teams),
    )
    others_same(document, after, key)
    assert len(kept(text, edited)) <= 4 + len(change.remove_people) + len(change.remove_teams)
    assert _remarks(edited) == _remarks(text)


def _some(data: st.DataObject, names: frozenset[str]) -> list[str]:
    return data.draw(st.lists(st.sampled_from(sorted(names)), unique=True)) if names else []


def _remarks(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.lstrip().startswith("#")]


@settings(max_examples=4, deadline=None)
@given(text=documents(), data=st.data())
def test_the_caps_become_what_the_form_says_and_nothing_else_moves(text: str, data: st.DataObject) -> None:
    document = load(text)
    key = data.draw(st.sampled_from(sorted(document.roles)))
    rules = document.roles[key]
    longest = data.draw(st.integers(1, document.pathways[rules.pathway].max_minutes))
    recommended = data.draw(st.integers(1, longest))
    total = data.draw(st.integers(longest, 100 * 24 * 60))
    alone = [
        rule.max_minutes or 0
        for stage in rules.stages
        for rule in stage.system_when
        if not (rule.ticket_pattern or rule.teams or rule.scopes)
    ]
    wanted = {"max": longest, "recommended": recommended, "max_total": total}
    edited = with_caps(text, key, wanted)
    if longest <= max(alone, default=0):  # the rule of the system's approval would match every request
        with pytest.raises(PolicyDocumentError):
            load(edited)
        return
    after = load(edited)
    assert after.roles[key] == replace(
        rules, max_minutes=longest, recommended_minutes=recommended, max_total_minutes=total
    )
    others_same(document, after, key)
    assert len(kept(text, edited)) <= 6
    assert _remarks(edited) == _remarks(text)


@settings(max_examples=4, deadline=None)
@given(text=documents(), data=st.data())
def test_a_new_role_is_added_and_nothing_else_changes(text: str, data: st.DataObject) -> None:
    document = load(text)
    pathways = [one for one in document.pathways if one is not Pathway.BREAK_GLASS]
    pathway = data.draw(st.sampled_from(pathways))
    key = f"fresh-{data.draw(SLUGS)}"
    words = WORDS.map(str.strip)
    scopes = [NewScope(f"s-{one}", data.draw(words), data.draw(words)) for one in data.draw(NAMES)]
    role = NewRole(
        key=key,
        pathway=pathway,
        target=data.draw(st.sampled_from([one for one in document.targets if one != "portal"])),
        owner="dana",
        max_minutes=data.draw(st.integers(1, document.pathways[pathway].max_minutes)),
        name=data.draw(words),
        description=data.draw(words),
        entitlement="" if scopes else data.draw(words),
        scopes=scopes,
        people=data.draw(NAMES),
        teams=data.draw(NAMES),
        stages=data.draw(
            st.lists(
                st.sampled_from(
                    [
                        DeciderRules(Decider.MANAGER),
                        DeciderRules(Decider.ROLE_OWNER),
                        DeciderRules(Decider.TEAM, "dba"),
                    ]
                ),
                max_size=2,
                unique=True,
            )
        ),
        risk=data.draw(st.sampled_from([None, *Risk])),
    )
    edited = with_role(text, role)
    after = load(edited)
    made = after.roles[key]
    _is_as_asked(made, role)
    others_same(document, after, key)
    assert set(after.roles) - set(document.roles) == {key}
    assert len(kept(text, edited)) <= 4
    assert _remarks(edited) == _remarks(text)


def _is_as_asked(made: RoleRules, role: NewRole) -> None:
    assert (made.name, made.description, made.target, made.owner) == (
        role.name,
        role.description,
        role.target,
        role.owner,
    )
    assert (made.pathway, made.max_minutes) == (role.pathway, role.max_minutes)
    assert (made.eligible_people, made.eligible_teams) == (frozenset(role.people), frozenset(role.teams))
    gives = {one.key: (one.entitlement, one.name) for one in made.scopes.values()}
    if role.scopes:
        assert gives == {one.key: (one.entitlement, one.name) for one in role.scopes}
    else:
        assert [one[0] for one in gives.values()] == [role.entitlement]
    if role.stages:
        assert [stage.deciders for stage in made.stages] == [(one,) for one in role.stages]
    if role.risk:
        assert made.risk is role.risk


def test_the_demo_reads_as_before_with_a_role_more() -> None:
    text = WRITTEN["demo"]
    role = NewRole(
        key="orders-audit",
        pathway=Pathway.JIT,
        target="orders-db",
        owner="dana",
        max_minutes=45,
        name="Audit orders: read only",
        entitlement="app_audit",
        teams=["platform", "dba"],
        stages=[DeciderRules(Decider.MANAGER), DeciderRules(Decider.TEAM, "dba")],
    )
    assert (
        with_role(text, role)
        == text.replace(
            "      - portal-administrator\n", "      - portal-administrator\n      - orders-audit\n"
        ).rstrip("\n")
        + """

    orders-audit:
      name: "Audit orders: read only"
      target: orders-db
      owner: dana
      entitlement: app_audit
      eligible:
        teams: [platform, dba]
      stages:
        - name: manager
          decides: manager
        - name: dba
          decides:
            team: dba
      max_minutes: 45
"""
    )


def test_a_cap_that_follows_from_another_stays_where_it_was() -> None:
    text = SMALL
    assert load(text).roles["writer"].max_total_minutes == 120
    edited = with_caps(text, "writer", {"max": 20, "recommended": 20, "max_total": 120})
    assert edited == text.replace(
        "      max_minutes: 30\n", "      max_minutes: 20\n      max_total_minutes: 120\n"
    )


def test_a_cap_takes_the_unit_that_says_it() -> None:
    text = SMALL.replace("max_minutes: 30", "max_hours: 1  # an hour is plenty")
    edited = with_caps(text, "writer", {"max": 45, "recommended": 30, "max_total": 240})
    assert "      max_minutes: 45  # an hour is plenty\n" in edited


def test_a_role_that_is_there_already_is_refused() -> None:
    role = NewRole("reader", Pathway.JIT, "db", "dana", 30, entitlement="x")
    with pytest.raises(Invalid, match="already"):
        with_role(SMALL, role)


def test_a_name_that_is_allowed_already_is_described() -> None:
    text = SMALL.replace("[reader, writer]", "[reader, writer, later]")
    edited = with_role(text, NewRole("later", Pathway.JIT, "db", "dana", 30, entitlement="x"))
    assert edited.count("later") == 2
    assert not load(edited).unbound


def test_the_first_role_of_all() -> None:
    text = (
        SMALL[: SMALL.index("  roles:\n    reader")]
        .replace("[reader, writer]", "[]")
        .replace("[migration]", "[]")
    )
    text = text.replace("    roles: [rescue]\n", "")
    edited = with_role(text, NewRole("first", Pathway.JIT, "db", "dana", 30, entitlement="x"))
    assert list(load(edited).roles) == ["first"]
    assert kept(text, edited) == ["    allowed_for: []"]

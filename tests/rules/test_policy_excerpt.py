"""The lines of the document that are about one role."""

from __future__ import annotations

from jitportal.rules.policy_document import load
from jitportal.rules.policy_excerpt import Excerpt, role_excerpt
from tests.rules.documents import SMALL, line_of


def test_from_its_key_to_the_next_one() -> None:
    found = role_excerpt(
        load(SMALL.replace("    migration:\n", "\n    # for migrations\n    migration:\n")), "writer"
    )
    assert found is not None
    assert found.first == line_of("    writer:")
    assert (found.lines[0], found.lines[-1]) == ("    writer:", "      max_minutes: 30")


def test_the_last_role_ends_with_the_document() -> None:
    found = role_excerpt(load(f"{SMALL}\n\n"), "rescue")
    assert found is not None
    assert found.lines[-1] == "      eligible: {people: [ravi]}"


def test_a_role_in_brackets_is_its_line() -> None:
    text = """elevation_policy:
  jit_access: {allowed_for: [a, b], requires: [manager_approval]}
  targets: {t: {connector: manual}}
  roles:
    a: {target: t, owner: o, entitlement: x}
    b: {target: t, owner: o, entitlement: y}
"""
    assert role_excerpt(load(text), "a") == Excerpt(5, ("    a: {target: t, owner: o, entitlement: x}",))
    assert role_excerpt(load(text), "c") is None

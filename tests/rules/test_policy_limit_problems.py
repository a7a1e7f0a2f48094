"""Caps and approvals that a policy document can't have are refused at their line, in a sentence."""

from __future__ import annotations

import pytest

from tests.rules.documents import Mistake, check_mistake

CAP = "      max_minutes: 30\n"
RULE = "{name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}"

MISTAKES = {
    "longer than the cap": Mistake(
        CAP,
        "      max_hours: 2\n",
        at="max_hours",
        says="roles.writer.max_hours: 2 hours is over the cap of jit_access, 1 hour.",
    ),
    "two units": Mistake(
        CAP,
        CAP + "      max_hours: 1\n",
        at="max_hours",
        says="roles.writer.max_hours: `max_minutes` and `max_hours` say the same thing. Keep one.",
    ),
    "recommended over the longest": Mistake(
        CAP,
        CAP + "      recommended_minutes: 45\n",
        at="recommended",
        says=("roles.writer.recommended_minutes: 45 minutes recommended is over the longest, 30 minutes."),
    ),
    "less in all than once": Mistake(
        CAP,
        CAP + "      max_total_minutes: 20\n",
        at="max_total",
        says=(
            "roles.writer.max_total_minutes: 20 minutes in all is less than one grant may last, 30 minutes."
        ),
    ),
    "planned too far ahead": Mistake(
        CAP,
        CAP + "      horizon_days: 1000\n",
        at="horizon",
        says="roles.writer.horizon_days: 1000 days is too long: 366 days at most.",
    ),
    "nobody approves": Mistake(
        "[manager_approval, max_duration_14_days]",
        "[max_duration_14_days]",
        at="    migration:",
        says=(
            "roles.migration: Nobody approves this role: give it `stages`, or let temporary_access "
            "require an approval."
        ),
    ),
    "no stages": Mistake(
        "      risk: high\n",
        "      stages: []\n",
        at="stages: []",
        says="roles.migration.stages: The list of stages is empty: nobody would approve.",
    ),
    "more stages than a role has": Mistake(
        "        - {name: first, decides: manager}\n",
        "".join(f"        - {{name: s{number}, decides: {{team: t}}}}\n" for number in range(11)),
        at="      stages:",
        says="roles.writer.stages: A role has 10 stages at most, and these are 12. Take some out.",
    ),
    "more rules than a stage has": Mistake(
        RULE,
        "\n        - ".join(f"{{max_minutes: {number}}}" for number in range(1, 22)),
        at="      system_approval:",
        says="roles.reader.system_approval: A stage has 20 rules at most, and these are 21. Take some out.",
    ),
    "nobody decides": Mistake(
        "{name: first, decides: manager}",
        "{name: first}",
        at="{name: first}",
        says="roles.writer.stages[0]: `decides` is missing: say who decides this stage.",
    ),
    "an empty list decides": Mistake(
        "{name: first, decides: manager}",
        "{name: first, decides: []}",
        at="decides: []",
        says="roles.writer.stages[0].decides: `decides` is missing: say who decides this stage.",
    ),
    "a team without a name": Mistake(
        "decides: {team: dba}",
        "decides: team dba",
        at="team dba",
        says="roles.writer.stages[1].decides: Name the team as `team: its-key`, with the colon.",
    ),
    "a team and more": Mistake(
        "decides: {team: dba}",
        "decides: {team: dba, also: x}",
        at="also",
        says=("roles.writer.stages[1].decides: This should be `team:` and the team's key, and nothing else."),
    ),
    "the system decides": Mistake(
        "decides: manager}",
        "decides: system}",
        at="decides: system",
        says="roles.writer.stages[0].decides: The system decides only where a rule matches.",
    ),
    "an unknown decider": Mistake(
        "decides: manager}",
        "decides: [manger]}",
        at="manger",
        says=("roles.writer.stages[0].decides[0]: `manger` isn't one who decides. Did you mean `manager`?"),
    ),
    "nobody has to approve": Mistake(
        "people: 2",
        "people: 0",
        at="people: 0",
        says="roles.writer.stages[1].people: 0 isn't between 1 and 20.",
    ),
    "two managers": Mistake(
        "{name: first, decides: manager}",
        "{name: first, decides: manager, people: 2}",
        at="stages:\n        - {name: first",
        says="roles.writer.stages: The stages need more different people than there can be",
    ),
    "stages of one name": Mistake(
        "name: second",
        "name: first",
        at="{team: dba}",
        says="roles.writer.stages[1]: Two stages are named `first`. Give each its own `name`.",
    ),
    "a rule of the system without a condition": Mistake(
        RULE,
        "{name: short}",
        at="{name: short}",
        says=(
            "roles.reader.system_approval[0]: This rule matches every request, so the system would "
            "approve by default."
        ),
    ),
    "a condition that always holds": Mistake(
        RULE,
        "{name: short, max_minutes: 60}",
        at="{name: short",
        says="roles.reader.system_approval[0]: This rule matches every request",
    ),
    "a pattern that always holds": Mistake(
        RULE,
        "{name: short, ticket_pattern: '.*'}",
        at="{name: short",
        says="roles.reader.system_approval[0]: This rule matches every request",
    ),
    "a scope that always holds": Mistake(
        RULE,
        "{name: short, scopes: [all]}",
        at="{name: short",
        says="roles.reader.system_approval[0]: This rule matches every request",
    ),
    "a rule longer than the role": Mistake(
        RULE,
        "{name: short, max_minutes: 61}",
        at="{name: short",
        says=(
            "roles.reader.system_approval[0].max_minutes: 1 hour 1 minute is over this role's "
            "longest, 1 hour."
        ),
    ),
    "a rule for an unknown scope": Mistake(
        RULE,
        "{name: short, max_minutes: 15, scopes: [orders]}",
        at="{name: short",
        says=("roles.reader.system_approval[0].scopes: This role has no scope `orders`. Known here: `all`."),
    ),
    "rules of one name": Mistake(
        RULE,
        RULE + "\n        - {name: short, max_minutes: 5}",
        at="max_minutes: 5}",
        says="roles.reader.system_approval[1]: Two rules are named `short`. Give each its own `name`.",
    ),
    "the system beside own stages": Mistake(
        CAP,
        CAP + "      system_approval: [{name: x, max_minutes: 5}]\n",
        at="{name: x",
        says=(
            "roles.writer.system_approval: This role has its own stages: write `system_approval` in the stage"
        ),
    ),
    "the system on a temporary role": Mistake(
        "      risk: high\n",
        "      system_approval: [{name: x, max_minutes: 5}]\n",
        at="{name: x",
        says="roles.migration.system_approval: Temporary access is approved by people alone.",
    ),
    "the system where the pathway has none": Mistake(
        "[manager_or_system_approval, ",
        "[manager_approval, ",
        at="      system_approval:",
        says=(
            "roles.reader.system_approval: jit_access doesn't require `manager_or_system_approval`, "
            "so the system"
        ),
    ),
    "stages before break-glass": Mistake(
        "eligible: {people: [ravi]}",
        "stages: [{decides: manager}]",
        at="stages: [",
        says="roles.rescue.stages: Nobody approves a break-glass role before its use",
    ),
    "the system before break-glass": Mistake(
        "eligible: {people: [ravi]}",
        "system_approval: [{name: x, max_minutes: 5}]",
        at="system_approval: [",
        says="roles.rescue.system_approval: Nobody approves a break-glass role before its use",
    ),
    "an emergency entitlement elsewhere": Mistake(
        "entitlement: app_rescue",
        "entitlement: billing_rw",
        at="    writer:",
        says=(
            "roles.writer: `billing_rw` on db belongs to the break-glass role `rescue`, and so to no "
            "role of another"
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_at_its_line(name: str) -> None:
    check_mistake(MISTAKES[name])

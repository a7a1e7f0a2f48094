"""What can't be read in a policy document is said at its line, in a sentence."""

from __future__ import annotations

import pytest

from tests.rules.documents import Mistake, check_mistake

LONG_KEY = "x" * 64
CAP = "      max_minutes: 30\n"
SETTINGS = "{host: db.example, port: 5432}"
READER = "      entitlement: app_ro\n"

MISTAKES = {
    "unknown section": Mistake(
        "  criteria:",
        "  critera:",
        at="critera",
        says="critera: `critera` isn't a key that belongs here. Did you mean `criteria`?",
    ),
    "unknown key of a role": Mistake(
        CAP,
        "      max_minuts: 30\n",
        at="max_minuts",
        says=(
            "roles.writer.max_minuts: `max_minuts` isn't a key that belongs here. Did you mean `max_minutes`?"
        ),
    ),
    "unknown key of a stage": Mistake(
        "people: 2",
        "peopel: 2",
        at="peopel",
        says=(
            "roles.writer.stages[1].peopel: `peopel` isn't a key that belongs here. Did you mean `people`?"
        ),
    ),
    "unknown key of a scope": Mistake(
        "orders: {entitlement: app_rw}",
        "orders: {entitlement: app_rw, nam: x}",
        at="nam: x",
        says=("roles.writer.scopes.orders.nam: `nam` isn't a key that belongs here. Did you mean `name`?"),
    ),
    "unknown key next to the policy": Mistake(
        "elevation_policy:",
        "version: 2\nelevation_policy:",
        at="version",
        says="version: `version` isn't a key that belongs here.",
    ),
    "duplicate key": Mistake(
        CAP,
        CAP + "      max_minutes: 20\n",
        at="max_minutes: 20",
        says="roles.writer.max_minutes: `max_minutes` stands here twice; the first is on line",
    ),
    "a list where a mapping belongs": Mistake(
        "    outage: {name: Outage}",
        "    - outage",
        at="criteria:",
        says="criteria: This should be a mapping: keys, each with a colon and its value.",
    ),
    "a list where a mapping belongs, deeper": Mistake(
        "{people: [lena], teams: [platform]}",
        "[lena]",
        at="eligible: [lena]",
        says="roles.writer.eligible: This should be a mapping: keys, each with a colon and its value.",
    ),
    "a list where named scopes belong": Mistake(
        READER,
        "      scopes: [orders]\n",
        at="scopes: [orders]",
        says="roles.reader.scopes: This should be a mapping: keys, each with a colon and its value.",
    ),
    "a text among stages": Mistake(
        "{name: first, decides: manager}",
        "manager",
        at="manager\n",
        says="roles.writer.stages[0]: This should be a mapping: keys, each with a colon and its value.",
    ),
    "roles of a pathway that aren't a list": Mistake(
        "allowed_for: [reader, writer]",
        "allowed_for: reader, writer",
        at="allowed_for: reader",
        says="jit_access.allowed_for: This should be a list. Put `- reader, writer` on a line of its own.",
    ),
    "a text where a list belongs": Mistake(
        "allowed_for: [outage]",
        "allowed_for: outage",
        at="allowed_for: outage",
        says="break_glass.allowed_for: This should be a list. Put `- outage` on a line of its own.",
    ),
    "a list where a text belongs": Mistake(
        READER,
        "      entitlement: [app_ro]\n",
        at="entitlement: [app_ro]",
        says="roles.reader.entitlement: This should be a single text, not a list or a mapping.",
    ),
    "nothing": Mistake(
        READER,
        "      entitlement:\n",
        at="entitlement:\n",
        says="roles.reader.entitlement: This has no value. Give it one, or take the line out.",
    ),
    "an empty text": Mistake(
        READER,
        "      entitlement: '  '\n",
        at="entitlement: '  '",
        says="roles.reader.entitlement: This is empty. Give it a value, or take the line out.",
    ),
    "a line break": Mistake(
        READER,
        '      entitlement: "app\\nro"\n',
        at='"app',
        says="roles.reader.entitlement: This should stand on one line.",
    ),
    "a very long text": Mistake(
        READER,
        f"      entitlement: {'x' * 201}\n",
        at="entitlement: xxx",
        says="roles.reader.entitlement: This has 201 characters, and 200 are allowed. Shorten it.",
    ),
    "Norway": Mistake(
        READER,
        "      entitlement: no\n",
        at="entitlement: no",
        says=(
            "roles.reader.entitlement: `no` is read by YAML as a yes or a no, not as text. Put it in "
            'quotes: "no".'
        ),
    ),
    "a date": Mistake(
        READER,
        "      entitlement: 2025-01-31\n",
        at="2025",
        says=(
            "roles.reader.entitlement: `2025-01-31` is read by YAML as a date, not as text. Put it in quotes:"
        ),
    ),
    "a number for a text": Mistake(
        READER,
        "      entitlement: 0042\n",
        at="0042",
        says=("roles.reader.entitlement: `0042` is read by YAML as a number, not as text. Put it in quotes:"),
    ),
    "an octal number": Mistake(
        CAP,
        "      max_minutes: 010\n",
        at="010",
        says=(
            "roles.writer.max_minutes: `010` isn't a plain whole number. YAML may read it as another number"
        ),
    ),
    "a sexagesimal number": Mistake(
        CAP,
        "      max_minutes: 1:30\n",
        at="1:30",
        says=(
            "roles.writer.max_minutes: `1:30` isn't a plain whole number. YAML may read it as another number"
        ),
    ),
    "a list where a number belongs": Mistake(
        CAP,
        "      max_minutes: [30]\n",
        at="max_minutes: [",
        says="roles.writer.max_minutes: This should be a whole number, not a list or a mapping.",
    ),
    "no number": Mistake(
        CAP,
        "      max_minutes:\n",
        at="max_minutes:\n",
        says="roles.writer.max_minutes: This has no value. Give it a whole number, or take the line out.",
    ),
    "a very long description": Mistake(
        CAP,
        f"      description: {'y' * 4_001}\n",
        at="description: yyy",
        says="roles.writer.description: This has 4001 characters, and 4000 are allowed. Shorten it.",
    ),
    "a quoted number": Mistake(
        CAP,
        "      max_minutes: '30'\n",
        at="'30'",
        says='roles.writer.max_minutes: "30" is in quotes, and so text. Take the quotes off.',
    ),
    "a negative number": Mistake(
        CAP,
        "      max_minutes: -5\n",
        at="-5",
        says="roles.writer.max_minutes: -5 isn't between 1 and 1,000,000.",
    ),
    "a huge number": Mistake(
        CAP,
        "      max_minutes: 99999999999999999999\n",
        at="max_minutes: 999",
        says="roles.writer.max_minutes: `99999999999999999999` isn't a plain whole number.",
    ),
    "a word for a flag": Mistake(
        CAP,
        CAP + "      review_after_use: maybe\n",
        at="maybe",
        says="roles.writer.review_after_use: This should be true or false.",
    ),
    "a flag for a setting": Mistake(
        SETTINGS,
        "{host: db.example, tls: on}",
        at="tls: on",
        says=(
            "targets.db.settings.tls: `on` is read by YAML as a yes or a no, not as text. Put it in quotes:"
        ),
    ),
    "an octal setting": Mistake(
        SETTINGS,
        "{host: db.example, port: 010}",
        at="010",
        says="targets.db.settings.port: `010` isn't a plain whole number.",
    ),
    "a key with a capital": Mistake(
        "    outage: {name: Outage}",
        "    outage: {name: Outage}\n    Storm: {name: Storm}",
        at="Storm:",
        says="criteria.Storm: `Storm` can't be a key: use 1 to 63 small letters",
    ),
    "a key that is too long": Mistake(
        "allowed_for: [outage]",
        f"allowed_for: [outage, {LONG_KEY}]",
        at=LONG_KEY,
        says=(f"break_glass.allowed_for[1]: `{LONG_KEY}` can't be a key"),
    ),
    "a key that YAML converts": Mistake(
        "    outage: {name: Outage}",
        "    outage: {name: Outage}\n    yes: {name: Storm}",
        at="yes:",
        says="criteria: The key `yes` isn't read as text by YAML. Put it in quotes, or rename it.",
    ),
    "a username that can't be": Mistake(
        "people: [lena]",
        "people: [Lena Park]",
        at="Lena Park",
        says="roles.writer.eligible.people[0]: `Lena Park` can't be a username",
    ),
    "the system as a person": Mistake(
        "people: [lena]",
        "people: [system]",
        at="people: [system]",
        says="roles.writer.eligible.people[0]: `system` is the portal itself, not a person.",
    ),
    "the same name twice": Mistake(
        "people: [lena]",
        "people: [lena, lena]",
        at="lena, lena",
        says="roles.writer.eligible.people: `lena` stands in this list twice. Keep one.",
    ),
    "an unknown risk": Mistake(
        "risk: high",
        "risk: hihg",
        at="hihg",
        says="roles.migration.risk: `hihg` isn't a risk. Did you mean `high`?",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_at_its_line(name: str) -> None:
    check_mistake(MISTAKES[name])

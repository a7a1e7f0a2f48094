"""What in a policy document contradicts something else in it is said at its line, in a sentence."""

from __future__ import annotations

import pytest

from tests.rules.documents import Mistake, check_mistake, line_of, problems, small, text_of

CAP = "      max_minutes: 30\n"
SETTINGS = "{host: db.example, port: 5432}"
READER = "      entitlement: app_ro\n"

MISTAKES = {
    "an unknown requirement": Mistake(
        "requires: [manager_approval, ",
        "requires: [manger_approval, manager_approval, ",
        at="manger_approval",
        says=(
            "temporary_access.requires[0]: `manger_approval` isn't a requirement. Did you mean "
            "`manager_approval`?"
        ),
    ),
    "a requirement of another pathway": Mistake(
        "full_audit_log]",
        "session_recording]",
        at="manager_or_system_approval, max",
        says=(
            "jit_access.requires[2]: `session_recording` can't be required of jit_access, only of "
            "break_glass."
        ),
    ),
    "an approval before break-glass": Mistake(
        "requires: [named_emergency_account, ",
        "requires: [manager_approval, ",
        at="requires: [manager_approval, session",
        says=(
            "break_glass.requires[0]: `manager_approval` can't be required of break_glass, only of "
            "jit_access and temporary_access. Nobody approves break-glass before its use; it is reviewe"
        ),
    ),
    "the system on temporary access": Mistake(
        "requires: [manager_approval, ",
        "requires: [manager_or_system_approval, owner_approval, ",
        at="owner_approval",
        says=(
            "temporary_access.requires[0]: `manager_or_system_approval` can't be required of "
            "temporary_access, only of jit_access. People approve temporary access: say `manager_approv"
        ),
    ),
    "approvals that contradict": Mistake(
        "full_audit_log]",
        "manager_approval]",
        at="manager_or_system_approval, max",
        says=(
            "jit_access.requires: `manager_or_system_approval` and `manager_approval` contradict each other."
        ),
    ),
    "two longest durations": Mistake(
        "full_audit_log]",
        "max_duration_2_hours]",
        at="max_duration_2_hours",
        says="jit_access.requires[2]: A longest duration is given twice. Keep one.",
    ),
    "a longest duration of nothing": Mistake(
        "max_duration_14_days",
        "max_duration_0_days",
        at="max_duration_0_days",
        says=("temporary_access.requires[1]: The longest duration is between 1 minute and 366 days here."),
    ),
    "no list of requirements": Mistake(
        "    requires: [named_emergency_account, session_recording, post_incident_review]\n",
        "",
        at="  break_glass:",
        says="break_glass: `requires` is missing: list the requirements, or write `[]`.",
    ),
    "a role on two pathways": Mistake(
        "allowed_for: [migration]",
        "allowed_for: [migration, writer]",
        at="migration, writer",
        says=(
            "temporary_access.allowed_for[1]: `writer` is on jit_access too. A role is on one "
            "pathway: make two roles."
        ),
    ),
    "a role on break-glass and another pathway": Mistake(
        "roles: [rescue]",
        "roles: [rescue, reader]",
        at="rescue, reader",
        says="break_glass.roles[1]: `reader` is on jit_access too.",
    ),
    "a role on no pathway": Mistake(
        "allowed_for: [migration]",
        "allowed_for: [migraton]",
        at="    migration:",
        says=(
            "roles.migration: `migration` is on no pathway. List it under `allowed_for` of "
            "jit_access or temporary_access, or under `roles` of break_glass. Did you mean `migraton`?"
        ),
    ),
    "no owner": Mistake(
        "      owner: dana\n" + READER,
        READER,
        at="    reader:",
        says="roles.reader: `owner` is missing: name the person who answers for this role.",
    ),
    "no target": Mistake(
        "      target: db\n      owner: dana\n" + READER,
        "      owner: dana\n" + READER,
        at="    reader:",
        says=(
            "roles.reader: `target` is missing: say on which system this role is. Known here: `db`, `portal`."
        ),
    ),
    "an unknown target": Mistake(
        "target: db\n      owner: dana\n" + READER,
        "target: dbs\n      owner: dana\n" + READER,
        at="target: dbs",
        says="roles.reader.target: There is no target `dbs`. Did you mean `db`?",
    ),
    "no entitlement": Mistake(
        READER,
        "",
        at="    reader:",
        says="roles.reader: Say what this role gives: an `entitlement`, or `scopes`.",
    ),
    "an entitlement and scopes": Mistake(
        "      scopes:\n        orders",
        "      entitlement: x\n      scopes:\n        orders",
        at="scopes:\n        orders",
        says="roles.writer.scopes: Give either `entitlement` (the whole target) or `scopes`, not both.",
    ),
    "a scope without an entitlement": Mistake(
        "orders: {entitlement: app_rw}",
        "orders: {name: Orders}",
        at="orders: {name",
        says="roles.writer.scopes.orders: `entitlement` is missing: say what this scope gives.",
    ),
    "no scopes": Mistake(
        READER, "      scopes: {}\n", at="scopes: {}", says="roles.reader.scopes: The scopes are empty."
    ),
    "a scope called all": Mistake(
        "orders: {entitlement: app_rw}",
        "all: {entitlement: app_rw}",
        at="all: {ent",
        says="roles.writer.scopes.all: `all` means the whole target. Name the scope otherwise.",
    ),
    "a broken pattern": Mistake(
        "'INC-[0-9]+'",
        "'INC-('",
        at="INC-(",
        says="roles.reader.system_approval[0].ticket_pattern: `INC-(` isn't a regular expression",
    ),
    "a pattern that takes for ever": Mistake(
        "'INC-[0-9]+'",
        "'(a+)+'",
        at="(a+)+",
        says="roles.reader.system_approval[0].ticket_pattern: `(a+)+` can match in too many ways",
    ),
    "an unknown kind of login": Mistake(
        CAP,
        "      login: personal\n",
        at="personal",
        says="roles.writer.login: `personal` isn't a kind of login.",
    ),
    "a login among the options": Mistake(
        CAP,
        "      options: {login: dynamic}\n",
        at="options:",
        says=(
            "roles.writer.options: Say `login: named` or `login: dynamic` on the role, not among the options."
        ),
    ),
    "no connector": Mistake(
        "      connector: postgres\n",
        "",
        at="    db:",
        says="targets.db: `connector` is missing. Known here: `manual`, `portal`, `postgres`, `ssh`.",
    ),
    "an unknown connector": Mistake(
        "connector: postgres",
        "connector: postgre",
        at="connector: postgre",
        says=("targets.db.connector: `postgre` isn't a connector of this portal. Did you mean `postgres`?"),
    ),
    "a second portal": Mistake(
        "    portal: {connector: portal}",
        "    portal: {connector: portal}\n    self: {connector: portal}",
        at="self:",
        says="targets.self: `portal` is the portal's own target already. Keep one.",
    ),
    "a power that the portal hasn't": Mistake(
        "target: db\n      owner: dana\n      entitlement: app_ro",
        "target: portal\n      owner: dana\n      entitlement: god",
        at="entitlement: god",
        says=(
            "roles.reader.entitlement: `god` isn't a power of the portal. Known here: "
            "`administrator`, `auditor`, `operator`, `policy_editor`."
        ),
    ),
    "a login that the portal can't make": Mistake(
        "target: db\n      owner: dana\n      entitlement: app_ro",
        "target: portal\n      login: dynamic\n      owner: dana\n      entitlement: auditor",
        at="login: dynamic",
        says="roles.reader.login: Connector `portal` makes no logins. Say `login: named`.",
    ),
    "one account for everybody": Mistake(
        SETTINGS,
        SETTINGS + "\n      account_template: app",
        at="account_template",
        says="targets.db.account_template: Write `{username}` in the template, and no other braces",
    ),
    "a template longer than the portal keeps": Mistake(
        SETTINGS,
        SETTINGS + "\n      account_template: '{username}" + "x" * 91 + "'",
        at="account_template",
        says="targets.db.account_template: This has 101 characters, and a template 100 at most",
    ),
    "a template that formats": Mistake(
        SETTINGS,
        SETTINGS + "\n      account_template: '{username!r:>9}'",
        at="account_template",
        says="targets.db.account_template: Write `{username}` in the template, and no other braces",
    ),
    "one account for two": Mistake(
        SETTINGS,
        SETTINGS + "\n      accounts: {lena: app, omar: app}",
        at="accounts:",
        says="targets.db.accounts.omar: `app` is lena's account already. Give each person one.",
    ),
    "a password": Mistake(
        SETTINGS,
        "{host: x, password: hunter2}",
        at="password",
        says=(
            "targets.db.settings.password: `password` looks like a secret, which this document must "
            "not hold. Keep it in an environment variable JITPORTAL_TARGET_… or in a file, and name that as "
            "`password_secret`."
        ),
    ),
    "a misspelt password": Mistake(
        SETTINGS,
        "{host: x, pasword: hunter2}",
        at="pasword",
        says="targets.db.settings.pasword: `pasword` looks like a secret",
    ),
    "a token among a scope's options": Mistake(
        "orders: {entitlement: app_rw}",
        "orders: {entitlement: app_rw, options: {api_token: x}}",
        at="api_token",
        says="roles.writer.scopes.orders.options.api_token: `api_token` looks like a secret",
    ),
    "a password in an address": Mistake(
        SETTINGS,
        "{url: 'postgres://jit:hunter2@db/x'}",
        at="url:",
        says="targets.db.settings.url: The value of `url` looks like it holds a secret",
    ),
    "a password in a connection string": Mistake(
        SETTINGS,
        "{dsn: 'host=db password=hunter2'}",
        at="dsn:",
        says="targets.db.settings.dsn: The value of `dsn` looks like it holds a secret",
    ),
    "a password instead of its name": Mistake(
        SETTINGS,
        "{password_secret: hunter2}",
        at="password_secret",
        says="targets.db.settings.password_secret: `password_secret` names the environment variable that holds",
    ),
    "a secret of the portal's own": Mistake(
        SETTINGS,
        "{password_secret: JITPORTAL_SECRET_KEY}",
        at="password_secret",
        says="targets.db.settings.password_secret: `password_secret` names the environment variable that holds",
    ),
    "a review of what isn't reviewed": Mistake(
        READER,
        READER + "      review_after_use: true\n",
        at="review_after_use",
        says="roles.reader.review_after_use: Only temporary access has a review after use. Take this out.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_at_its_line(name: str) -> None:
    check_mistake(MISTAKES[name])


def test_a_role_cant_do_without_what_its_pathway_requires() -> None:
    required = text_of(
        ("max_duration_14_days", "ticket, after_use_review"),
        ("      risk: high\n", "      ticket: {required: false}\n      review_after_use: false\n"),
    )
    assert problems(required) == [
        f"line {line_of('ticket: {', required)}, roles.migration.ticket.required: temporary_access requires a "
        "ticket, so a role can't do without.",
        f"line {line_of('review_after_use', required)}, roles.migration.review_after_use: temporary_access "
        "requires a review after use, so a role can't do without.",
    ]


def test_a_secret_is_given_by_its_name() -> None:
    document = small((SETTINGS, "{password_secret: JITPORTAL_TARGET_DB_PASSWORD}"))
    assert document.targets["db"].settings == {"password_secret": "JITPORTAL_TARGET_DB_PASSWORD"}

"""What a policy document means once it is loaded."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from jitportal.rules.deciders import DeciderRules
from jitportal.rules.policy import StageRules, SystemRules
from jitportal.rules.policy_document import (
    PolicyDocumentError,
    load,
)
from jitportal.rules.vocabulary import WHOLE_TARGET, Decider, Pathway, Risk
from tests.rules.documents import DEMO, SEED, SMALL, line_of, problems, small, text_of

MANAGER = DeciderRules(Decider.MANAGER)
OWNER = DeciderRules(Decider.ROLE_OWNER)


def test_the_first_policy_loads_as_it_is_written() -> None:
    document = load(SEED)
    jit = document.pathways[Pathway.JIT]
    assert jit.roles == jit.allowed_for == ("prod-readonly-admin", "db-troubleshooting")
    assert jit.max_minutes == 60
    assert [str(word) for word in jit.approvals] == ["manager_or_system_approval"]
    assert document.break_glass is not None
    assert document.break_glass.allowed_for == ("identity-provider-outage", "incident-severity-critical")
    assert document.break_glass.roles == ()
    assert Pathway.TEMPORARY not in document.pathways


def test_names_that_nothing_binds_load_and_offer_nothing() -> None:
    document = load(SEED)
    assert document.roles == {}
    assert [(one.name, one.pathway, one.criterion, one.line) for one in document.unbound] == [
        ("prod-readonly-admin", Pathway.JIT, False, 4),
        ("db-troubleshooting", Pathway.JIT, False, 5),
        ("identity-provider-outage", Pathway.BREAK_GLASS, True, 13),
        ("incident-severity-critical", Pathway.BREAK_GLASS, True, 14),
    ]


def test_the_demo_binds_every_name_of_the_first_policy() -> None:
    first, demo = load(SEED), load(DEMO.read_text())
    assert demo.unbound == ()
    assert demo.warnings == ()
    assert set(first.pathways[Pathway.JIT].roles) <= set(demo.roles_on(Pathway.JIT))
    assert demo.break_glass is not None
    assert demo.break_glass.allowed_for == tuple(demo.criteria)


def test_the_system_approves_only_by_a_rule_that_is_written_down() -> None:
    """``manager_or_system_approval`` is a manager, unless the role itself has a rule."""
    with_rule, without = (
        small(),
        small(
            (
                "      system_approval:\n        - {name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}\n",
                "",
            )
        ),
    )
    rule = SystemRules("short", max_minutes=15, ticket_pattern="INC-[0-9]+")
    assert with_rule.roles["reader"].stages == (StageRules("manager", (MANAGER,), system_when=(rule,)),)
    assert without.roles["reader"].stages == (StageRules("manager", (MANAGER,)),)


def test_requirements_become_stages_in_order() -> None:
    document = small(("requires: [manager_approval, ", "requires: [owner_approval, manager_approval, "))
    assert document.roles["migration"].stages == (
        StageRules("manager", (MANAGER,)),
        StageRules("owner", (OWNER,)),
    )


def test_a_role_writes_its_own_stages() -> None:
    assert small().roles["writer"].stages == (
        StageRules("first", (MANAGER,)),
        StageRules("second", (DeciderRules(Decider.TEAM, "dba"),), people=2),
    )


@pytest.mark.parametrize(
    ("decides", "name", "deciders"),
    [
        ("manager", "manager", (MANAGER,)),
        ("role_owner", "owner", (OWNER,)),
        ("{team: sre}", "sre", (DeciderRules(Decider.TEAM, "sre"),)),
        ("[role_owner, team: sre]", "stage 1", (OWNER, DeciderRules(Decider.TEAM, "sre"))),
    ],
)
def test_a_stage_without_a_name_is_called_by_who_decides(
    decides: str, name: str, deciders: tuple[DeciderRules, ...]
) -> None:
    document = small(("{name: first, decides: manager}", f"{{decides: {decides}}}"))
    assert document.roles["writer"].stages[0] == StageRules(name, deciders)


def test_a_role_without_scopes_has_one_for_the_whole_target() -> None:
    scopes = small().roles["reader"].scopes
    assert list(scopes) == [WHOLE_TARGET]
    assert scopes[WHOLE_TARGET].entitlement == "app_ro"


def test_scopes_take_the_options_of_their_role() -> None:
    document = small(
        (
            "      max_minutes: 30\n",
            "      max_minutes: 30\n      options: {schema: public, mode: careful}\n",
        ),
        ("orders: {entitlement: app_rw}", "orders: {entitlement: app_rw, options: {schema: orders}}"),
    )
    scopes = document.roles["writer"].scopes
    assert scopes["orders"].options == {"schema": "orders", "mode": "careful"}
    assert scopes["billing"].options == {"schema": "public", "mode": "careful"}


def test_a_dynamic_login_shows_on_the_role_and_among_each_scopes_options() -> None:
    role = small(("      max_minutes: 30\n", "      login: dynamic\n")).roles["writer"]
    assert role.dynamic_login
    assert {scope.options["login"] for scope in role.scopes.values()} == {"dynamic"}
    named = small().roles["writer"]
    assert not named.dynamic_login
    assert not any("login" in scope.options for scope in named.scopes.values())


def test_durations_may_be_written_in_hours_and_days() -> None:
    document = small(
        (
            "      entitlement: app_ddl\n",
            "      entitlement: app_ddl\n      max_days: 7\n      recommended_hours: 36\n"
            "      max_total_days: 10\n      lapse_after_days: 2\n      window_hours: 12\n      horizon_days: 60\n",
        )
    )
    role = document.roles["migration"]
    assert role.max_minutes == 7 * 24 * 60
    assert role.recommended_minutes == 36 * 60
    assert role.max_total_minutes == 10 * 24 * 60
    assert role.lapse_after_minutes == 2 * 24 * 60
    assert role.longest_window_minutes == 12 * 60
    assert role.horizon_minutes == 60 * 24 * 60


def test_what_a_role_leaves_out_has_a_default() -> None:
    roles = small().roles
    reader, migration = roles["reader"], roles["migration"]
    assert (reader.name, reader.description, reader.risk) == ("reader", "", Risk.MEDIUM)
    assert (reader.max_minutes, reader.recommended_minutes, reader.max_total_minutes) == (60, 30, 240)
    assert reader.revokers == (MANAGER, OWNER)
    assert reader.least_justification == 10
    assert not reader.ticket_required
    assert not reader.review_after_use
    assert migration.max_minutes == 14 * 24 * 60
    assert migration.recommended_minutes == 24 * 60
    assert migration.max_total_minutes == 28 * 24 * 60


def test_a_pathway_that_says_no_longest_duration_has_the_usual_cap() -> None:
    document = small(
        (", max_duration_60_minutes, full_audit_log]", "]"),
        ("requires: [manager_approval, max_duration_14_days]", "requires: [manager_approval]"),
    )
    assert document.pathways[Pathway.JIT].max_minutes == 60
    assert document.pathways[Pathway.TEMPORARY].max_minutes == 14 * 24 * 60
    assert document.pathways[Pathway.BREAK_GLASS].max_minutes == 60


@pytest.mark.parametrize(
    ("word", "minutes"),
    [("max_duration_45_minutes", 45), ("max_duration_1_hour", 60), ("max_duration_2_days", 2880)],
)
def test_the_longest_duration_is_read_in_any_unit(word: str, minutes: int) -> None:
    document = load(SEED.replace("max_duration_60_minutes", word))
    assert document.pathways[Pathway.JIT].max_minutes == minutes


def test_the_defaults_of_the_document_are_taken_by_roles_that_say_nothing() -> None:
    document = small(
        (
            "  roles:\n    reader:",
            "  defaults:\n    lapse_after_hours: 2\n    justification: {least: 30}\n    risk: low\n"
            "    ticket: {required: true, pattern: 'T-[0-9]+', hint: Such as T-1}\n    revokers: [team: security]\n"
            "  roles:\n    reader:",
        ),
        ("      max_minutes: 30\n", "      justification: {least: 5}\n      ticket: {required: false}\n"),
    )
    reader, writer = document.roles["reader"], document.roles["writer"]
    assert reader.lapse_after_minutes == writer.lapse_after_minutes == 120
    assert (reader.least_justification, writer.least_justification) == (30, 5)
    assert (reader.ticket_required, writer.ticket_required) == (True, False)
    assert (reader.ticket_pattern, reader.ticket_hint, reader.risk) == ("T-[0-9]+", "Such as T-1", Risk.LOW)
    assert reader.revokers == (DeciderRules(Decider.TEAM, "security"),)
    assert document.roles["migration"].risk is Risk.HIGH


def test_a_high_risk_temporary_role_is_reviewed_after_use_unless_it_says_otherwise() -> None:
    assert small().roles["migration"].review_after_use
    assert not small(("      risk: high", "      risk: medium")).roles["migration"].review_after_use
    declined = small(("      risk: high", "      risk: high\n      review_after_use: false"))
    assert not declined.roles["migration"].review_after_use


def test_a_pathway_can_require_tickets_and_reviews_of_all_its_roles() -> None:
    document = small(
        ("[manager_approval, max_duration_14_days]", "[manager_approval, ticket, after_use_review]"),
        ("      risk: high", "      risk: low"),
    )
    assert document.roles["migration"].ticket_required
    assert document.roles["migration"].review_after_use
    assert not document.roles["reader"].ticket_required


def test_break_glass_roles_load_on_their_own_pathway_with_nobody_to_approve() -> None:
    document = small()
    assert document.roles["rescue"].pathway is Pathway.BREAK_GLASS
    assert document.roles["rescue"].stages == ()
    assert set(document.roles_on(Pathway.BREAK_GLASS)) == {"rescue"}
    assert set(document.roles_on(Pathway.JIT)) == {"reader", "writer"}


def test_settings_keep_numbers_as_they_are_written() -> None:
    assert small().targets["db"].settings == {"host": "db.example", "port": "5432"}


def test_a_target_knows_each_persons_account() -> None:
    document = small(
        (
            "      connector: postgres\n",
            "      connector: postgres\n      account_template: corp-{username}\n      accounts: {lena: l.admin}\n"
            "      declared: [postgres]\n",
        )
    )
    target = document.targets["db"]
    assert target.account_for("lena") == "l.admin"
    assert target.account_for("omar") == "corp-omar"
    assert target.declared == {"postgres"}
    assert small().targets["db"].account_for("omar") == "omar"


def test_the_digest_is_of_the_text_and_the_meaning_of_what_it_says() -> None:
    first, second = load(SMALL), load(SMALL.replace("\n", "\n# a remark\n"))
    assert first.digest == hashlib.sha256(SMALL.encode()).hexdigest()
    assert first.digest != second.digest
    assert first.meaning == second.meaning
    assert first.meaning != small(("max_minutes: 30", "max_minutes: 31")).meaning


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_meaning_is_the_same_in_every_process(seed: str) -> None:
    """Sets have another order in each: Python hashes texts with a seed of its own."""
    code = (
        "import sys; from jitportal.rules.policy_document import load; print(load(sys.stdin.read()).meaning)"
    )
    text = DEMO.read_text()
    run = subprocess.run(
        [sys.executable, "-c", code],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": seed},
    )
    assert run.stdout.strip() == load(text).meaning


def test_every_kind_of_change_is_another_meaning() -> None:
    meanings = {
        small((old, new)).meaning
        for old, new in (
            ("max_minutes: 30", "max_minutes: 29"),
            ("people: [lena]", "people: [omar]"),
            ("port: 5432", "port: 5433"),
            ("{name: Outage}", "{name: Other}"),
            ("{team: dba}", "{team: sre}"),
            ("risk: high", "risk: low"),
            (", session_recording", ""),
            ("allowed_for: [outage]", "allowed_for: [outage, unbound]"),
        )
    }
    assert len(meanings | {small().meaning}) == 9


def test_a_browsers_line_ends_make_no_other_document() -> None:
    assert load(SMALL.replace("\n", "\r\n")) == load(SMALL)


def test_a_byte_order_mark_is_no_problem() -> None:
    assert load(f"\ufeff{SMALL}").meaning == load(SMALL).meaning


def test_other_connectors_can_be_known() -> None:
    text = text_of(("connector: postgres", "connector: ldap"))
    assert len(problems(text)) == 1
    assert load(text, connectors=frozenset({"ldap", "portal"})).targets["db"].connector == "ldap"


def test_the_error_lists_its_problems_in_words_and_belongs_to_the_text() -> None:
    with pytest.raises(PolicyDocumentError) as caught:
        load(text_of(("max_minutes: 30", "max_minutes: 90"), ("app_ddl", "app_rescue")))
    assert caught.value.field == "text"
    assert str(caught.value).splitlines() == [
        "The policy document has 2 problems.",
        f"line {line_of('max_minutes: 30')}, roles.writer.max_minutes: 1 hour 30 minutes is over the cap of jit_access, 1 hour.",
        f"line {line_of('    migration:')}, roles.migration: `app_rescue` on db belongs to the break-glass role `rescue`, and so to no "
        "role of another pathway. Make a separate entitlement on the target.",
    ]


WARNINGS = {
    "nobody is eligible": (
        "      eligible: {people: [ravi]}\n",
        "",
        "roles.rescue: Nobody is eligible for this role, so nobody can request it.",
    ),
    "the system at high risk": (
        "      entitlement: app_ro\n",
        "      entitlement: app_ro\n      risk: high\n",
        "roles.reader: The system may approve this role although its risk is high.",
    ),
    "a rule that everybody who may ask matches": (
        "{name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}",
        "{name: short, teams: [platform, dba]}",
        "roles.reader.system_approval[0]: Every request for this role matches this rule, so the system "
        "approves them all, and nobody else is asked.",
    ),
    "a ticket that is asked for anyway": (
        "        - {name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}\n",
        "        - {name: short, ticket_pattern: 'INC-[0-9]+'}\n"
        "      ticket: {required: true, pattern: 'INC-[0-9]+'}\n",
        "roles.reader.system_approval[0]: Every request for this role matches this rule, so the system "
        "approves them all, and nobody else is asked.",
    ),
    "one person alone": (
        "{name: first, decides: manager}",
        "{name: first, decides: [manager, role_owner]}\n        - {name: own, decides: role_owner}",
        "roles.writer: Only dana can decide stage own: nobody can while they are away, or when they ask "
        "themselves.",
    ),
    "stages without the manager": (
        "        - {name: first, decides: manager}\n",
        "",
        "roles.writer.stages: jit_access requires `manager_or_system_approval`, and this role's own stages, "
        "which stand in its place, have none that the requester's manager decides.",
    ),
    "a criterion nobody can use": (
        "    outage: {name: Outage}",
        "    outage: {name: Outage}\n    storm: {name: Storm}",
        "criteria.storm: break_glass doesn't list this criterion under `allowed_for`: it can't be used.",
    ),
    "a target without roles": (
        "    portal: {connector: portal}",
        "    portal: {connector: portal}\n    idle: {connector: manual}",
        "targets.idle: No role is on this target.",
    ),
    "one system twice": (
        "    portal: {connector: portal}",
        "    copy: {connector: postgres, settings: {port: 5432, host: db.example, user: other}}",
        "targets.db: `db` and `copy` have the same address: are they one system?",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_allowed_and_unwise_is_a_warning(name: str) -> None:
    old, new, said = WARNINGS[name]
    found = [str(one).split(", ", 1)[1] for one in small((old, new)).warnings]
    assert said in found
    assert said not in [str(one).split(", ", 1)[1] for one in small().warnings]

"""Break-glass in the policy document: what loads, what is refused and where, and what a change is called."""

from __future__ import annotations

import pytest

from jitportal.rules.policy_difference import difference
from jitportal.rules.policy_document import PolicyDocumentError, directory_problems, load, unknown_webhooks
from jitportal.rules.policy_emergencies import EmergencyAccountRules, ProbeKind, ProbeRules
from jitportal.rules.policy_requirements import NamedPeople
from tests.rules.documents import SMALL, changed

CONTACTS = "    security_contacts: {people: [sofia], teams: [security]}\n    may_end: {teams: [security]}\n    webhooks: [siem]\n"
PROBE = "probe: {kind: http, url: 'https://login.example/health', failures: 2, every_seconds: 10}"
INCIDENT = """\
    storm:
      evidence: Its number.
      probe:
        kind: incident
        url: https://incidents.example/{incident}
        match: {severity: [critical, sev1], state.name: open}
        token_secret: JITPORTAL_TARGET_INCIDENTS
"""
ACCOUNT = """\
  emergency_accounts:
    db-rescue:
      target: db
      login: emergency
      reaches: All tables.
      custodians: [dana, sofia]
      credential: {kind: password, place: the safe}
      rotate_every_days: 30
"""
USE = "      accounts: [db-rescue]\n"

FULL = (
    changed("    roles: [rescue]\n", f"    roles: [rescue]\n{CONTACTS}")
    .replace("allowed_for: [outage]", "allowed_for: [outage, storm]")
    .replace("    outage: {name: Outage}\n", f"    outage: {{name: Outage, {PROBE}}}\n{INCIDENT}{ACCOUNT}")
    + USE
)


def warnings(text: str) -> list[str]:
    return [one.sentence for one in load(text).warnings if one.path != "targets.portal"]


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyDocumentError) as refusal:
        load(text)
    return [f"{one.line} {one.path}: {one.sentence}" for one in refusal.value.problems]


def test_everything_that_it_says_is_read() -> None:
    document = load(FULL)
    assert warnings(FULL) == []
    assert document.accounts["db-rescue"] == EmergencyAccountRules(
        key="db-rescue",
        name="db-rescue",
        target="db",
        login="emergency",
        reaches="All tables.",
        custodians=("dana", "sofia"),
        credential_kind="password",
        credential_place="the safe",
        rotate_every_days=30,
        drill_every_days=90,
    )
    assert document.criteria["outage"].probe == ProbeRules(
        ProbeKind.HTTP, "https://login.example/health", failures=2, every_seconds=10
    )
    storm = document.criteria["storm"].probe
    assert storm is not None
    assert storm.on_claim
    assert storm.match == {"severity": ("critical", "sev1"), "state.name": ("open",)}
    assert document.break_glass is not None
    assert document.break_glass.contacts == NamedPeople(frozenset({"sofia"}), frozenset({"security"}))
    assert document.break_glass.webhooks == ("siem",)
    assert [one.path for one in unknown_webhooks(document, ["pager"])] == ["break_glass.webhooks[0]"]
    assert document.break_glass.may_end.includes("somebody", frozenset({"security"}))
    assert not document.break_glass.may_end.includes("sofia", frozenset())
    assert document.roles["rescue"].accounts == ("db-rescue",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("target: db\n      login: em", "login: em", "emergency_accounts.db-rescue: `target` is missing"),
        ("target: db\n      login", "target: dbs\n      login", ".target: There is no target `dbs`. Did you mean `db`"),
        ("      login: emergency\n", "", "emergency_accounts.db-rescue: `login` is missing"),
        ("login: emergency", f"login: {'e' * 41}", "has 40 characters at most"),
        ("place: the safe", "place: 'password=hunter2'", "credential.place: "),
        ("rotate_every_days: 30", "rotate_every_days: 0",
         "rotate_every_days: 0 isn't between 1 and 3,660."),
        ("accounts: [db-rescue]", "accounts: [db-resque]", "There is no emergency account `db-resque`. Did you"),
        ("kind: http", "kind: htp", "criteria.outage.probe.kind: `htp` isn't a kind of probe. Did you mean `http`?"),
        ("kind: http, ", "", "probe: `kind` is missing."),
        ("'https://login.example/health'", "login.example", "probe.url: This isn't an address"),
        ("'https://login.example/health'", "'https://u:p@login.example/'", "probe.url: An address holds no user"),
        ("'https://login.example/health'", "'https://login.example/{x}'", "Only an incident probe has braces"),
        ("incidents.example/{incident}", "incidents.example/", "Write `{incident}` after the host"),
        ("incidents.example/{incident}", "{incident}.example/", "Write `{incident}` after the host"),
        ("token_secret: JITPORTAL_TARGET_INCIDENTS", "token_secret: hunter2", "token_secret: `token_secret` names"),
        ("failures: 2, every_seconds: 10", "match: {a: b}", "Only an incident probe has fields to match"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    assert any(said in one for one in problems(changed(old, new, FULL)))


def test_a_role_of_another_pathway_uses_no_emergency_account() -> None:
    text = changed("      entitlement: app_ro\n", "      entitlement: app_ro\n" + USE, FULL)
    assert any("roles.reader.accounts: Only break-glass" in one for one in problems(text))


def test_an_account_on_another_target_and_a_login_twice_are_refused() -> None:
    elsewhere = changed("target: db\n      login: em", "target: portal\n      login: em", FULL)
    assert any("is an account on portal, and this role is on db" in one for one in problems(elsewhere))
    second = changed(
        "    db-rescue:\n", "    first:\n      target: db\n      login: emergency\n    db-rescue:\n", FULL
    )
    assert any("`emergency` on db is first already" in one for one in problems(second))


def test_a_role_without_an_account_and_an_account_without_custodians_are_warned_of() -> None:
    assert warnings(FULL.replace(USE, "")) == [
        "This role names no emergency account under `accounts`: it can't be activated."
    ]
    assert warnings(changed("      custodians: [dana, sofia]\n", "", FULL)) == [
        "Nobody keeps this emergency account: name its custodians."
    ]


def test_whoever_it_names_is_compared_with_the_directory() -> None:
    found = directory_problems(load(FULL), people=["dana", "lena", "ravi"], teams=["platform", "dba"])
    assert [(one.path, one.sentence.split(".")[0]) for one in found] == [
        ("break_glass.security_contacts.people[0]", "There is no person `sofia`"),
        ("break_glass.security_contacts.teams[0]", "There is no team `security`"),
        ("break_glass.may_end.teams[0]", "There is no team `security`"),
        ("emergency_accounts.db-rescue.custodians[1]", "There is no person `sofia`"),
    ]


def test_an_emergency_login_is_nobodys_own_account() -> None:
    text = changed("login: emergency", "login: lena", FULL)
    people, teams = ["dana", "lena", "ravi", "sofia"], ["platform", "dba", "security"]
    (problem,) = directory_problems(load(text), people, teams)
    assert problem.path == "emergency_accounts.db-rescue.login"
    assert "`lena` on db is lena's own account" in problem.sentence
    assert text.splitlines()[problem.line - 1].strip() == "login: lena"


@pytest.mark.parametrize(
    ("old", "new", "widens", "said"),
    [
        (USE, "", False, "rescue: it may no longer use emergency account db-rescue"),
        ("login: emergency", "login: other", True,
         "db-rescue: the emergency account is other on db, not emergency on db"),
        ("custodians: [dana, sofia]", "custodians: [dana, ravi, sofia]", True,
         "db-rescue: ravi now keeps the emergency account"),
        ("rotate_every_days: 30", "rotate_every_days: 60", True,
         "db-rescue: its rotation is due every 60 days, not every 30 days"),
        ("rotate_every_days: 30", "drill_every_days: 30", True,
         "db-rescue: its rotation is due at no set time, not every 30 days"),
        ("rotate_every_days: 30", "drill_every_days: 30\n      rotate_every_days: 30", False,
         "db-rescue: a drill is due, in days, falls from 90 to 30"),
        ("people: [sofia], ", "", True, "break_glass: sofia is no longer told of each emergency"),
        ("may_end: {teams: [security]}", "may_end: {teams: [security, dba]}", False,
         "break_glass: team dba is now among those who may end an emergency"),
        ("webhooks: [siem]", "webhooks: []", True, "break_glass: receiver siem is no longer called by webhook"),
        (f", {PROBE}", "", True, "outage: the criterion is no longer probed"),
        ("failures: 2", "failures: 3", False, "outage: the criterion is probed otherwise"),
        ("      evidence: Its number.\n", "", True, "storm: the evidence expected is another"),
    ],
)  # fmt: skip
def test_a_change_is_named_with_its_direction(old: str, new: str, widens: bool, said: str) -> None:
    found = {str(one): one.direction for one in difference(load(FULL), load(changed(old, new, FULL)))}
    assert said in found, sorted(found)
    assert (found[said] == "widens") is widens


def test_a_new_account_widens_and_a_retired_one_narrows() -> None:
    without = load(FULL.replace(ACCOUNT, "").replace(USE, ""))
    there = {str(one): one.direction for one in difference(without, load(FULL))}
    back = {str(one): one.direction for one in difference(load(FULL), without)}
    assert there["db-rescue: new emergency account emergency on db"] == "widens"
    assert back["db-rescue: the emergency account is retired"] == "narrows"


def test_the_first_document_still_means_what_it_did() -> None:
    document = load(SMALL)
    assert document.accounts == {}
    assert document.criteria["outage"].probe is None

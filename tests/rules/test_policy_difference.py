"""What a new policy changes is said in sentences, the most dangerous first."""

from __future__ import annotations

import pytest

from jitportal.rules.policy_difference import Concern, Direction, difference, text_difference
from jitportal.rules.policy_document import load
from tests.rules.documents import SEED, SMALL, changed, small

W, N, S = Direction.WIDENS, Direction.NEUTRAL, Direction.NARROWS
CAP = "      max_minutes: 30\n"
RULE = "{name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}"
FIRST = "        - {name: first, decides: manager}\n"
SECOND = "        - {name: second, decides: {team: dba}, people: 2}\n"
SETTINGS = "{host: db.example, port: 5432}"

#: What is replaced, by what, what that is going there, and what is said of the way back (empty: the same).
BOTH_WAYS = [
    (CAP, "      max_minutes: 45\n      max_total_minutes: 120\n", W,
     "writer: the longest rises from 30 minutes to 45 minutes",
     "writer: the longest falls from 45 minutes to 30 minutes"),
    (CAP, CAP + "      max_total_minutes: 150\n", W,
     "writer: the longest with renewals rises from 2 hours to 2 hours 30 minutes",
     "writer: the longest with renewals falls from 2 hours 30 minutes to 2 hours"),
    (CAP, CAP + "      window_days: 2\n", W,
     "writer: the window to start in rises from 1 day to 2 days",
     "writer: the window to start in falls from 2 days to 1 day"),
    (CAP, CAP + "      horizon_days: 15\n", W,
     "writer: how far ahead it can be planned rises from 14 days to 15 days",
     "writer: how far ahead it can be planned falls from 15 days to 14 days"),
    (CAP, CAP + "      lapse_after_hours: 5\n", W,
     "writer: the time in which it can be decided rises from 4 hours to 5 hours",
     "writer: the time in which it can be decided falls from 5 hours to 4 hours"),
    (CAP, CAP + "      justification: {least: 20}\n", S,
     "writer: the least justification, in characters, rises from 10 to 20",
     "writer: the least justification, in characters, falls from 20 to 10"),
    (CAP, CAP + "      ticket: {required: true}\n", S,
     "writer: a ticket is now required", "writer: a ticket is no longer required"),
    (CAP, CAP + "      ticket: {pattern: 'T-1'}\n", S,
     "writer: a ticket has to look like T-1, not anything",
     "writer: a ticket has to look like anything, not T-1"),
    ("      risk: high\n", "      risk: high\n      review_after_use: false\n", W,
     "migration: each use is no longer reviewed afterwards", "migration: each use is reviewed afterwards"),
    (CAP, CAP + "      notify: {grants: [room]}\n", S,
     "writer: channel room is now told of access that begins",
     "writer: channel room is no longer told of access that begins"),
    (CAP, CAP + "      risk: high\n", S,
     "writer: the risk changes from medium to high", "writer: the risk changes from high to medium"),
    (CAP, CAP + "      revokers: [manager, role_owner, team: sec]\n", S,
     "writer: team sec may now revoke it", "writer: team sec may no longer revoke it"),
    ("people: [lena]", "people: [lena, omar]", W,
     "writer: omar may now request it", "writer: omar may no longer request it"),
    ("people: [lena], teams: [platform]", "people: [lena], teams: [platform, dba]", W,
     "writer: team dba may now request it", "writer: team dba may no longer request it"),
    (FIRST, "", W,
     "writer: stage first is removed (the requester's manager)",
     "writer: stage first is added (the requester's manager)"),
    ("people: 2", "people: 1", W,
     "writer: stage second: the number of people who approve falls from 2 to 1",
     "writer: stage second: the number of people who approve rises from 1 to 2"),
    ("{team: dba}, people", "[role_owner, team: dba], people", W,
     "writer: stage second: the role's owner may now approve",
     "writer: stage second: the role's owner may no longer approve"),
    ("people: 2}", "people: 2, system_approval: [{name: r, scopes: [orders]}]}", W,
     "writer: stage second: the system may approve under the new rule r (scope orders)",
     "writer: stage second: the system may no longer approve under rule r"),
    ("max_minutes: 15", "max_minutes: 20", W,
     "reader: stage manager: the system's rule short is now up to 20 minutes, a ticket like INC-[0-9]+ (was up to "
     "15 minutes, a ticket like INC-[0-9]+)",
     "reader: stage manager: the system's rule short is now up to 15 minutes, a ticket like INC-[0-9]+ (was up to "
     "20 minutes, a ticket like INC-[0-9]+)"),
    ("        billing: {entitlement: billing_rw}\n", "", S,
     "writer: scope billing is removed", "writer: scope billing is added, which gives billing_rw"),
    ("allowed_for: [outage]", "allowed_for: [outage, storm]", W,
     "break_glass: criterion storm now allows break-glass",
     "break_glass: criterion storm no longer allows break-glass"),
    ("max_duration_14_days", "max_duration_15_days", W,
     "temporary_access: the cap rises from 14 days to 15 days",
     "temporary_access: the cap falls from 15 days to 14 days"),
    (", session_recording", "", W,
     "break_glass: session_recording is no longer required", "break_glass: session_recording is now required"),
    ("requires: [manager_approval,", "requires: [manager_approval, owner_approval,", S,
     "temporary_access: the approval required changes from manager_approval to manager_approval and owner_approval",
     "temporary_access: the approval required changes from manager_approval and owner_approval to manager_approval"),
    (SETTINGS, SETTINGS + "\n      declared: [root]", W,
     "db: standing rights of root are declared, and no longer count as drift",
     "db: standing rights of root are no longer declared"),
]  # fmt: skip

#: What is a change to look at whichever way it goes.
NEITHER_WAY = [
    ("entitlement: app_rw", "entitlement: app_admin", W,
     "writer: scope orders gives app_admin, not app_rw", "writer: scope orders gives app_rw, not app_admin"),
    ("orders: {entitlement: app_rw}", "orders: {entitlement: app_rw, options: {schema: x}}", W,
     "writer: scope orders: option schema is now x", "writer: scope orders: option schema is no longer x"),
    ("host: db.example", "host: db2.example", W,
     "db: setting host changes from db.example to db2.example",
     "db: setting host changes from db2.example to db.example"),
    (SETTINGS, SETTINGS + "\n      accounts: {lena: root}", W,
     "db: the account of lena is now root", "db: the account of lena is no longer root"),
    (SETTINGS, SETTINGS + "\n      account_template: 'x-{username}'", W,
     "db: accounts are named x-{username}, not {username}", "db: accounts are named {username}, not x-{username}"),
    ("connector: postgres", "connector: manual", W,
     "db: the connector changes from postgres to manual", "db: the connector changes from manual to postgres"),
    ("owner: dana\n      entitlement: app_ro", "owner: ravi\n      entitlement: app_ro", W,
     "reader: the owner changes from dana to ravi", "reader: the owner changes from ravi to dana"),
    (CAP, CAP + "      recommended_minutes: 10\n", N,
     "writer: the recommended time falls from 30 minutes to 10 minutes",
     "writer: the recommended time rises from 10 minutes to 30 minutes"),
    (CAP, CAP + "      login: dynamic\n", N,
     "writer: the login is now one made for each grant, not the holder's own",
     "writer: the login is now the holder's own, not one made for each grant"),
    ("decides: manager}", "decides: manager, remind_after_minutes: 20}", N,
     "writer: stage first: those who decide are reminded after 20 minutes",
     "writer: stage first: those who decide are reminded no longer"),
    ("decides: manager}", "decides: manager, escalate_after_hours: 2, escalate_to: [team: sec, person: omar]}", N,
     "writer: stage first: team sec and omar are told when it waits for 2 hours",
     "writer: stage first: nobody else is told any more when it waits for long"),
    (CAP, CAP + "      name: Write\n", N, "writer: it is now called Write", "writer: it is now called writer"),
    (CAP, CAP + "      description: Words\n", N, "writer: the description is another", ""),
    (CAP, CAP + "      ticket: {hint: Words}\n", N, "writer: the hint for the ticket is another", ""),
    ("orders: {entitlement: app_rw}", "orders: {entitlement: app_rw, name: Orders}", N,
     "writer: scope orders is now called Orders", "writer: scope orders is now called orders"),
    ("name: first", "name: boss", N,
     "writer: stage first is now called boss", "writer: stage boss is now called first"),
    (FIRST + SECOND, SECOND + FIRST, N, "writer: the stages come in another order", ""),
    ("{name: Outage}", "{name: Outage of all}", N, "outage: the criterion is worded otherwise", ""),
    (", full_audit_log]", "]", N,
     "jit_access: full_audit_log isn't written down any more (the log is always full)", None),
]  # fmt: skip

_OPPOSITE = {W: S, S: W, N: N}


@pytest.mark.parametrize(("old", "new", "direction", "there", "back"), BOTH_WAYS)
def test_a_change_widens_one_way_and_narrows_the_other(
    old: str, new: str, direction: Direction, there: str, back: str
) -> None:
    before, after = small(), small((old, new))
    assert (there, direction) in [(str(one), one.direction) for one in difference(before, after)]
    assert (back, _OPPOSITE[direction]) in [(str(one), one.direction) for one in difference(after, before)]


@pytest.mark.parametrize(("old", "new", "direction", "there", "back"), NEITHER_WAY)
def test_a_change_that_cant_be_judged_from_the_document_is_the_same_both_ways(
    old: str, new: str, direction: Direction, there: str, back: str | None
) -> None:
    before, after = small(), small((old, new))
    assert [(str(one), one.direction) for one in difference(before, after)] == [(there, direction)]
    if back is not None:
        assert [(str(one), one.direction) for one in difference(after, before)] == [
            (back or there, direction)
        ]


def test_equal_meanings_have_no_difference() -> None:
    assert difference(small(), load(f"# a remark\n{SMALL}")) == []


def test_a_role_moves_to_another_pathway() -> None:
    moved = small(
        ("allowed_for: [reader, writer]", "allowed_for: [reader]"), ("[migration]", "[migration, writer]")
    )
    found = [str(one) for one in difference(small(), moved) if one.direction is W]
    assert "writer: the pathway changes from just-in-time to temporary" in found


def test_a_role_is_new_and_retired() -> None:
    without = small(
        ("allowed_for: [migration]", "allowed_for: []"),
        (SMALL[SMALL.index("    migration:") : SMALL.index("    rescue:")], ""),
    )
    assert [(str(one), one.direction, one.concern) for one in difference(without, small())] == [
        (
            "migration: new temporary role on db, high risk, up to 14 days, for team platform, approved by the "
            "requester's manager",
            W,
            Concern.ELIGIBILITY,
        )
    ]
    assert [(str(one), one.direction) for one in difference(small(), without)] == [
        ("migration: the role is retired", S)
    ]


def test_the_first_policy_is_all_new() -> None:
    found = [str(one) for one in difference(None, small())]
    assert found[0] == "reader: stage manager: the system may approve under short"
    assert "break_glass: criterion outage now allows break-glass" in found
    assert any(one.startswith("rescue: new break-glass role on db") for one in found)
    assert "db: new target, reached through postgres" in found


def test_names_that_nothing_binds_are_said_once() -> None:
    first = load(SEED)
    assert [str(one) for one in difference(None, first) if one.direction is N][-2:] == [
        "jit_access: the pathway is new, with a cap of 1 hour",
        "prod-readonly-admin: jit_access names it, and no role is written down for it yet",
    ]
    assert difference(first, load(f"{SEED}\n# a remark")) == []


def test_a_target_and_a_pathway_go() -> None:
    before = small(
        ("    portal: {connector: portal}", "    portal: {connector: portal}\n    door: {connector: manual}")
    )
    assert [str(one) for one in difference(before, small())] == ["door: the target is retired"]
    start, end = SMALL.index("  temporary_access:"), SMALL.index("  break_glass:")
    gone = load(changed("    migration:", "    other:", SMALL[:start] + SMALL[end:]).replace(
        SMALL[SMALL.index("    migration:") : SMALL.index("    rescue:")].replace("migration", "other"), ""
    ))  # fmt: skip
    assert {str(one) for one in difference(small(), gone)} == {
        "temporary_access: the pathway is gone",
        "migration: the role is retired",
    }


def test_what_widens_comes_first_and_approvals_before_all() -> None:
    after = small(
        (FIRST, ""),
        ("people: [lena]", "people: [omar]"),
        ("host: db.example", "host: db2.example"),
        ("max_minutes: 30\n", "max_minutes: 40\n      name: Write\n      justification: {least: 5}\n"),
    )
    found = difference(small(), after)
    assert [one.direction for one in found] == sorted((one.direction for one in found), key=[W, N, S].index)
    assert [one.concern for one in found if one.direction is W] == [
        Concern.APPROVAL,
        Concern.REACH,
        Concern.ELIGIBILITY,
        Concern.LENGTH,
        Concern.LENGTH,
        Concern.PROOF,
    ]


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        ("{name: r, teams: [a, b]}", "{name: r, teams: [a]}", S),
        ("{name: r, teams: [a]}", "{name: r, teams: [a, b]}", W),
        ("{name: r, teams: [a]}", "{name: r, teams: [a], max_minutes: 5}", S),
        ("{name: r, teams: [a], max_minutes: 5}", "{name: r, teams: [a]}", W),
        ("{name: r, ticket_pattern: A-1}", "{name: r, ticket_pattern: B-1}", W),
        ("{name: r, ticket_pattern: A-1}", "{name: r, ticket_pattern: A-1, teams: [a]}", S),
        ("{name: r, teams: [a], max_minutes: 5}", "{name: r, teams: [b], max_minutes: 4}", W),
    ],
)
def test_a_rule_of_the_system_narrows_only_where_it_matches_nothing_new(
    old: str, new: str, direction: Direction
) -> None:
    before, after = small((RULE, old)), small((RULE, new))
    assert [one.direction for one in difference(before, after)] == [direction]


def test_the_text_is_compared_line_by_line() -> None:
    assert text_difference("a\nb\n", "a\nc") == ("--- in force\n+++ proposed\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n")
    assert text_difference("a\n", "a\n") == ""

"""The people and teams that a policy document names are compared with the directory."""

from __future__ import annotations

from jitportal.rules.policy_document import directory_problems, unknown_names
from tests.rules.documents import line_of, small


def test_names_are_compared_with_the_directory_with_their_lines() -> None:
    document = small(("{name: first, decides: manager}", "{name: first, decides: {team: sre}}"))
    found = unknown_names(document, people={"dana", "ravi", "leona"}, teams={"platform", "dbas", "sre"})
    assert [str(one) for one in found] == [
        f"line {line_of('people: [lena]')}, roles.writer.eligible.people[0]: There is no person `lena`. "
        "Did you mean `leona`?",
        f"line {line_of('team: dba')}, roles.writer.stages[1].decides: There is no team `dba`. Did you mean `dbas`?",
    ]


def test_every_place_that_names_somebody_is_compared_with_the_directory() -> None:
    document = small(
        (
            "{name: short, max_minutes: 15, ticket_pattern: 'INC-[0-9]+'}",
            "{name: short, teams: [t-rule]}",
        ),
        ("      max_minutes: 30\n", "      revokers: [team: t-revoker]\n"),
        ("      connector: postgres\n", "      connector: postgres\n      accounts: {p-account: x}\n"),
        ("  criteria:", "  defaults: {revokers: {team: t-default}}\n  criteria:"),
        (
            "    portal: {connector: portal}",
            "    door: {connector: manual, settings: {carriers: 'p-one, p-two'}}",
        ),
    )
    named = {one.sentence.split("`")[1] for one in unknown_names(document, people=set(), teams=set())}
    assert named == {
        "dana", "lena", "ravi", "p-account", "p-one", "p-two", "platform", "dba", "t-rule", "t-revoker", "t-default",
    }  # fmt: skip


def test_nobody_is_given_an_account_that_is_somebody_elses() -> None:
    """Otherwise what was granted to one person would be held by another."""
    document = small(
        ("      connector: postgres\n", "      connector: postgres\n      accounts: {lena: omar}\n")
    )
    people, teams = {"dana", "lena", "ravi", "omar"}, {"platform", "dba"}
    assert unknown_names(document, people, teams) == []
    assert [str(one) for one in directory_problems(document, people, teams)] == [
        f"line {line_of('connector: postgres') + 1}, targets.db.accounts.lena: `omar` on db is omar's account. Give lena another."
    ]
    assert directory_problems(document, people - {"omar"}, teams) == []

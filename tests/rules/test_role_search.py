"""Roles are found by the words of whoever looks: what they are called, where they are, what they allow."""

from __future__ import annotations

import pytest

from jitportal.rules.policy_document import load
from jitportal.rules.role_search import Search, indexed, search

DOCUMENT_TEXT = r"""
elevation_policy:
  jit_access:
    allowed_for: [orders-read, orders-write, billing, servers, cafe]
    requires: [manager_or_system_approval, max_duration_60_minutes]
  targets:
    orders-db: {name: Orders database (production), connector: manual}
    fleet: {name: Web servers, connector: manual}
  roles:
    orders-read:
      name: Read orders in production
      description: Look at orders, without changing anything.
      target: orders-db
      owner: dana
      entitlement: app_ro
      eligible: {teams: [all]}
    orders-write:
      name: Troubleshoot the shop
      description: Change rows, and read what they were.
      target: orders-db
      owner: dana
      scopes:
        baskets: {name: Baskets and payments, entitlement: app_rw}
        returns: {name: Returns, entitlement: returns_rw}
      eligible: {teams: [all]}
    billing:
      name: Billing in production
      description: Correct invoices.
      target: orders-db
      owner: dana
      entitlement: billing_rw
      eligible: {teams: [all]}
    servers:
      name: Restart web servers
      description: Log in and restart a service.
      target: fleet
      owner: dana
      entitlement: sudo-restart
      eligible: {teams: [all]}
    cafe:
      name: Café Straße
      description: Open the café's door.
      target: fleet
      owner: dana
      entitlement: door
      eligible: {teams: [all]}
"""
DOCUMENT = load(DOCUMENT_TEXT)
INDEX = indexed(DOCUMENT.roles.values(), DOCUMENT.targets)
ALL = frozenset(DOCUMENT.roles)


def found(text: str, among: frozenset[str] = ALL) -> list[str]:
    return [match.key for match in search(INDEX, text, among).matches]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("read orders in production", "orders-read"),
        ("I want to look at an order", "orders-read"),
        ("app_ro", "orders-read"),  # the privilege
        ("app_rw", "orders-write"),
        ("payments", "orders-write"),  # a scope
        ("returns_rw", "orders-write"),
        ("invoice", "billing"),  # "invoices" in the description
        ("restarting servers", "servers"),
        ("RESTART", "servers"),
        ("cafe strasse", "cafe"),  # accents and case don't count
        ("CAFÉ STRAẞE", "cafe"),
        ("rest", "servers"),  # still being typed
        ("shoot", "orders-write"),  # inside a word
        ("delete", "orders-write"),  # "change rows", in another word
        ("update invoices", "billing"),
        ("SELECT", "orders-read"),
    ],
)
def test_the_best_comes_first(text: str, first: str) -> None:
    assert found(text)[0] == first


def test_a_kind_of_system_is_found_by_what_its_users_call_it() -> None:
    document = load(
        DOCUMENT_TEXT.replace("(production), connector: manual", "(production), connector: postgres")
    )
    index = indexed(document.roles.values(), document.targets)
    for said in ("psql", "postgres"):
        assert {match.key for match in search(index, said, ALL).matches} == {
            "orders-read",
            "orders-write",
            "billing",
        }


def test_the_name_counts_for_more_than_the_description() -> None:
    assert found("read") == ["orders-read", "orders-write"]


def test_of_several_words_those_that_few_roles_speak_of_count_most() -> None:
    assert found("production invoices")[0] == "billing"
    assert found("database restart")[0] == "servers"


def test_a_role_that_speaks_of_little_is_left_out() -> None:
    assert found("log in and restart a service of production") == ["servers"]


def test_small_words_count_only_where_there_are_no_others() -> None:
    assert found("in the production") == found("production")
    assert found("at") == ["orders-read"]


def test_only_the_roles_that_are_asked_about_are_found_and_no_others_change_the_ranking() -> None:
    assert found("production", frozenset({"billing"})) == ["billing"]
    assert found("restart", ALL - {"servers"}) == []


@pytest.mark.parametrize("text", ["zeppelin", "%", "_", "", "   ", "\x00", "😀", "ss" * 5000])
def test_what_no_role_speaks_of_finds_nothing(text: str) -> None:
    assert found(text) == []


def test_the_words_that_nothing_speaks_of_are_named() -> None:
    assert search(INDEX, "restart zeppelin", ALL).unknown == ("zeppelin",)
    assert search(INDEX, "", ALL) == Search((), ())


def test_words_beyond_the_first_few_are_not_looked_for() -> None:
    assert found(" ".join(f"word{number}" for number in range(500)) + " restart") == []

"""Named logins: what a person's own login may do, until when, and whose sessions are cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jitportal.rules.vocabulary import LeaseOrder, Presence, Refusal
from tests.connectors.answers import granted, observed, refused, revoked
from tests.connectors.postgres_target import PostgresTarget, is_cut, now, reads


def ended(order: LeaseOrder) -> LeaseOrder:
    return replace(order, until=None, claim=order.claim + 1)


def test_an_open_session_gains_the_right_at_once_and_is_cut_at_the_end(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    session = target.session(login)
    assert not reads(session, role)
    assert granted(connector, order).open_sessions == 1
    assert reads(session, role)
    revoked(connector, ended(order))
    assert is_cut(session)
    assert not reads(target.session(login), role)


def test_a_session_that_set_the_role_before_is_cut(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    session = target.session(login, role=role)
    session.execute("BEGIN")
    assert reads(session, role)
    assert revoked(connector, ended(order)).open_sessions == 0
    assert is_cut(session)


def test_the_login_s_sessions_in_every_database_are_cut_and_nobody_else_s(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    login, bystander = target.login(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    here, there = target.session(login), target.session(login, database="postgres")
    other = target.session(bystander)
    revoked(connector, ended(order))
    assert is_cut(here)
    assert is_cut(there)
    assert not is_cut(other)


def test_a_session_from_after_the_end_is_left_alone_by_later_passes(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    target.session(login, role=role)
    revoked(connector, ended(order))
    fresh = target.session(login)
    revoked(connector, ended(ended(order)))
    assert not is_cut(fresh)


@pytest.mark.parametrize("seconds", [1200, 60])
def test_moving_the_end_cuts_nobody(target: PostgresTarget, seconds: float) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    session = target.session(login, role=role)
    moved = replace(order, until=now() + timedelta(seconds=seconds), claim=2)
    assert granted(connector, moved).until == moved.until
    assert reads(session, role)


def test_a_lease_that_another_one_covers_ends_without_a_cut(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    first, second = target.order(login, role), target.order(login, role, seconds=900)
    granted(connector, first)
    granted(connector, second)
    session = target.session(login, role=role)
    assert "another one" in revoked(connector, ended(first)).detail
    assert reads(session, role)
    assert observed(connector, second).presence is Presence.PRESENT
    revoked(connector, ended(second))
    assert is_cut(session)
    assert not target.is_member(login, role)


def test_sessions_are_cut_though_another_role_goes_on(target: PostgresTarget) -> None:
    """Nothing shows which session had set which role, so all are cut; the other role stays."""
    connector, one, other, login = target.connector(), target.role(), target.role(), target.login()
    ending, going_on = target.order(login, one), target.order(login, other)
    granted(connector, ending)
    granted(connector, going_on)
    session = target.session(login, role=other)
    revoked(connector, ended(ending))
    assert is_cut(session)
    assert reads(target.session(login), other)


def test_a_standing_grant_is_refused_and_never_taken_away(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    target.run("GRANT {} TO {}", role, login)
    session = target.session(login)
    order = target.order(login, role)
    assert "standing grant" in refused(connector, order).message
    (answer,) = connector.revoke([ended(order)])
    assert isinstance(answer, Refusal)
    assert answer.permanent
    assert observed(connector, order).presence is Presence.PRESENT
    assert reads(session, role)
    (holder,) = [each for each in connector.holders() if each.account == login]
    assert holder.handle is None


def test_an_order_past_its_cap_is_refused(target: PostgresTarget) -> None:
    role, login = target.role(longest="10 minutes"), target.login()
    granted(target.connector(), target.order(login, role, seconds=600))
    past = target.order(target.login(), role, seconds=640)
    assert "at most 10" in refused(target.connector(), past).message
    assert not target.is_member(past.account, role)


def test_an_end_that_has_passed_is_refused(target: PostgresTarget) -> None:
    order = target.order(target.login(), target.role(), seconds=-1)
    assert "passed" in refused(target.connector(), order).message
    assert "passed" in refused(target.connector(), replace(order, until=None)).message


def test_who_and_what_is_not_on_the_server_is_refused(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    assert "CREATE ROLE nobody_here LOGIN" in refused(connector, target.order("nobody_here", role)).message
    unmanaged = target.name("unmanaged")
    target.run("CREATE ROLE {}", unmanaged)
    assert "jit.manage_role" in refused(connector, target.order(login, unmanaged)).message
    assert "jit.manage_role" in refused(connector, target.order(login, "no_such_role")).message


def test_a_role_that_cannot_log_in_is_no_person(target: PostgresTarget) -> None:
    group = target.name("group")
    target.run("CREATE ROLE {} NOLOGIN", group)
    assert "can't log in" in refused(target.connector(), target.order(group, target.role())).message


def test_a_login_that_others_are_members_of_is_refused(target: PostgresTarget) -> None:
    role, login, other = target.role(), target.login(), target.login()
    target.run("GRANT {} TO {}", login, other)
    assert other in refused(target.connector(), target.order(login, role)).message


def test_a_handle_is_for_one_login_and_role(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    order = target.order(target.login(), role)
    granted(connector, order)
    assert "one account" in refused(connector, replace(order, account=target.login())).message


def test_a_login_made_anew_under_the_old_name_has_nothing(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    target.run("DROP ROLE {}", login)
    target.login(login)
    assert observed(connector, order).presence is Presence.ABSENT
    granted(connector, replace(order, claim=2))
    assert target.is_member(login, role)
    revoked(connector, replace(order, claim=3, until=None))
    assert not target.is_member(login, role)


def test_a_right_that_somebody_took_away_is_seen_and_given_again(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    target.run("REVOKE {} FROM {}", role, login)
    assert observed(connector, order).presence is Presence.ABSENT
    granted(connector, order)


def test_holders_are_found_through_groups_and_managed_roles_are_none(target: PostgresTarget) -> None:
    connector, role, wider = target.connector(), target.role(), target.role()
    group, by_group, by_wider, owner = target.name("group"), target.login(), target.login(), target.login()
    target.run("CREATE ROLE {} NOLOGIN", group)
    target.run("GRANT {} TO {}", role, group)
    target.run("GRANT {} TO {}", group, by_group)
    target.run("GRANT {} TO {}", role, wider)
    target.run("GRANT {} TO {}", role, owner)
    order = target.order(by_wider, wider)
    granted(connector, order)
    holders = {(each.account, each.entitlement): each for each in connector.holders()}
    mine = {pair for pair in holders if pair[1] in (role, wider)}
    assert mine == {(group, role), (by_group, role), (owner, role), (by_wider, wider)}
    assert holders[by_wider, wider].handle == order.handle
    assert holders[by_wider, wider].until == order.until


def test_declared_holders_are_no_drift(target: PostgresTarget) -> None:
    role, owner = target.role(), target.login()
    target.run("GRANT {} TO {}", role, owner)
    connector = target.connector(declared=frozenset({owner}))
    (holder,) = [each for each in connector.holders() if each.account == owner]
    assert holder.declared


AWKWARD = [
    'quote"in',
    "apostrophe's",
    "back\\slash",
    "$$dollar$$",
    "semi;colon -- comment",
    "Zoë Ωμέγα 🔑",
    "UPPER case",
    "'; DROP SCHEMA jit CASCADE; --",
    "%I%L%s",
    "x" * 63,
    "é" * 31,
    "select",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_are_names_and_no_more(target: PostgresTarget, name: str) -> None:
    connector = target.connector()
    login, role = target.login(name), target.role()
    try:
        order = target.order(login, role)
        granted(connector, order)
        assert target.is_member(login, role)
        assert login in {holder.account for holder in connector.holders()}
        assert not is_cut(target.session(login))
        revoked(connector, ended(order))
        assert not target.is_member(login, role)
    finally:
        target.run("DROP ROLE {}", login)


@pytest.mark.parametrize("name", AWKWARD[:10])
def test_awkward_names_of_roles(target: PostgresTarget, name: str) -> None:
    connector, login = target.connector(), target.login()
    role = target.role(f"{name[:55]}_{target.name('r')}"[:63])
    order = target.order(login, role)
    granted(connector, order)
    assert target.is_member(login, role)
    revoked(connector, ended(order))
    assert not target.is_member(login, role)


@pytest.mark.parametrize("name", ["", "nul\0l", "x" * 64, "é" * 32, "\ud800"])
def test_names_that_the_server_would_cut_off_or_choke_on_are_refused(
    target: PostgresTarget, name: str
) -> None:
    """64 bytes cut to 63 would be another login's name."""
    connector, role = target.connector(), target.role()
    victim = target.login("x" * 63)
    try:
        sound = target.order(target.login(), role)
        bad = target.order(name, role)
        bad_role = target.order(target.login(), name)
        given, *others = connector.grant([sound, bad, bad_role])
        assert not isinstance(given, Refusal)
        assert all(isinstance(each, Refusal) and each.permanent for each in others)
        assert not target.is_member(victim, role)
        assert observed(connector, bad).presence is Presence.ABSENT
    finally:
        target.run("DROP ROLE {}", victim)

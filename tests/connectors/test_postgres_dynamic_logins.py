"""Dynamic logins: made for one lease, with a password that is shown once, and dropped after it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from jitportal.connectors.base import TargetError
from jitportal.rules.vocabulary import LeaseOrder, Presence
from tests.connectors.answers import granted, observed, refused, revoked
from tests.connectors.postgres_target import PostgresTarget, Session, is_cut, now, reads


def ended(order: LeaseOrder) -> LeaseOrder:
    return replace(order, until=None, claim=order.claim + 1)


def exists(target: PostgresTarget, login: str) -> bool:
    return bool(target.value("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", login))


def logged_in(
    target: PostgresTarget, order: LeaseOrder, *, role: bool = False, database: str = ""
) -> Session:
    secret = target.connector().reveal(order)
    return target.session(
        secret.login,
        password=secret.password,
        role=order.entitlement if role else None,
        database=database,
    )


def test_it_is_made_without_a_password_and_one_is_shown_once(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    stored = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
    assert target.value(stored, order.account) is None
    secret = connector.reveal(order)
    assert (secret.login, secret.valid_until) == (order.account, order.until)
    assert target.value(stored, order.account).startswith("SCRAM-SHA-256$")
    session = target.session(order.account, password=secret.password)
    assert reads(session, order.entitlement)


def test_another_reveal_makes_the_earlier_password_worthless(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    first, second = connector.reveal(order), connector.reveal(order)
    assert first.password != second.password
    with pytest.raises(psycopg.OperationalError):
        target.connect(order.account, password=first.password)
    target.session(order.account, password=second.password)


def test_the_clear_password_is_never_in_the_server_s_log(target: PostgresTarget) -> None:
    target.superuser.execute("ALTER SYSTEM SET log_statement = 'all'")
    target.superuser.execute("SELECT pg_reload_conf()")
    try:
        connector, order = target.connector(), target.dynamic_order(target.role())
        granted(connector, order)
        secret = connector.reveal(order)
        log = target.server.log.read_text(errors="replace")
        assert "jit.set_password" in log
        assert secret.password not in log
    finally:
        target.superuser.execute("ALTER SYSTEM RESET log_statement")
        target.superuser.execute("SELECT pg_reload_conf()")


def test_after_the_end_its_password_opens_nothing_even_without_portal_and_sweep(
    target: PostgresTarget,
) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    secret = connector.reveal(order)
    session = target.session(order.account, password=secret.password)
    granted(connector, replace(order, until=now() + timedelta(seconds=1)))
    time.sleep(1.1)
    with pytest.raises(psycopg.OperationalError):
        target.connect(order.account, password=secret.password)
    assert not is_cut(session)  # TARGET_REFUSES: what is open waits for the portal
    revoked(connector, ended(order))
    assert is_cut(session)
    assert not exists(target, order.account)


def test_a_renewal_moves_its_end_and_keeps_its_password(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    secret = connector.reveal(order)
    session = target.session(order.account, password=secret.password)
    moved = replace(order, until=now() + timedelta(minutes=30), claim=2)
    granted(connector, moved)
    assert target.value("SELECT rolvaliduntil FROM pg_roles WHERE rolname = %s", order.account) == moved.until
    assert not is_cut(session)
    target.session(order.account, password=secret.password)


def test_what_it_owns_goes_to_a_role_without_rights(target: PostgresTarget) -> None:
    elsewhere = target.name("db")
    target.run("CREATE DATABASE {}", elsewhere)
    target.run("CREATE SCHEMA IF NOT EXISTS commons")
    target.run("GRANT CREATE, USAGE ON SCHEMA commons TO PUBLIC")
    connector = target.connector(databases=f"{target.database}, {elsewhere}")
    order = target.dynamic_order(target.role())
    granted(connector, order)
    for database in (target.database, elsewhere):
        session = logged_in(target, order, database=database)
        session.execute("SELECT lo_create(0)")
    session = logged_in(target, order)
    table, trap = target.name("t"), target.name("f")
    session.execute(psycopg.sql.SQL("CREATE TABLE commons.{} ()").format(psycopg.sql.Identifier(table)))
    session.execute(
        psycopg.sql.SQL(
            "CREATE FUNCTION commons.{}() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'"
        ).format(psycopg.sql.Identifier(trap))
    )
    revoked(connector, ended(order))
    assert is_cut(session)
    assert not exists(target, order.account)
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = %s"
    assert target.value(owner, table) == "jit_remains"
    row = target.session(target.login()).execute(
        psycopg.sql.SQL("SELECT commons.{}()").format(psycopg.sql.Identifier(trap))
    )
    assert row.fetchone() == ("jit_remains",)


def test_what_it_owns_in_another_database_keeps_it_powerless(target: PostgresTarget) -> None:
    elsewhere = target.name("db")
    target.run("CREATE DATABASE {}", elsewhere)
    order = target.dynamic_order(target.role())
    granted(target.connector(), order)
    session = logged_in(target, order, database=elsewhere)
    session.execute("SELECT lo_create(0)")
    left = revoked(target.connector(), ended(order))
    assert is_cut(session)
    assert elsewhere in left.detail
    assert "disabled" in left.detail
    assert target.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", order.account) is False
    assert not target.is_member(order.account, order.entitlement)
    assert not target.is_member(target.portal, order.account) or not target.is_member(
        order.account, order.entitlement
    )
    assert any(elsewhere in problem for problem in target.connector().check(portal_now=now).problems)
    # The operator adds the database: the next removal of any dynamic login finishes it.
    wider = target.connector(databases=f"{target.database},{elsewhere}")
    target.superuser.execute("UPDATE jit.lease SET retry_at = NULL WHERE handle = %s", [order.handle])
    other = target.dynamic_order(order.entitlement)
    granted(wider, other)
    revoked(wider, ended(other))
    assert not exists(target, order.account)
    assert observed(wider, order).presence is Presence.ABSENT


def test_a_holder_who_holds_on_to_their_own_row_is_cut_all_the_same(target: PostgresTarget) -> None:
    """An open ALTER ROLE of one's own blocks disabling the login: the role is revoked before that."""
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    session = logged_in(target, order)
    session.execute("BEGIN")
    session.execute(
        psycopg.sql.SQL("ALTER ROLE {} PASSWORD 'mine'").format(psycopg.sql.Identifier(order.account))
    )
    revoked(connector, ended(order))
    assert is_cut(session)
    assert not exists(target, order.account)


def test_a_login_that_ended_can_be_wanted_again(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    before = connector.reveal(order)
    revoked(connector, ended(order))
    again = replace(order, claim=3)
    granted(connector, again)
    with pytest.raises(psycopg.OperationalError):
        target.connect(order.account, password=before.password)
    assert reads(logged_in(target, again), order.entitlement)


def test_the_server_s_own_limits_on_dynamic_logins(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    named_only = target.role(dynamic=False)
    assert "named logins only" in refused(connector, target.dynamic_order(named_only)).message
    taken = target.login(f"jit_{target.name('taken')}")
    assert "exists already" in refused(connector, target.order(taken, role, login="dynamic")).message
    for name in ("postgres2", "JIT_upper", "jit_ö", "jit_a;b", "jitx", "pg_monitor2", "jit_" + "x" * 60):
        refused(connector, target.order(name, role, login="dynamic"))
        assert not exists(target, name)


def test_it_carries_nothing_but_its_role(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    row = target.superuser.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit "
        "FROM pg_roles WHERE rolname = %s",
        [order.account],
    ).fetchone()
    assert row == (False, False, False, False, False, 20)
    groups = target.value(
        "SELECT array_agg(m.roleid::regrole::text ORDER BY 1) FROM pg_auth_members m "
        "WHERE m.member = %s::regrole",
        order.account,
    )
    assert sorted(groups) == sorted(["jit_dynamic", order.entitlement])


def test_a_named_login_has_no_password_to_show(target: PostgresTarget) -> None:
    order = target.order(target.login(), target.role())
    granted(target.connector(), order)
    with pytest.raises(TargetError) as named:
        target.connector().reveal(order)
    assert named.value.permanent
    # Nor when the order claims that it is a dynamic one: the server knows.
    with pytest.raises(TargetError) as claimed:
        target.connector().reveal(replace(order, options={"login": "dynamic"}))
    assert "own login" in str(claimed.value)
    target.session(order.account)


def test_every_statement_of_a_recorded_login_is_logged_and_it_can_not_undo_that(
    target: PostgresTarget,
) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    order = replace(order, options={**order.options, "session": "recorded"})
    granted(connector, order)
    session = logged_in(target, order)
    row = session.execute("SHOW log_statement").fetchone()
    assert row == ("all",)
    for undoing in (
        "SET log_statement = 'none'",
        "ALTER ROLE CURRENT_USER SET log_statement = 'none'",
        "ALTER ROLE CURRENT_USER RESET log_statement",
    ):
        with suppress(psycopg.errors.InsufficientPrivilege):
            session.execute(undoing)
    again = target.session(order.account, password=connector.reveal(order).password)
    assert again.execute("SHOW log_statement").fetchone() == ("all",)
    plain = target.dynamic_order(target.role())
    granted(connector, plain)
    assert logged_in(target, plain).execute("SHOW log_statement").fetchone() != ("all",)

"""Attacks: by whoever has the portal's login, by whoever holds a role, and by anybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.connectors.answers import granted, observed, refused, revoked
from tests.connectors.postgres_target import PostgresTarget, Session, now, reads

DENIED = psycopg.errors.InsufficientPrivilege


def denied(session: Session, statement: LiteralString, *names: str) -> None:
    with pytest.raises(DENIED):
        session.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def asked(session: Session, **order: Any) -> tuple[Any, ...]:
    """What the grant function says to an order made by hand: outcome and message."""
    plain = {"handle": "jit-attack", "claim": 1, "until": "infinity", "dynamic": False, **order}
    row = session.execute("SELECT outcome, message FROM jit.grant_leases(%s)", [Jsonb([plain])]).fetchone()
    assert row is not None
    return row


# With the portal's own login


def test_the_portal_s_login_has_no_attribute_and_one_harmless_membership(target: PostgresTarget) -> None:
    row = target.superuser.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles "
        "WHERE rolname = %s",
        [target.portal],
    ).fetchone()
    assert row == (False, False, False, False, False)
    members = "SELECT array_agg(roleid::regrole::text) FROM pg_auth_members WHERE member = %s::regrole"
    assert target.value(members, target.portal) == ["jit_remains"]
    assert (
        target.value(
            "SELECT count(*) FROM pg_auth_members WHERE roleid = 'jit_remains'::regrole AND admin_option"
        )
        == 0
    )


def test_the_portal_s_login_can_execute_eleven_functions_and_touch_no_table(target: PostgresTarget) -> None:
    functions = target.value(
        "SELECT array_agg(proname::text ORDER BY proname) FROM pg_proc "
        "WHERE pronamespace = 'jit'::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')",
        target.portal,
    )
    assert functions == [
        "cut_sessions", "drop_logins", "grant_leases", "health", "holders", "observe",
        "revoke_leases", "session_log", "set_password", "sign_in_log", "take_remains",
    ]  # fmt: skip
    tables = target.value(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'jit'::regnamespace AND relkind = 'r' "
        "AND has_any_column_privilege(%s, oid, 'SELECT, INSERT, UPDATE')",
        target.portal,
    )
    assert tables == 0


def test_the_portal_s_login_can_grant_create_and_signal_nothing_by_itself(target: PostgresTarget) -> None:
    role, login = target.role(), target.login()
    target.session(login)
    portal = target.as_portal()
    denied(portal, "GRANT {} TO {}", role, login)
    denied(portal, "GRANT pg_execute_server_program TO {}", target.portal)
    denied(portal, "CREATE ROLE {}", target.name("new"))
    denied(portal, "ALTER ROLE {} SUPERUSER", target.portal)
    denied(portal, "ALTER ROLE {} PASSWORD 'mine'", login)
    denied(portal, "SET ROLE jit_definer")
    denied(portal, "SET ROLE {}", role)
    denied(portal, "SELECT * FROM jit.lease")
    denied(portal, "UPDATE jit.managed_role SET max_seconds = 1000000")
    denied(portal, "SELECT jit.manage_role('postgres', '1 day')")
    denied(portal, "SELECT jit.end_lease(NULL)")
    denied(portal, "CALL jit.run_sweep()")
    denied(portal, "CREATE FUNCTION jit.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    denied(portal, "ALTER FUNCTION jit.health() SECURITY INVOKER")
    with pytest.raises(DENIED):
        portal.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [login])


@pytest.mark.parametrize(
    "role",
    [
        "pg_execute_server_program",
        "pg_read_all_data",
        "postgres",
        "jit_definer",
        "pg_signal_backend",
        "jit_remains",
    ],
)
def test_a_role_that_nobody_manages_is_never_given(target: PostgresTarget, role: str) -> None:
    login = target.login()
    outcome, message = asked(
        target.as_portal(), account=login, role=role, until=str(now().replace(year=2999))
    )
    assert outcome == "refused"
    assert "jit.manage_role" in message
    assert not target.is_member(login, role)


def test_caps_hold_whatever_is_asked(target: PostgresTarget) -> None:
    role, login = target.role(longest="10 minutes"), target.login()
    portal = target.as_portal()
    for until in ("infinity", "2999-01-01 00:00+00", "294276-12-31 23:59:59+00"):
        assert asked(portal, account=login, role=role, until=until)[0] == "refused"
    for never in ("-infinity", None):
        assert asked(portal, account=login, role=role, until=never)[0] == "refused"
    assert not target.is_member(login, role)


@pytest.mark.parametrize(
    "orders",
    [
        [{"handle": None, "claim": 1, "account": "a", "role": "b"}],
        [{"handle": "jit-1", "claim": None, "account": "a", "role": "b"}],
        [{"handle": "jit-" + "x" * 70, "claim": 1, "account": "a", "role": "b"}],
        [{"handle": "jit-2", "claim": -(2**63), "account": None, "role": None}],
        [{}],
        [],
    ],
)
def test_orders_that_make_no_sense_grant_nothing(
    target: PostgresTarget, orders: list[dict[str, Any]]
) -> None:
    rows = target.as_portal().execute("SELECT outcome FROM jit.grant_leases(%s)", [Jsonb(orders)]).fetchall()
    assert all(outcome in {"refused", "failed"} for (outcome,) in rows)


def test_the_portal_touches_no_superuser_and_not_itself(target: PostgresTarget) -> None:
    role = target.role()
    mighty = target.login()
    target.run("ALTER ROLE {} CREATEROLE", mighty)
    files = target.login()
    target.run("GRANT pg_write_server_files TO {}", files)
    for account in ("postgres", target.portal, mighty, files):
        assert "Nothing is granted" in refused(target.connector(), target.order(account, role)).message
    for account in ("jit_definer", "jit_remains", "jit_dynamic"):
        refused(target.connector(), target.order(account, role))


def test_the_portal_sets_no_password_but_on_its_own_dynamic_logins(target: PostgresTarget) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    portal = target.as_portal()
    verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2E=$" + "A" * 43 + "=:" + "A" * 43 + "="
    for handle in (order.handle, "jit-unknown"):
        row = portal.execute("SELECT outcome FROM jit.set_password(%s, 9, %s)", [handle, verifier]).fetchone()
        assert row == ("refused",)
    dynamic = target.dynamic_order(role)
    granted(connector, dynamic)
    for bad in ("", "plain", "md5" + "0" * 32, verifier + "'; DROP ROLE x; --", verifier + "\n"):
        row = portal.execute(
            "SELECT outcome FROM jit.set_password(%s, 9, %s)", [dynamic.handle, bad]
        ).fetchone()
        assert row == ("refused",)


def test_the_portal_cuts_no_sessions_of_leases_in_force_or_of_others(target: PostgresTarget) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role())
    granted(connector, order)
    session = target.session(order.account)
    target.as_portal().execute("SELECT * FROM jit.cut_sessions(%s)", [[order.handle, "other-1", ""]])
    assert reads(session, order.entitlement)


# What may be managed


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("SUPERUSER", "superuser"),
        ("CREATEROLE", "create roles"),
        ("REPLICATION", "replicate"),
        ("BYPASSRLS", "row security"),
        ("LOGIN", "log in"),
    ],
)
def test_a_role_with_such_an_attribute_is_not_managed_nor_given_later(
    target: PostgresTarget, attribute: LiteralString, reason: str
) -> None:
    role, inner = target.role(), target.name("inner")
    order = target.order(target.login(), role)
    target.superuser.execute(sql.SQL("ALTER ROLE {} " + attribute).format(sql.Identifier(role)))
    with pytest.raises(psycopg.errors.RaiseException, match=reason):
        target.superuser.execute("SELECT jit.manage_role(%s, '1 hour')", [role])
    assert reason in refused(target.connector(), order).message
    assert any(role in problem for problem in target.connector().check(portal_now=now).problems)
    target.superuser.execute(sql.SQL("ALTER ROLE {} NO" + attribute).format(sql.Identifier(role)))
    if attribute != "LOGIN":
        target.superuser.execute(sql.SQL("CREATE ROLE {} " + attribute).format(sql.Identifier(inner)))
        target.run("GRANT {} TO {}", inner, role)
        assert reason in refused(target.connector(), order).message
    target.superuser.execute("DELETE FROM jit.managed_role WHERE role = %s::regrole", [role])


@pytest.mark.parametrize(
    "dangerous",
    [
        "pg_execute_server_program",
        "pg_write_server_files",
        "pg_read_server_files",
        "pg_write_all_data",
        "pg_signal_backend",
        "jit_remains",
        "jit_definer",
    ],
)
def test_a_role_that_reaches_such_a_role_is_not_managed(target: PostgresTarget, dangerous: str) -> None:
    role, between = target.name("role"), target.name("between")
    target.run("CREATE ROLE {}", role)
    target.run("CREATE ROLE {}", between)
    target.run("GRANT {} TO {}", between, role)
    target.run("GRANT {} TO {}", dangerous, between)
    with pytest.raises(psycopg.errors.RaiseException, match="never given"):
        target.superuser.execute("SELECT jit.manage_role(%s, '1 hour')", [role])
    target.run("DROP ROLE {}", between)


def test_a_role_that_could_be_handed_on_is_not_managed(target: PostgresTarget) -> None:
    role, other = target.name("role"), target.role()
    target.run("CREATE ROLE {}", role)
    target.run("GRANT {} TO {} WITH ADMIN OPTION", other, role)
    with pytest.raises(psycopg.errors.RaiseException, match="hand out"):
        target.superuser.execute("SELECT jit.manage_role(%s, '1 hour')", [role])


def test_only_a_superuser_manages_roles_and_none_with_leases_in_force_is_let_go(
    target: PostgresTarget,
) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role())
    granted(connector, order)
    with pytest.raises(psycopg.errors.RaiseException, match="in force"):
        target.superuser.execute("SELECT jit.unmanage_role(%s)", [order.entitlement])
    revoked(connector, replace(order, claim=2, until=None))
    target.superuser.execute("SELECT jit.unmanage_role(%s)", [order.entitlement])
    assert "jit.manage_role" in refused(connector, replace(order, claim=3)).message
    revoked(connector, replace(order, claim=4, until=None))


# Whoever holds a role


def test_a_holder_cannot_reach_the_leases(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    order = target.order(target.login(), role)
    granted(connector, order)
    session = target.session(order.account, role=role)
    for statement in (
        "SELECT * FROM jit.lease",
        "UPDATE jit.lease SET expires_at = 'infinity'",
        "DELETE FROM jit.lease",
        "SELECT * FROM jit.lease FOR UPDATE",
        "SELECT jit.grant_leases('[]')",
        "SELECT jit.health()",
        "SELECT jit.end_due(0)",
    ):
        with pytest.raises(DENIED):
            session.execute(statement)


def test_a_holder_of_all_data_sees_no_lease(target: PostgresTarget) -> None:
    """pg_read_all_data passes every GRANT, but not row security."""
    connector, role = target.connector(), target.role()
    target.run("GRANT pg_read_all_data TO {}", role)
    order = target.order(target.login(), role)
    granted(connector, order)
    session = target.session(order.account, role=role)
    assert session.execute("SELECT count(*) FROM jit.lease").fetchone() == (0,)
    with pytest.raises(DENIED):
        session.execute("UPDATE jit.lease SET expires_at = 'infinity'")


def test_a_dynamic_login_cannot_prolong_or_spread_itself(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    session = target.session(order.account, password=connector.reveal(order).password)
    denied(session, "ALTER ROLE {} VALID UNTIL 'infinity'", order.account)
    denied(session, "ALTER ROLE {} CONNECTION LIMIT -1", order.account)
    denied(session, "GRANT {} TO {}", order.entitlement, target.login())
    denied(session, "ALTER ROLE {} CREATEROLE", order.account)
    denied(session, "SET ROLE jit_definer")


def test_a_held_role_s_password_is_worth_nothing(target: PostgresTarget) -> None:
    """Whoever has become the role may set its password; but nobody can log in as it."""
    connector, role = target.connector(), target.role()
    order = target.order(target.login(), role)
    granted(connector, order)
    session = target.session(order.account, role=role)
    session.execute(sql.SQL("ALTER ROLE {} PASSWORD 'mine'").format(sql.Identifier(role)))
    with pytest.raises(psycopg.OperationalError):
        target.connect(role, password="mine")


def test_objects_of_others_in_the_search_path_are_never_called(target: PostgresTarget) -> None:
    """A role's own settings and schemas must not change what the functions mean."""
    connector, role = target.connector(), target.role()
    attacker = target.login()
    target.run("GRANT CREATE ON DATABASE {} TO {}", target.database, attacker)
    evil = target.session(attacker)
    schema = target.name("evil")
    evil.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    evil.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO PUBLIC").format(sql.Identifier(schema)))
    for signature in ("format(text, VARIADIC text[])", "clock_timestamp()", "left(text, integer)"):
        returns = "timestamptz" if "clock" in signature else "text"
        value = "'infinity'::timestamptz" if "clock" in signature else "'pwned'::text"
        evil.execute(
            sql.SQL(
                "CREATE FUNCTION {}."
                + signature
                + " RETURNS "
                + returns
                + " LANGUAGE sql AS $$ SELECT "
                + value
                + " $$"
            ).format(sql.Identifier(schema))
        )
    evil.execute(
        sql.SQL("CREATE TABLE {}.pg_roles AS SELECT 10::oid AS oid, 'postgres'::name AS rolname").format(
            sql.Identifier(schema)
        )
    )
    portal = target.as_portal()
    portal.execute(sql.SQL("SET search_path = {}, pg_catalog").format(sql.Identifier(schema)))
    portal.execute("CREATE TEMP TABLE pg_auth_members AS SELECT 1 AS roleid")
    login = target.login()
    order = target.order(login, role)
    assert order.until is not None
    outcome, message = asked(
        portal, handle=order.handle, account=login, role=role, until=order.until.isoformat()
    )
    assert (outcome, message) == ("done", None)
    assert asked(portal, handle=order.handle, account=login, role=role, until="infinity")[0] == "refused"
    assert observed(connector, order).until == order.until


# Anybody else


def test_nobody_else_enters_the_schema(target: PostgresTarget) -> None:
    session = target.session(target.login())
    denied(session, "SELECT * FROM jit.lease")
    denied(session, "SELECT jit.health()")
    denied(session, "CALL jit.run_sweep()")
    denied(session, "CREATE TABLE jit.mine ()")
    public = target.value(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'jit'::regnamespace "
        "AND has_function_privilege('public', oid, 'EXECUTE')"
    )
    assert public == 0


def test_every_function_that_holds_rights_has_its_path_pinned(target: PostgresTarget) -> None:
    loose = target.value(
        "SELECT coalesce(array_agg(proname::text), '{}') FROM pg_proc "
        "WHERE pronamespace = 'jit'::regnamespace AND prosecdef "
        "AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']"
    )
    assert loose == []


def test_no_lock_that_a_user_can_take_holds_up_an_end(target: PostgresTarget) -> None:
    """Advisory locks are anybody's: none is used. Rows and tables of the schema are nobody's."""
    connector, role = target.connector(), target.role()
    order = target.order(target.login(), role)
    granted(connector, order)
    holder = target.session(order.account, role=role)
    holder.execute("BEGIN")
    holder.execute("SELECT pg_advisory_xact_lock(g) FROM generate_series(-100, 100) AS g")
    for catalog in ("pg_authid", "pg_auth_members", "pg_roles"):
        holder.execute("SAVEPOINT before")
        with pytest.raises(DENIED):
            holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(catalog)))
        holder.execute("ROLLBACK TO before")
    revoked(connector, replace(order, claim=2, until=None))

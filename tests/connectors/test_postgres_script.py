"""The installation script: run again, run by two portals, refused where it must be, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command

from jitportal.management.postgres_binaries import needed_binaries
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.management.target_scripts import TargetScriptError, run_with_psql, script
from jitportal.rules.vocabulary import Presence, Refusal
from tests.connectors.answers import granted, observed, refused, revoked
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, install, is_cut, now, reads


@pytest.fixture
def bare_server() -> Iterator[PrivatePostgres]:
    """A server of the test's own, where nothing was installed."""
    with PrivatePostgres(durable=False) as server:
        yield server


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("target_script", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_one_text_to_read_and_run() -> None:
    text = printed("postgres")
    assert "\\ir" not in text
    for part in (
        "CREATE TABLE IF NOT EXISTS jit.lease",
        "jit.run_sweep",
        "REVOKE ALL ON ROUTINE",
        "cron.schedule",
    ):
        assert part in text
    assert "DROP SCHEMA jit" in printed("postgres", "--uninstall")


def test_the_command_names_the_kinds_that_there_are() -> None:
    with pytest.raises(CommandError, match="postgres"):
        printed("mainframe")


def test_running_it_again_keeps_the_leases_and_their_sessions(target: PostgresTarget) -> None:
    order = target.order(target.login(), target.role())
    granted(target.connector(), order)
    session = target.session(order.account, role=order.entitlement)
    install(target.server, database=target.database, portal=target.portal)
    assert observed(target.connector(), order).until == order.until
    assert reads(session, order.entitlement)
    revoked(target.connector(), replace(order, claim=2, until=None))
    assert is_cut(session)


def test_two_portals_leave_each_other_s_leases_alone(target: PostgresTarget) -> None:
    install(target.server, database=target.database, portal="jitportal_second", prefix="acme")
    second = target.connector(user="jitportal_second")
    first = target.connector()
    role = target.role()
    order = target.order(target.login(), role)
    granted(first, order)
    session = target.session(order.account)
    assert "begin with acme" in refused(second, order).message
    (answer,) = second.revoke([replace(order, claim=99, until=None)])
    assert isinstance(answer, Refusal)
    assert observed(second, order).presence is Presence.UNKNOWN
    assert not is_cut(session)
    theirs = target.order(target.login(), role, handle=f"acme-{order.handle}")
    granted(second, theirs)
    revoked(second, replace(theirs, claim=2, until=None))


def run(server: PrivatePostgres, *, url: str = "", portal: str = "jitportal", prefix: str = "jit") -> str:
    return run_with_psql(
        script("postgres"),
        url=url or server.dsn(),
        variables={"portal": portal, "prefix": prefix},
        psql=needed_binaries() / "psql",
    )


def test_it_is_refused_where_it_would_be_unsafe_and_changes_nothing(bare_server: PrivatePostgres) -> None:
    with psycopg.connect(bare_server.dsn(), autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE maker LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        superuser.execute(f"CREATE ROLE mighty LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        with pytest.raises(TargetScriptError, match="as a superuser"):
            run(bare_server, url=bare_server.dsn(user="maker", password=PASSWORD))
        with pytest.raises(TargetScriptError, match="JITPORTAL_INSTANCE"):
            run(bare_server, prefix="Not one")
        with pytest.raises(TargetScriptError, match="ordinary one"):
            run(bare_server, portal="mighty")
        superuser.execute("CREATE ROLE jit_definer")
        superuser.execute("GRANT jit_definer TO maker")
        with pytest.raises(TargetScriptError, match="member of jit_definer"):
            run(bare_server)
        superuser.execute("REVOKE jit_definer FROM maker")
        superuser.execute("CREATE SCHEMA jit AUTHORIZATION maker")
        with pytest.raises(TargetScriptError, match="no superuser owns"):
            run(bare_server)
        superuser.execute("DROP SCHEMA jit")
        row = superuser.execute(
            "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'jit'), "
            "(SELECT count(*) FROM pg_roles WHERE rolname IN ('jitportal', 'jit_dynamic'))"
        ).fetchone()
        assert row == (0, 0)
        assert "WITHOUT pg_cron" in run(bare_server)


def test_it_can_be_taken_back_and_everything_given_ends(bare_server: PrivatePostgres) -> None:
    install(bare_server, database="postgres", portal="jitportal")
    target = PostgresTarget(bare_server, database="postgres", portal="jitportal")
    role = target.role()
    order, dynamic = target.order(target.login(), role), target.dynamic_order(role)
    connector = target.connector()
    granted(connector, order)
    granted(connector, dynamic)
    session = target.session(order.account, role=role)
    run_with_psql(
        script("postgres", uninstall=True),
        url=bare_server.dsn(),
        variables={},
        psql=needed_binaries() / "psql",
    )
    assert is_cut(session)
    assert not target.is_member(order.account, role)
    names = "SELECT count(*) FROM pg_roles WHERE rolname IN ('jit_definer', %s)"
    assert target.value(names, dynamic.account) == 0
    assert target.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'jit'") == 0
    assert not connector.check(portal_now=now).rights
    target.close()

"""Statements of a recorded database session: logged by a real server, read by the portal, without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from django.conf import LazySettings

from jitportal.connectors.base import TargetError
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.models import Grant, Recording
from jitportal.operations import connecting, grants, recording_text, recordings, statement_logs
from tests.connectors.answers import granted
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, now
from tests.operations import postgres_rack, world
from tests.operations.logging_postgres import PORTAL, log_as

pytestmark = [pytest.mark.postgres_server, pytest.mark.django_db]


#: Ways in which people write a secret into a statement.
SECRETIVE: tuple[LiteralString, ...] = (
    "ALTER ROLE\n  CURRENT_USER\n  PASSWORD\n  's3cret-1'",
    "ALTER ROLE CURRENT_USER PASSWORD 'SCRAM-SHA-256$4096:s3cretsalt==$s3cretstored=:s3cretserver='",
    "SELECT dblink_connect('postgresql://app:s3cret-2@db.example/orders')",
    "SELECT dblink_connect('host=db.example user=app password=s3cret-3')",
    "DO $do$ BEGIN\n EXECUTE 'ALTER ROLE CURRENT_USER PASSWORD ''s3cret-4''';\nEND $do$",
    "COPY (SELECT 1) TO PROGRAM 'curl -u app:s3cret-5 https://files.example'",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=s3cret-6' PUBLICATION p",
)


@pytest.fixture
def target(logging_server: PrivatePostgres) -> Iterator[PostgresTarget]:
    target = PostgresTarget(logging_server, database="postgres", portal=PORTAL)
    postgres_rack.forget_leases(target)
    yield target
    target.close()


@pytest.fixture(autouse=True)
def _place(settings: LazySettings, tmp_path: Path) -> None:
    settings.RECORDINGS_DIR = tmp_path / "recordings"


def policy(target: PostgresTarget, role: str) -> str:
    text = postgres_rack.policy(target, "nobody", role)
    return text.replace("login: dynamic,", "login: dynamic, options: {session: recorded},")


@pytest.fixture
def grant(target: PostgresTarget, monkeypatch: pytest.MonkeyPatch) -> Grant:
    """Rita's, live, with a login made for it whose statements are logged."""
    monkeypatch.setenv(postgres_rack.SECRET, PASSWORD)
    world.settle(policy(target, target.role()))
    return world.live("rita", "made")


def statements(recording: Recording) -> list[str]:
    return [line.text for line in recording_text.lines(recording)]


def test_what_a_recorded_login_does_is_read_without_its_secrets(grant: Grant, target: PostgresTarget) -> None:
    secret = connecting.reveal(actor=grant.person, grant=grant)
    session = target.session(secret.login, password=secret.password)
    session.execute("SELECT 1 AS first_of_all")
    session.execute("ALTER ROLE CURRENT_USER PASSWORD 'hunter2'")
    assert [found.pk for found in statement_logs.due()] == [grant.pk]
    recording = statement_logs.read(grant)
    assert (recording.kind, recording.state, recording.grant) == ("statements", "receiving", grant)
    assert statements(recording)[-2:] == [
        "SELECT 1 AS first_of_all",
        "ALTER ROLE CURRENT_USER PASSWORD '[redacted]'",
    ]
    session.execute("SELECT 'żółw' AS last_of_all")
    session.execute(f"SELECT 3 /* {'x' * 150_000} */ AS hidden_at_the_end")
    stored = recordings.path_of(statement_logs.read(grant)).read_text().splitlines()
    long = json.loads(stored[-1])["statement"]
    assert long.startswith("SELECT 3 /* xxx")
    assert long.endswith("xxx */ AS hidden_at_the_end")
    assert "characters are left out here" in long
    lines = statements(statement_logs.read(grant))[:-1]
    for told in SECRETIVE:
        with suppress(psycopg.Error):  # what fails was logged before it did
            session.execute(told)
    kept = recordings.path_of(statement_logs.read(grant)).read_text()
    assert kept.count("[redacted]") > len(SECRETIVE)
    assert "s3cret" not in kept
    assert lines[-2:] == ["ALTER ROLE CURRENT_USER PASSWORD '[redacted]'", "SELECT 'żółw' AS last_of_all"]
    again = statements(statement_logs.read(grant))
    assert again[: len(lines)] == lines  # each is read once
    assert len(again) == len(lines) + 1 + len(SECRETIVE)
    first = json.loads(recordings.path_of(recording).read_text().splitlines()[0])
    assert abs((now() - recording.started_at).total_seconds()) < 60
    assert first["database"] == "postgres"
    assert first["at"] >= recording.started_at.isoformat()[:19]


def test_it_is_finished_with_its_hash_after_the_end(grant: Grant, target: PostgresTarget) -> None:
    secret = connecting.reveal(actor=grant.person, grant=grant)
    target.session(secret.login, password=secret.password).execute("SELECT 2")
    grants.hand_back(actor=grant.person, grant=grant)
    world.work()
    grant = statement_logs.due().get()
    assert statement_logs.read(grant).state == "receiving"
    with world.later(seconds=30):
        done = statement_logs.read(grant)
    assert (done.state, done.gaps) == ("complete", [])
    assert statements(done)[-1] == "SELECT 2"
    assert len(done.sha256) == 64
    assert not statement_logs.waiting()


def test_the_user_cannot_have_it_stop(grant: Grant, target: PostgresTarget) -> None:
    secret = connecting.reveal(actor=grant.person, grant=grant)
    session = target.session(secret.login, password=secret.password)
    for statement in ("SET log_statement = 'none'", "ALTER ROLE CURRENT_USER SET log_statement = 'none'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement.encode())
    for statement in ("ALTER ROLE CURRENT_USER RESET ALL", "RESET ALL", "DISCARD ALL"):
        session.execute(statement.encode())
    again = target.session(secret.login, password=secret.password)
    again.execute("SELECT 'still logged'")
    assert "SELECT 'still logged'" in statements(statement_logs.read(grant))


def test_the_portal_reads_no_other_login_s_log_and_no_other_file(target: PostgresTarget) -> None:
    portal = target.as_portal()
    call = "SELECT entries FROM jit.session_log(%s, '2000-01-01', %s, 0)"
    for login in ("postgres", target.login()):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            portal.execute(call, [login, None])
    for file in ("../postgresql.conf", "/etc/passwd", "../base"):
        row = portal.execute(call, ["jit_somebody", file]).fetchone()
        assert row == ([],)
    for statement in ("SELECT jit.read_log('{postgres}', NULL, 'epoch', NULL, 0)", "SELECT pg_ls_logdir()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            portal.execute(statement.encode())


def test_an_ordinary_dynamic_login_is_not_logged(target: PostgresTarget) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    assert target.value("SELECT rolconfig FROM pg_roles WHERE rolname = %s", order.account) is None
    recorded = replace(
        target.dynamic_order(target.role()), options={"login": "dynamic", "session": "recorded"}
    )
    granted(connector, recorded)
    assert target.value("SELECT rolconfig FROM pg_roles WHERE rolname = %s", recorded.account) == [
        "log_statement=all"
    ]


def test_the_log_is_followed_into_the_next_file(target: PostgresTarget) -> None:
    connector, begun = target.connector(), now() - timedelta(minutes=1)
    order = replace(target.dynamic_order(target.role()), options={"login": "dynamic", "session": "recorded"})
    granted(connector, order)
    session = target.session(order.account, password=connector.reveal(order).password)
    session.execute("SELECT 'in the first'")
    part = connector.statements(order, begun, {})
    target.superuser.execute("ALTER SYSTEM SET log_filename = 'next-%H%M%S.log'")
    target.superuser.execute("SELECT pg_reload_conf()")
    target.superuser.execute("SELECT pg_rotate_logfile()")
    try:
        texts, position = [one.text for one in part.statements], part.position
        for number in range(100):
            session.execute(f"SELECT {number}".encode())
            part = connector.statements(order, begun, position)
            texts, position = texts + [one.text for one in part.statements], part.position
            assert not part.lost
            if str(position["file"]).startswith("next-") and part.statements:
                break
        assert str(position["file"]).startswith("next-")
        assert texts == ["SELECT 'in the first'", *(f"SELECT {one}" for one in range(number + 1))]
    finally:
        target.superuser.execute("ALTER SYSTEM RESET log_filename")
        target.superuser.execute("SELECT pg_reload_conf()")
        target.superuser.execute("SELECT pg_rotate_logfile()")


def test_a_file_that_is_gone_is_said(target: PostgresTarget) -> None:
    order = target.dynamic_order(target.role())
    part = target.connector().statements(
        order, now() - timedelta(minutes=1), {"file": "gone.json", "offset": 5}
    )
    assert part.lost


def test_a_server_without_such_a_log_says_what_to_set(target: PostgresTarget, grant: Grant) -> None:
    log_as(target.server, "stderr")
    try:
        with pytest.raises(TargetError, match="jsonlog"):
            target.connector().statements(target.dynamic_order("x"), now(), {})
        statement_logs.read(grant)
        with world.later(hours=2):
            world.work()
        with world.later(days=3):
            done = statement_logs.read(statement_logs.due().get())
        assert done.state == "truncated"
        assert "jsonlog" in done.gaps[0]
    finally:
        log_as(target.server, "stderr,jsonlog")

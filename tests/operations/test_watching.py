"""The portal itself sees who uses an emergency account of a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from jitportal.management.private_postgres import PrivatePostgres
from jitportal.models import (
    EmergencyAccount,
    EmergencySignIn,
    Event,
    Notice,
    PostIncidentReview,
    Target,
    TargetHealth,
)
from jitportal.operations import emergencies, watching
from jitportal.rules.emergencies import Claim
from jitportal.rules.vocabulary import ReviewStatus
from jitportal.worker import tasks
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, now, wait_until
from tests.operations import logging_postgres, postgres_rack, world
from tests.operations.world import changed, person

pytestmark = [pytest.mark.postgres_server, pytest.mark.django_db]


@pytest.fixture
def logged(logging_server: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresTarget]:
    """A server whose log says who signs in."""
    monkeypatch.setenv(postgres_rack.SECRET, PASSWORD)
    target = PostgresTarget(logging_server, database="postgres", portal=logging_postgres.PORTAL)
    postgres_rack.forget_leases(target)
    yield target
    target.close()


def settled(server: PostgresTarget) -> str:
    """A break-glass role on the server with a named login, kept by Dora; gives the login."""
    login, role = server.login(), server.role()
    emergency, entitlement = server.login(), server.role()
    text = postgres_rack.policy(server, login, role)
    text = changed(
        ("post_incident_review]\n", "post_incident_review, max_duration_60_minutes]\n    roles: [rescue]\n"),
        (
            "  targets:\n",
            f"  emergency_accounts:\n    red: {{target: rack, login: {emergency}, custodians: [dora]}}\n  targets:\n",
        ),
        text=text,
    )
    text += f"""\
    rescue:
      target: rack
      owner: otto
      entitlement: {entitlement}
      accounts: [red]
      eligible: {{people: [rita, remy]}}
"""
    world.settle(text)
    return emergency


def rack() -> Target:
    return Target.objects.get(key="rack")


def test_a_session_with_no_activation_opens_a_review_once(server: PostgresTarget) -> None:
    login = settled(server)
    assert watching.look(rack()) == 0
    session = server.session(login)
    try:
        assert watching.look(rack()) == 1
        assert watching.look(rack()) == 0
        with world.later(days=1):
            assert watching.look(rack()) == 0  # the same process, whose review is open
        tasks.check_targets()
    finally:
        session.close()
    seen = EmergencySignIn.objects.get()
    assert (seen.login, seen.source, seen.activation) == (login, "postgres", None)
    assert seen.review.status == ReviewStatus.STATEMENT
    told = Notice.objects.filter(kind="review.orphan").values_list("recipient__username", flat=True)
    assert sorted(told) == ["dora", "otto"]


def test_a_session_in_an_activation_is_its_use(server: PostgresTarget) -> None:
    login = settled(server)
    claim = Claim(
        role_key="rescue",
        scope="all",
        account="red",
        criterion="outage",
        incident="INC-7",
        broken="Nobody can sign in.",
        expected="Restart the identity provider.",
        minutes=30,
    )
    activation = emergencies.activate(actor=person("rita"), claim=claim)
    world.work()
    session = server.session(login)
    try:
        assert watching.look(rack()) == 1
    finally:
        session.close()
    assert EmergencySignIn.objects.get().activation == activation
    assert Event.objects.filter(verb="emergency.signed_in", activation=activation).count() == 1
    assert PostIncidentReview.objects.get().activation == activation


def test_a_target_that_does_not_answer_or_can_not_tell_is_no_news(server: PostgresTarget) -> None:
    settled(server)
    server.server.stop()
    try:
        assert watching.look(rack()) == 0
    finally:
        server.server.start()
    assert watching.look(Target.objects.get(key="portal")) == 0
    assert EmergencyAccount.objects.count() == 1


def brief_use(server: PostgresTarget, login: str) -> None:
    """Signed in and out again, and seen by nobody who looks at sessions; what is logged comes by a pipe."""
    with server.connect(login) as session:
        process = session.info.backend_pid
    wait_until(lambda: not server.open_sessions(login))
    line = f'"pid":{process},'
    wait_until(lambda: line in server.value("SELECT pg_read_file(pg_current_logfile('jsonlog'))"))


def shown(server: PostgresTarget, setting: str) -> str:
    """What a new session finds it set to."""
    with server.connect(server.portal) as session:
        return str((session.execute(f"SHOW {setting}".encode()).fetchone() or ("",))[0])


def test_a_sign_in_of_under_a_second_is_seen_by_the_server_s_log(logged: PostgresTarget) -> None:
    login = settled(logged)
    assert watching.look(rack()) == 0
    before = now()
    brief_use(logged, login)
    tasks.check_targets()
    seen = EmergencySignIn.objects.get()
    assert (seen.login, seen.source, seen.activation) == (login, "postgres", None)
    assert abs((seen.at - before).total_seconds()) < 5
    assert "by the server's own log" in seen.detail
    assert seen.review.status == ReviewStatus.STATEMENT
    told = Notice.objects.filter(kind="review.orphan").values_list("recipient__username", flat=True)
    assert sorted(told) == ["dora", "otto"]
    assert watching.look(rack()) == 0
    with pytest.raises(psycopg.OperationalError):
        logged.connect(login, password="guessed")
    brief_use(logged, logged.login())  # somebody else's
    assert watching.look(rack()) == 0
    brief_use(logged, login)
    assert watching.look(rack()) == 1


def test_a_session_that_is_open_and_logged_is_one_sign_in(logged: PostgresTarget) -> None:
    login = settled(logged)
    session = logged.session(login)
    assert watching.look(rack()) == 1
    assert watching.look(rack()) == 0
    session.close()
    TargetHealth.objects.update(sign_ins_position={})  # read from the beginning: nothing is taken twice
    assert watching.look(rack()) == 0
    assert EmergencySignIn.objects.count() == 1


def test_a_session_seen_before_its_line_was_read_is_one_sign_in(logged: PostgresTarget) -> None:
    login = settled(logged)
    logging_postgres.log_as(logged.server, "stderr,csvlog")
    session = logged.session(login)
    logging_postgres.log_as(logged.server, "stderr,jsonlog")
    logged.superuser.execute("ALTER SYSTEM SET log_connections = off")
    logged.superuser.execute("SELECT pg_reload_conf()")
    try:
        wait_until(lambda: shown(logged, "log_connections") == "off")
        assert watching.look(rack()) == 1
        problem = TargetHealth.objects.get(target=rack()).sign_ins_problem
        assert "log_connections = on" in problem
    finally:
        logged.superuser.execute("ALTER SYSTEM SET log_connections = on")
        logged.superuser.execute("SELECT pg_reload_conf()")
    wait_until(lambda: shown(logged, "log_connections") == "on")
    assert watching.look(rack()) == 0
    assert TargetHealth.objects.get(target=rack()).sign_ins_problem == ""
    session.close()


def test_the_portal_reads_of_others_when_they_signed_in_and_nothing_else(logged: PostgresTarget) -> None:
    login = logged.login()
    session = logged.session(login)
    session.execute("SELECT 'their own affair'")
    portal, entries, file, offset, more = logged.as_portal(), [], None, 0, True
    while more:
        row = portal.execute(
            "SELECT file, next_offset, more, entries FROM jit.sign_in_log(%s, now() - '1 day'::interval, %s, %s)",
            [[login], file, offset],
        ).fetchone()
        assert row is not None
        file, offset, more = row[:3]
        entries += row[3]
    assert {key for one in entries for key in one} == {"login", "process", "session", "address", "database"}
    assert {one["login"] for one in entries} == {login}

"""Break-glass on a real PostgreSQL server: a login of its own, logged, extended without a cut, and gone."""

from __future__ import annotations

import time
from datetime import timedelta

import psycopg
import pytest

from jitportal.operations import emergencies, grants
from jitportal.rules.vocabulary import ActivationStatus, GrantStatus
from tests.connectors.postgres_target import PostgresTarget, is_cut, reads
from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.postgres_rack import SECRET


def policy(server: PostgresTarget, role: str) -> str:
    settings = (
        f"{{host: 127.0.0.1, port: {server.server.port}, user: {server.portal}, "
        f"database: {server.database}, password_secret: {SECRET}}}"
    )
    return world.changed(
        ("{host: memory.example}", settings),
        ("      entitlement: rescue door\n", f"      entitlement: {role}\n      login: dynamic\n"),
        ("    webhooks: [siem]\n", ""),
        text=house.POLICY,
    )


@pytest.fixture
def rack(db: None, server: PostgresTarget) -> tuple[PostgresTarget, str]:
    role = server.role()
    world.settle(policy(server, role))
    return server, role


def test_from_the_click_to_a_session_and_to_its_end(rack: tuple[PostgresTarget, str]) -> None:
    server, role = rack
    began = time.monotonic()
    activation = house.live()
    grant = house.grant_of(activation)
    assert grant.status == GrantStatus.ACTIVE
    assert "_emergency1_" in grant.account
    secret = grants.reveal(actor=world.person("rita"), grant=grant)
    session = server.session(secret.login, password=secret.password)
    session.execute(f'SET ROLE "{role}"'.encode())
    assert reads(session, role)
    assert time.monotonic() - began < 5
    assert session.execute("SHOW log_statement").fetchone() == ("all",)

    second = emergencies.extend(
        actor=world.person("rita"),
        activation=activation,
        minutes=45,
        why="The restore goes on for a while.",
    )
    world.work()
    assert house.grant_of(second).account == grant.account
    assert house.grant_of(second).status == GrantStatus.ACTIVE
    assert house.now_of(activation).status == ActivationStatus.ENDED
    assert reads(session, role)

    ended = time.monotonic()
    emergencies.end(actor=world.person("dean"), activation=second, reason="It is mended.")
    world.work()
    assert is_cut(session)
    assert time.monotonic() - ended < 5
    assert house.now_of(second).status == ActivationStatus.ENDED
    gone = house.grant_of(second)
    assert gone.verified_absent_at is not None
    assert gone.stopped_at is not None
    assert gone.verified_absent_at - gone.stopped_at < timedelta(seconds=5)
    with pytest.raises(psycopg.OperationalError):
        server.connect(secret.login, password=secret.password)
    assert not server.value("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", secret.login)

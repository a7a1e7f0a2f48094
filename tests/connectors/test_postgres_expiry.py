"""The server ends access by itself: real pg_cron, and after the grant the portal does nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from jitportal.rules.vocabulary import LeaseOrder, Presence, Refusal
from tests.connectors.answers import granted, observed
from tests.connectors.postgres_target import (
    PostgresTarget,
    Session,
    StubbornClient,
    install,
    is_cut,
    now,
    reads,
    wait_until,
)

#: What the plan promises is three seconds; what is wanted is two.
LATEST = timedelta(seconds=2)


@pytest.fixture(autouse=True)
def swept(armed_target: PostgresTarget) -> None:
    """pg_cron begins at a full minute: the first test waits for it."""
    wait_until(lambda: armed(armed_target), seconds=75)


def armed(target: PostgresTarget) -> bool:
    return target.connector(expiry="pg_cron").check(portal_now=now).expiry_armed


def end_of(order: LeaseOrder) -> datetime:
    assert order.until is not None
    return order.until


def read_until_cut(session: Session, role: str) -> datetime:
    """When the session last read with the role."""
    last = now()
    while True:
        try:
            if not reads(session, role):
                return last
        except psycopg.OperationalError:
            return last
        last = now()
        time.sleep(0.005)


def test_a_session_that_set_the_role_is_cut_by_the_server(armed_target: PostgresTarget) -> None:
    role, login = armed_target.role(), armed_target.login()
    order = armed_target.order(login, role, seconds=4)
    granted(armed_target.connector(), order)
    session = armed_target.session(login, role=role)
    last = read_until_cut(session, role)
    assert end_of(order) - timedelta(milliseconds=50) <= last <= end_of(order) + LATEST
    assert is_cut(session)
    assert not armed_target.is_member(login, role)
    seen = observed(armed_target.connector(), order)
    assert (seen.presence, seen.open_sessions) == (Presence.ABSENT, 0)


def test_a_client_that_reconnects_in_a_loop_is_cut_by_the_server(armed_target: PostgresTarget) -> None:
    role, login = armed_target.role(), armed_target.login()
    order = armed_target.order(login, role, seconds=4)
    granted(armed_target.connector(), order)
    client = StubbornClient(armed_target, login, role)
    with client.at_work():
        time.sleep((end_of(order) + LATEST - now()).total_seconds() + 0.5)
    assert client.last_read is not None
    assert end_of(order) - timedelta(milliseconds=200) <= client.last_read <= end_of(order) + LATEST


def test_a_dynamic_login_is_cut_and_dropped_by_the_server(armed_target: PostgresTarget) -> None:
    connector = armed_target.connector()
    order = armed_target.dynamic_order(armed_target.role(), seconds=4)
    granted(connector, order)
    session = armed_target.session(order.account, password=connector.reveal(order).password)
    assert read_until_cut(session, order.entitlement) <= end_of(order) + LATEST
    exists = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
    wait_until(lambda: not armed_target.value(exists, order.account), seconds=LATEST.total_seconds())


def test_two_hundred_that_end_in_the_same_second_are_ended_by_the_server(
    armed_target: PostgresTarget,
) -> None:
    connector, role = armed_target.connector(), armed_target.role()
    orders = [armed_target.order(armed_target.login(), role) for _ in range(200)]
    connector.grant(orders)
    sessions = [armed_target.session(order.account, role=role) for order in orders[:20]]
    until = now() + timedelta(seconds=4)
    answers = connector.grant([replace(order, claim=2, until=until) for order in orders])
    assert not any(isinstance(answer, Refusal) for answer in answers)
    time.sleep(max(0.0, (until - now()).total_seconds()))
    wait_until(lambda: all(is_cut(session) for session in sessions), LATEST.total_seconds())
    left = "SELECT count(*) FROM pg_auth_members WHERE roleid = %s::regrole"
    wait_until(lambda: armed_target.value(left, role) == 0, (until + LATEST - now()).total_seconds())


def test_moving_the_end_in_time_leaves_no_gap(armed_target: PostgresTarget) -> None:
    connector, role, login = armed_target.connector(), armed_target.role(), armed_target.login()
    order = armed_target.order(login, role, seconds=4)
    granted(connector, order)
    session = armed_target.session(login, role=role)
    granted(connector, replace(order, claim=2, until=end_of(order) + timedelta(minutes=5)))
    last_look = end_of(order) + timedelta(seconds=1.5)
    while now() < last_look:
        assert reads(session, role)
        time.sleep(0.02)


def test_what_the_portal_left_half_done_is_finished_by_the_server(armed_target: PostgresTarget) -> None:
    """It died after the revoke was committed, and before the sessions were cut."""
    role, login = armed_target.role(), armed_target.login()
    order = armed_target.order(login, role)
    granted(armed_target.connector(), order)
    session = armed_target.session(login, role=role)
    portal = armed_target.as_portal()
    portal.execute(
        "SELECT * FROM jit.revoke_leases(%s)",
        [Jsonb([{"handle": order.handle, "claim": 2, "account": login, "role": role}])],
    )
    portal.close()
    wait_until(lambda: is_cut(session), LATEST.total_seconds())


def test_upgrading_the_script_does_not_interrupt_the_sweep(armed_target: PostgresTarget) -> None:
    role, login = armed_target.role(), armed_target.login()
    order = armed_target.order(login, role, seconds=4)
    granted(armed_target.connector(), order)
    install(armed_target.server, database=armed_target.database, portal=armed_target.portal)
    session = armed_target.session(login, role=role)
    assert read_until_cut(session, role) <= end_of(order) + LATEST


def test_a_job_that_is_switched_off_is_not_armed(armed_target: PostgresTarget) -> None:
    switch = "UPDATE cron.job SET active = %s WHERE jobname = 'jit sweep'"
    armed_target.superuser.execute(switch, [False])
    try:
        health = armed_target.connector(expiry="pg_cron").check(portal_now=now)
    finally:
        armed_target.superuser.execute(switch, [True])
    assert not health.expiry_armed
    assert any("switched off" in problem for problem in health.problems)


def test_a_sweep_that_nobody_told_the_portal_of_is_mentioned(armed_target: PostgresTarget) -> None:
    armed_target.role()
    health = armed_target.connector().check(portal_now=now)
    assert health.expiry_armed
    assert any("expiry: pg_cron" in problem for problem in health.problems)


def test_after_a_crash_of_the_server_the_sweep_goes_on_at_once(armed_target: PostgresTarget) -> None:
    """What ran out while the server was down is ended when it is up: no minute is waited for."""
    role, login = armed_target.role(), armed_target.login()
    order = armed_target.order(login, role, seconds=1)
    granted(armed_target.connector(), order)
    armed_target.server.kill()
    time.sleep(1)
    armed_target.server.start()
    armed_target.reconnect()
    wait_until(lambda: not armed_target.is_member(login, role), seconds=10)


@pytest.mark.proof
def test_a_sweep_that_is_killed_begins_again_within_a_minute(armed_target: PostgresTarget) -> None:
    sweep = (
        "SELECT coalesce(max(pid), 0) FROM pg_stat_activity "
        "WHERE query LIKE 'CALL jit.run_sweep%%' AND pid <> pg_backend_pid()"
    )
    killed = armed_target.value(sweep)
    armed_target.superuser.execute("SELECT pg_terminate_backend(%s)", [killed])
    role, login = armed_target.role(), armed_target.login()
    granted(armed_target.connector(), armed_target.order(login, role, seconds=2))
    wait_until(lambda: not armed_target.is_member(login, role), seconds=70)

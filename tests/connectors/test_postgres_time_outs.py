"""No call hangs: whatever the server or the network does, it returns or raises in its time."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from jitportal.connectors.base import CALL_SECONDS, TargetError, Unreachable
from jitportal.rules.vocabulary import Holding, Refusal
from tests.connectors.answers import granted, observed
from tests.connectors.postgres_target import PostgresTarget, now, wait_until


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert took < seconds, f"it took {took:.1f} seconds"


def outcome(call: Callable[[], object]) -> tuple[object, float]:
    """What it returned or raised, and how many seconds it took."""
    started = time.monotonic()
    try:
        answer = call()
    except TargetError as error:
        return error, time.monotonic() - started
    return answer, time.monotonic() - started


def test_a_frozen_server_is_unreachable(target: PostgresTarget) -> None:
    """It accepts the connection (the kernel does) and never says a word."""
    connector = target.connector()
    order = target.order(target.login(), target.role())
    calls: list[Callable[[], object]] = [
        lambda: connector.grant([order]),
        lambda: connector.revoke([order]),
        lambda: connector.observe([order]),
        connector.holders,
        lambda: connector.reveal(replace(order, options={"login": "dynamic"})),
    ]
    target.server.freeze()
    with ThreadPoolExecutor(len(calls)) as pool:
        outcomes = list(pool.map(outcome, calls))
    target.server.thaw()
    assert all(isinstance(answer, Unreachable) for answer, _ in outcomes), outcomes
    assert all(seconds < CALL_SECONDS for _, seconds in outcomes), outcomes
    granted(connector, order)


def test_a_check_of_a_frozen_server_says_so(target: PostgresTarget) -> None:
    target.server.freeze()
    with within(CALL_SECONDS):
        health = target.connector().check(portal_now=now)
    assert (health.reachable, health.usable) == (False, False)
    assert "did not answer" in health.problems[0]


def test_a_process_that_freezes_in_the_middle_is_given_up(target: PostgresTarget) -> None:
    """Past the log-in no time-out of the server's helps: it is not running."""
    connector = target.connector()
    order = target.order(target.login(), target.role())
    waiting = (
        "SELECT coalesce(max(pid), 0) FROM pg_stat_activity "
        "WHERE application_name = 'jitportal' AND wait_event_type = 'Lock'"
    )
    with psycopg.connect(target.server.dsn(target.database)) as blocker, ThreadPoolExecutor(1) as pool:
        blocker.execute("SELECT FROM jit.managed_role FOR UPDATE")
        call = pool.submit(outcome, lambda: connector.grant([order]))
        wait_until(lambda: target.value(waiting) > 0)
        pid = target.value(waiting)
        os.kill(pid, signal.SIGSTOP)
        try:
            answer, seconds = call.result(CALL_SECONDS + 5)
        finally:
            os.kill(pid, signal.SIGCONT)
    assert isinstance(answer, Unreachable)
    assert "stopped answering" in str(answer)
    assert seconds < CALL_SECONDS
    granted(connector, replace(order, claim=2))


def test_a_locked_role_holds_up_no_other(target: PostgresTarget) -> None:
    connector = target.connector()
    locked, free = target.role(), target.role()
    orders = [target.order(target.login(), role) for role in (locked, free, locked, free)]
    with psycopg.connect(target.server.dsn(target.database)) as blocker:
        blocker.execute("SELECT FROM jit.managed_role WHERE role = %s::regrole FOR UPDATE", [locked])
        with within(4):
            answers = connector.grant(orders)
    for order, answer in zip(orders, answers, strict=True):
        if order.entitlement == free:
            assert isinstance(answer, Holding)
        else:
            assert isinstance(answer, Refusal)
            assert not answer.permanent
            assert "tried again" in answer.message


def test_a_locked_lease_holds_up_no_other(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    orders = [target.order(target.login(), role) for _ in range(3)]
    connector.grant(orders)
    with psycopg.connect(target.server.dsn(target.database)) as blocker:
        blocker.execute("SELECT FROM jit.lease WHERE handle = %s FOR UPDATE", [orders[0].handle])
        with within(CALL_SECONDS):
            answers = connector.revoke([replace(order, claim=2, until=None) for order in orders])
    assert sorted(type(answer).__name__ for answer in answers) == ["Holding", "Holding", "Refusal"]
    assert observed(connector, orders[1]).until is None


def test_a_closed_port_is_unreachable_at_once(target: PostgresTarget) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        connector = target.connector(port=str(closed.getsockname()[1]))
        with within(3), pytest.raises(Unreachable, match="can't be reached"):
            connector.holders()


def test_a_listener_that_is_no_server_is_unreachable(target: PostgresTarget) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tarpit:
        connector = target.connector(port=str(tarpit.getsockname()[1]))
        with within(CALL_SECONDS), pytest.raises(Unreachable):
            connector.holders()


def test_a_host_that_does_not_exist_is_unreachable(target: PostgresTarget) -> None:
    connector = target.connector(host="nowhere.invalid", sslmode="disable")
    with within(CALL_SECONDS), pytest.raises(Unreachable):
        connector.holders()


def test_a_wrong_password_is_said_without_the_password(target: PostgresTarget) -> None:
    with pytest.raises(Unreachable) as refused:
        target.connector(password_secret="WRONG").holders()
    assert "authentication failed" in str(refused.value)
    assert "not it" not in str(refused.value)


def test_a_database_without_the_script_says_what_to_run(target: PostgresTarget) -> None:
    empty = target.name("empty")
    target.run("CREATE DATABASE {}", empty)
    connector = target.connector(database=empty)
    order = target.order("somebody", "something")
    for call in (lambda: connector.grant([order]), connector.holders):
        with pytest.raises(TargetError, match="target_script postgres") as missing:
            call()
        assert not isinstance(missing.value, Unreachable)
    health = connector.check(portal_now=now)
    assert (health.reachable, health.rights) == (True, False)


def test_a_login_that_is_no_portal_is_refused(target: PostgresTarget) -> None:
    stranger = target.login()
    connector = target.connector(user=stranger)
    with pytest.raises(TargetError, match="target_script postgres"):
        connector.grant([target.order(target.login(), target.role())])


def test_a_server_that_restarts_is_unreachable_and_then_answers_again(target: PostgresTarget) -> None:
    connector = target.connector()
    order = target.order(target.login(), target.role())
    granted(connector, order)
    target.server.kill()
    with within(CALL_SECONDS), pytest.raises(Unreachable):
        connector.observe([order])
    target.server.start()
    assert observed(connector, order).until == order.until

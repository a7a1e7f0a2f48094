"""Races on a real server: who reconnects, who stalls, who comes at the same time."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial

import psycopg
import pytest
from psycopg.types.json import Jsonb

from jitportal.rules.vocabulary import Holding, LeaseOrder, Presence, Refusal
from tests.connectors.answers import granted, observed, revoked
from tests.connectors.postgres_target import PostgresTarget, StubbornClient, is_cut, now, reads, wait_until


def ended(order: LeaseOrder) -> LeaseOrder:
    return replace(order, until=None, claim=order.claim + 1)


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run them on threads of their own, let go together."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.parametrize("attempt", range(8))
def test_a_client_that_reconnects_in_a_loop_keeps_nothing(target: PostgresTarget, attempt: int) -> None:
    """Four connections at a time ask for the role inside the log-in, while it is taken away."""
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    client = StubbornClient(target, login, role)
    with client.at_work():
        wait_until(lambda: client.sessions > 20)
        held_before = target.session(login, role=role)
        revoked(connector, ended(order))
        returned = now()
        time.sleep(0.3)
        assert is_cut(held_before)
    assert client.last_read is not None
    assert client.last_read <= returned


@pytest.mark.parametrize("attempt", range(4))
def test_a_dynamic_login_that_reconnects_in_a_loop_keeps_nothing(
    target: PostgresTarget, attempt: int
) -> None:
    connector, order = target.connector(), target.dynamic_order(target.role())
    granted(connector, order)
    secret = connector.reveal(order)
    client = StubbornClient(target, order.account, order.entitlement, password=secret.password)
    with client.at_work():
        wait_until(lambda: client.sessions > 20)
        revoked(connector, ended(order))
        returned = now()
        time.sleep(0.3)
        assert target.open_sessions(order.account) == 0
    assert client.last_read is not None
    assert client.last_read <= returned


def test_whoever_lingers_in_the_log_in_with_the_role_is_cut(target: PostgresTarget) -> None:
    """Anybody may set post_auth_delay: the role is taken, and nothing shows the session's name yet."""
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)

    def linger() -> bool:
        options = f"-c role={role} -c post_auth_delay=3"
        with suppress(psycopg.OperationalError), target.connect(login, options=options) as session:
            return reads(session, role)
        return False

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(linger)
        time.sleep(0.5)
        assert target.open_sessions(login) == 0
        revoked(connector, ended(order))
        assert not reading.result(10)


def test_whoever_only_lingers_at_the_password_is_left_alone(target: PostgresTarget) -> None:
    """They will read their memberships after the end; and it may be anybody."""
    connector, role = target.connector(), target.role()
    order = target.order(target.login(), role)
    granted(connector, order)
    with socket.create_connection(("127.0.0.1", target.server.port)) as dawdler:
        dawdler.sendall(startup_packet(user=target.login(), database=target.database))
        assert dawdler.recv(1) == b"R"  # it is asked for its password
        started = time.monotonic()
        assert revoked(connector, ended(order)).open_sessions == 0
        assert time.monotonic() - started < 2
        dawdler.recv(1000)  # the rest of that question
        dawdler.settimeout(0.5)
        with pytest.raises(TimeoutError):
            dawdler.recv(1)


def startup_packet(**parameters: str) -> bytes:
    """As a client begins, PostgreSQL's protocol 3.0."""
    pairs = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items())
    body = struct.pack("!I", 196608) + pairs + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def test_whoever_was_lent_the_login_is_cut_with_it(target: PostgresTarget) -> None:
    """Up to PostgreSQL 14 a login lends itself; on every version an administrator can."""
    connector, role = target.connector(), target.role()
    login, accomplice = target.login(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    target.run("GRANT {} TO {}", login, accomplice)
    borrowed = target.session(accomplice, role=role)
    assert reads(borrowed, role)
    assert accomplice in {holder.account for holder in connector.holders() if holder.handle is None}
    revoked(connector, ended(order))
    assert is_cut(borrowed)


def test_a_grant_and_a_later_removal_at_the_same_time_leave_nothing(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    for _ in range(20):
        order = target.order(target.login(), role)
        at_once(partial(connector.grant, [order]), partial(connector.revoke, [ended(order)]))
        assert observed(connector, order).presence is Presence.ABSENT
        assert not target.is_member(order.account, role)


def test_two_leases_of_one_person_that_end_together_leave_nothing(target: PostgresTarget) -> None:
    """Each must not think that the other one covers it."""
    connector, role = target.connector(), target.role()
    for _ in range(20):
        login = target.login()
        first, second = target.order(login, role), target.order(login, role)
        granted(connector, first)
        granted(connector, second)
        at_once(partial(connector.revoke, [ended(first)]), partial(connector.revoke, [ended(second)]))
        assert not target.is_member(login, role)


def test_batches_in_opposite_orders_do_not_wait_for_each_other_for_ever(target: PostgresTarget) -> None:
    connector = target.connector()
    roles = [target.role() for _ in range(4)]
    orders = [target.order(target.login(), role) for role in roles for _ in range(10)]
    for claim in range(1, 6):
        batch = [replace(order, claim=claim) for order in orders]
        answers = at_once(partial(connector.grant, batch), partial(connector.grant, batch[::-1]))
        for answer in answers:
            assert isinstance(answer, list)
            assert all(isinstance(each, Holding) or not each.permanent for each in answer)
    assert all(target.is_member(order.account, order.entitlement) for order in orders)


def test_a_portal_that_dies_between_revoke_and_cut_is_finished_by_the_next_call(
    target: PostgresTarget,
) -> None:
    connector, role, login = target.connector(), target.role(), target.login()
    order = target.order(login, role)
    granted(connector, order)
    session = target.session(login, role=role)
    gone = ended(order)
    portal = target.as_portal()
    portal.execute(
        "SELECT * FROM jit.revoke_leases(%s)",
        [Jsonb([{"handle": gone.handle, "claim": gone.claim, "account": login, "role": role}])],
    )
    portal.close()
    assert not target.is_member(login, role)
    seen = observed(connector, gone)
    assert (seen.presence, seen.open_sessions) == (Presence.ABSENT, 1)
    assert "could not be cut yet" in seen.detail
    assert revoked(connector, gone).open_sessions == 0
    assert is_cut(session)


def test_a_thousand_that_end_in_the_same_second(target: PostgresTarget) -> None:
    connector, role = target.connector(), target.role()
    orders = [target.order(name, role) for name in target.logins(960)]
    orders += [target.order(target.login(), role) for _ in range(40)]
    for batch in (orders[begin : begin + 250] for begin in range(0, 1000, 250)):
        assert not any(isinstance(answer, Refusal) for answer in connector.grant(batch))
    sessions = [target.session(order.account, role=role) for order in orders[960:]]
    started = time.monotonic()
    answers = connector.revoke([ended(order) for order in orders])
    assert time.monotonic() - started < 5
    assert all(isinstance(answer, Holding) and answer.presence is Presence.ABSENT for answer in answers)
    assert all(is_cut(session) for session in sessions)

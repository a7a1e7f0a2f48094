"""Calling the server's functions. Each call is one statement, and a transaction of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from jitportal.connectors.base import Superseded, TargetError
from jitportal.connectors.postgres.connection import Connection, Deadline
from jitportal.connectors.postgres.orders import Observed, as_json, refusal
from jitportal.rules.vocabulary import Holder, LeaseOrder, Refusal, Secret

#: How long a revocation waits for the sessions that it cut to be gone, in seconds.
CUT_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.2


def grant(connection: Connection, orders: Sequence[LeaseOrder]) -> dict[str, Refusal]:
    """Give each; the refusals by handle."""
    return _carry_out(connection, "SELECT * FROM jit.grant_leases(%s::jsonb)", orders)


def revoke(connection: Connection, orders: Sequence[LeaseOrder]) -> dict[str, Refusal]:
    """End each one's authority, and commit; the refusals by handle. Sessions are cut by ``cut``."""
    return _carry_out(connection, "SELECT * FROM jit.revoke_leases(%s::jsonb)", orders)


def cut(connection: Connection, handles: Sequence[str], deadline: Deadline) -> None:
    """Cut the sessions of removed leases, until none is left or the time is over.

    It takes two passes at least where there was a session: the first one can't see a client that
    was just logging in, with the role still, when the revoke was committed.
    """
    pause = FIRST_PAUSE
    ends = time.monotonic() + min(CUT_SECONDS, deadline.left())
    while handles:
        rows = connection.execute("SELECT handle FROM jit.cut_sessions(%s)", [list(handles)]).fetchall()
        handles = [row[0] for row in rows]
        if not handles or time.monotonic() + pause > ends:
            return
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def drop_logins(connection: Connection, handles: Sequence[str]) -> list[str]:
    """Drop the dynamic logins of ended leases, where nothing keeps them; those that are kept."""
    rows = connection.execute("SELECT jit.drop_logins(%s)", [list(handles)])
    return [row[0] for row in rows]


def observe(connection: Connection, orders: Sequence[LeaseOrder]) -> dict[str, Observed]:
    rows = connection.execute(
        "SELECT handle, state, expires_at, open_sessions, problem FROM jit.observe(%s::jsonb)",
        [as_json(orders)],
    )
    return {row[0]: Observed(*row) for row in rows}


def holders(connection: Connection, declared: frozenset[str]) -> list[Holder]:
    rows = connection.execute("SELECT account, role, handle, expires_at FROM jit.holders()")
    return [Holder(row[0], row[1], row[3], row[2], declared=row[0] in declared) for row in rows]


def set_password(connection: Connection, order: LeaseOrder, password: str) -> Secret:
    """Hash the password here, so that the clear one is in no statement and no log of the server's.

    The hash is a SCRAM-SHA-256 verifier (RFC 5802), made by libpq.
    """
    verifier = connection.pgconn.encrypt_password(
        password.encode(), order.account.encode(), b"scram-sha-256"
    ).decode()
    row = connection.execute(
        "SELECT outcome, message, valid_until FROM jit.set_password(%s, %s, %s)",
        [order.handle, order.claim, verifier],
    ).fetchone()
    outcome, message, valid_until = row or ("failed", "no answer", None)
    refused = refusal(order.handle, outcome, message)
    if refused is None:
        return Secret(order.account, password, valid_until)
    if refused.superseded:
        raise Superseded(refused.message)
    raise TargetError(refused.message, permanent=refused.permanent)


def _carry_out(connection: Connection, statement: str, orders: Sequence[LeaseOrder]) -> dict[str, Refusal]:
    rows = connection.execute(statement.encode(), [as_json(orders)])
    found = (refusal(handle, outcome, message) for handle, outcome, message in rows)
    return {each.handle: each for each in found if each}

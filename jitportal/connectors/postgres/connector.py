"""PostgreSQL as a target: see ``docs/targets-postgres.md`` and ``install.sql``."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from psycopg.conninfo import make_conninfo

from jitportal.connectors.base import RoleOnTarget, TargetError, TargetSettings
from jitportal.connectors.postgres import checkup, leases, remains, sign_ins, statements, watching
from jitportal.connectors.postgres.connection import Connection, Deadline, Server
from jitportal.connectors.postgres.orders import (
    Observed,
    after_removal,
    holding,
    is_dynamic,
    malformed,
)
from jitportal.connectors.postgres.settings import read_settings
from jitportal.rules.vocabulary import (
    Enforcement,
    EnforcementPlan,
    Health,
    Holder,
    Holding,
    LeaseOrder,
    LoggedPart,
    LoggedSignIns,
    OpenSession,
    Presence,
    Refusal,
    Secret,
)

#: From the end to the last session cut, by the server's own sweep: at worst a beat of one second, and
#: two passes.
SWEEP_RESIDUAL = timedelta(seconds=3)
PASSWORD_BYTES = 24
#: The server parts the options of a connection at blanks, unless a backslash stands before them.
_OPTION_BREAKS = re.compile(r"[\s\\]")


class PostgresConnector:
    """One PostgreSQL server. Each call is a connection of its own: none is shared over a fork."""

    fences = True
    reveals = True

    def __init__(self, settings: TargetSettings) -> None:
        """Raises TargetError (permanent) when the settings can't be used."""
        self._settings = read_settings(settings)
        self._server = Server(self._settings, settings.secrets)
        self._declared = settings.declared | {self._settings.user}

    def grant(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        def give(connection: Connection, sound: Sequence[LeaseOrder], _: Deadline) -> dict[str, Refusal]:
            return leases.grant(connection, sound)

        return self._carry_out(orders, give, answer=holding)

    def revoke(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        """As the protocol says; a standing grant, which is not the portal's to take, is a refusal."""
        return self._carry_out(orders, self._take_away, answer=after_removal)

    def observe(self, orders: Sequence[LeaseOrder]) -> list[Holding]:
        sound = [order for order in orders if malformed(order) is None]
        if not sound:
            return [_never_held(order) for order in orders]
        with self._server.connect(Deadline()) as connection:
            seen = leases.observe(connection, sound)
        return [
            _never_held(order) if malformed(order) else holding(order, seen.get(order.handle))
            for order in orders
        ]

    def holders(self) -> list[Holder]:
        with self._server.connect(Deadline()) as connection:
            return leases.holders(connection, self._declared)

    def sessions(self, logins: Sequence[str]) -> list[OpenSession]:
        """The open sessions of these logins, with or without a lease behind them."""
        with self._server.connect(Deadline()) as connection:
            return watching.sessions(connection, logins)

    def sign_ins(
        self, logins: Sequence[str], since: datetime, position: Mapping[str, object]
    ) -> LoggedSignIns:
        """Who signed in, by the server's log: see ``connectors.base.LogsSignIns``."""
        deadline = Deadline()
        with self._server.connect(deadline) as connection:
            return sign_ins.read(connection, logins, since, position, deadline)

    def check(self, *, portal_now: Callable[[], datetime]) -> Health:
        return checkup.check(self._server, portal_now)

    def plan(self, role: RoleOnTarget) -> EnforcementPlan:
        if self._settings.expiry == "pg_cron":
            return EnforcementPlan(
                Enforcement.TARGET_CUTS,
                SWEEP_RESIDUAL,
                "The database server itself ends the access and cuts the open sessions, within "
                f"{SWEEP_RESIDUAL.seconds} seconds of the end, even when the portal is down.",
            )
        if role.dynamic_login:
            return EnforcementPlan(
                Enforcement.TARGET_REFUSES,
                None,
                "After the end the database server takes the login's password no longer. Sessions that "
                "are open then are cut by the portal: if it is down, once it is back.",
            )
        return EnforcementPlan(
            Enforcement.PORTAL_ONLY,
            None,
            "The portal takes the role away and cuts the open sessions. If it is down at the end, the "
            "access lasts until it is back.",
        )

    def instructions(self, order: LeaseOrder) -> str:
        """One line, so that a password's prompt doesn't swallow a second one that is pasted with it.

        It sets the role from the start: what the session makes belongs to the role, not to the login.
        """
        database = order.options.get("database") or self._settings.databases[0]
        role = _OPTION_BREAKS.sub(r"\\\g<0>", order.entitlement)
        parameters = {
            "host": self._settings.host,
            "port": str(self._settings.port),
            "dbname": database,
            "user": order.account,
            "options": f"-crole={role}",
        }
        return f"psql {shlex.quote(make_conninfo('', **parameters))}"

    def reveal(self, order: LeaseOrder) -> Secret:
        if not is_dynamic(order.options):
            raise TargetError(
                "There is no password to show: this access uses your own login and its own password.",
                permanent=True,
            )
        if refused := malformed(order):
            raise TargetError(refused.message, permanent=True)
        with self._server.connect(Deadline()) as connection:
            return leases.set_password(connection, order, secrets.token_urlsafe(PASSWORD_BYTES))

    def statements(self, order: LeaseOrder, since: datetime, position: Mapping[str, object]) -> LoggedPart:
        """What the server logged of a recorded login: see ``connectors.base.LogsStatements``."""
        if refused := malformed(order):
            raise TargetError(refused.message, permanent=True)
        with self._server.connect(Deadline()) as connection:
            return statements.read(connection, order, since, position)

    # How a batch is carried out

    def _carry_out(
        self,
        orders: Sequence[LeaseOrder],
        step: Callable[[Connection, Sequence[LeaseOrder], Deadline], dict[str, Refusal]],
        *,
        answer: Callable[[LeaseOrder, Observed | None], Holding | Refusal],
    ) -> list[Holding | Refusal]:
        """Do it, then ask the server what it holds now: the answer is never taken on trust."""
        refused = {order.handle: bad for order in orders if (bad := malformed(order))}
        sound = [order for order in orders if order.handle not in refused]
        seen: dict[str, Holding | Refusal] = {}
        if sound:
            deadline = Deadline()
            with self._server.connect(deadline) as connection:
                refused |= step(connection, sound, deadline)
                done = [order for order in sound if order.handle not in refused]
                rows = leases.observe(connection, done)
                seen = {order.handle: answer(order, rows.get(order.handle)) for order in done}
        return [refused.get(order.handle) or seen[order.handle] for order in orders]

    def _take_away(
        self, connection: Connection, orders: Sequence[LeaseOrder], deadline: Deadline
    ) -> dict[str, Refusal]:
        """Authority first, committed; then the sessions; then the logins that were made for it."""
        refused = leases.revoke(connection, orders)
        done = [order for order in orders if order.handle not in refused]
        leases.cut(connection, [order.handle for order in done], deadline)
        made = [order.handle for order in done if is_dynamic(order.options)]
        if made and (kept := leases.drop_logins(connection, made)):
            # One that its own session kept from being disabled was disabled only now.
            leases.cut(connection, kept, deadline)
            remains.hand_over(self._server, connection, kept, deadline)
        return refused


def _never_held(order: LeaseOrder) -> Holding:
    """An order that PostgreSQL can't even name was never carried out."""
    bad = malformed(order)
    return Holding(order.handle, Presence.ABSENT, detail=bad.message if bad else "")

"""What an ended dynamic login owns: handed to ``jit_remains``, so that the login can be dropped.

``jit_remains`` has no right, so a function that the login left behind to run with its owner's rights
runs with none. It is done in each database by the portal's login, which the server makes a member of
the ended login (and of nothing else) for it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from psycopg import sql

from jitportal.connectors.base import TargetError
from jitportal.connectors.postgres import leases
from jitportal.connectors.postgres.connection import Connection, Deadline, Server

log = logging.getLogger(__name__)
#: Handing over begins only with this much of the call left, in seconds.
NEEDED_SECONDS = 2.0


def hand_over(server: Server, connection: Connection, handles: Sequence[str], deadline: Deadline) -> None:
    """Hand over what these ended logins own in the target's databases, and drop them.

    What can't be handed over keeps its login, disabled and without a role; the next call tries again.
    """
    rows = connection.execute("SELECT login, databases FROM jit.take_remains(%s)", [list(handles)]).fetchall()
    known = dict.fromkeys((server.settings.database, *server.settings.databases))
    for database in known:
        logins = [login for login, databases in rows if database in databases]
        if logins and deadline.left() > NEEDED_SECONDS:
            try:
                _hand_over_in(server, database, logins, deadline)
            except TargetError as error:
                log.warning("What ended logins own in %s on %s stays: %s", database, server.name, error)
    leases.drop_logins(connection, handles)


def _hand_over_in(server: Server, database: str, logins: Sequence[str], deadline: Deadline) -> None:
    with server.connect(deadline, database=database) as there:
        for login in logins:
            name = sql.Identifier(login)
            there.execute(sql.SQL("REASSIGN OWNED BY {} TO jit_remains").format(name))
            there.execute(sql.SQL("DROP OWNED BY {}").format(name))

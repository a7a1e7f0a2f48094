"""Who is in: the sessions of named logins, whatever lease is or isn't behind them."""

from __future__ import annotations

from collections.abc import Sequence

from jitportal.connectors.postgres.connection import Connection
from jitportal.rules.vocabulary import OpenSession

# Everybody may see which logins are in, and with which process. When a session began, and from where, the
# server tells the portal's login only where it is a member of pg_read_all_stats.
_SESSIONS = """
SELECT pid, usename::text, backend_start, host(client_addr) FROM pg_stat_activity
 WHERE usename = ANY(%s) AND usename IS NOT NULL ORDER BY pid
"""


def sessions(connection: Connection, logins: Sequence[str]) -> list[OpenSession]:
    """The open sessions of these logins."""
    rows = connection.execute(_SESSIONS, [list(logins)])
    return [OpenSession(login, str(pid), began, address) for pid, login, began, address in rows]

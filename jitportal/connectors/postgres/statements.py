"""Reading what a recorded session's statements were, from the server's own log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from jitportal.connectors.postgres.connection import Connection
from jitportal.rules.vocabulary import LeaseOrder, LoggedPart, LoggedStatement

#: So many parts of a megabyte are read in one call.
PARTS = 4
_STATEMENT = re.compile(r"(?:statement|execute [^:]{0,200}|fastpath function call): (?P<text>.*)", re.DOTALL)


def read(
    connection: Connection, order: LeaseOrder, since: datetime, position: Mapping[str, object]
) -> LoggedPart:
    """The statements from the position on, and the position after them."""
    file, offset = position.get("file"), position.get("offset", 0)
    statements: list[LoggedStatement] = []
    more, lost = True, False
    for _ in range(PARTS):
        row = connection.execute(
            "SELECT file, next_offset, more, lost, entries FROM jit.session_log(%s, %s, %s, %s)",
            [order.account, since, file, offset],
        ).fetchone()
        if row is None or row[0] is None:
            more = False
            break
        file, offset, more = row[0], row[1], row[2]
        lost = lost or row[3]
        statements += (one for one in _statements(row[4]) if one.at is None or one.at >= since)
        if not more:
            break
    return LoggedPart(
        tuple(statements), {"file": file, "offset": offset} if file else {}, more=more, lost=lost
    )


def _statements(entries: Iterable[Mapping[str, Any]]) -> Iterable[LoggedStatement]:
    for entry in entries:
        found = _STATEMENT.fullmatch(str(entry.get("message", "")))
        if found and entry.get("error_severity") == "LOG":
            yield LoggedStatement(
                at=_moment(str(entry.get("timestamp", ""))),
                text=found["text"],
                session=str(entry.get("session_id", "")),
                database=str(entry.get("dbname", "")),
            )


def _moment(text: str) -> datetime | None:
    """The log's time; None where its zone isn't UTC, which a name's letters (log_timezone) don't tell."""
    try:
        read = datetime.strptime(text.rpartition(" ")[0], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None
    return read if text.endswith((" UTC", " GMT")) else None

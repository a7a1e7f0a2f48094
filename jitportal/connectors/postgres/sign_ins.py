"""Reading who signed in, however shortly, from the server's own log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from jitportal.connectors.postgres.connection import Connection, Deadline
from jitportal.rules.vocabulary import LoggedSignIn, LoggedSignIns

#: What a part may take at the worst: with less left, the next look goes on.
PART_SECONDS = 2.0


def read(
    connection: Connection,
    logins: Sequence[str],
    since: datetime,
    position: Mapping[str, object],
    deadline: Deadline,
) -> LoggedSignIns:
    """The sign-ins from the position on, in their order, and the position after them."""
    file, offset = position.get("file"), position.get("offset", 0)
    found: list[LoggedSignIn] = []
    more, lost = True, False
    while more and deadline.left() > PART_SECONDS:
        row = connection.execute(
            "SELECT file, next_offset, more, lost, entries FROM jit.sign_in_log(%s, %s, %s, %s)",
            [list(logins), since, file, offset],
        ).fetchone()
        if row is None or row[0] is None:
            more = False
            break
        file, offset, more = row[0], row[1], row[2]
        lost = lost or row[3]
        found += (one for one in _sign_ins(row[4]) if one.at >= since)
    return LoggedSignIns(tuple(found), {"file": file, "offset": offset} if file else {}, more=more, lost=lost)


def _sign_ins(entries: Iterable[Mapping[str, Any]]) -> Iterable[LoggedSignIn]:
    for entry in entries:
        session, said = str(entry["session"]), str(entry.get("address") or "")
        address = _address(said)
        where = f"from {said} " if said and address is None else ""
        yield LoggedSignIn(
            login=str(entry["login"]),
            process=str(entry["process"]),
            at=begun_at(session),
            session=session,
            address=address,
            detail=f"{where}to the database {entry.get('database')}",
        )


def begun_at(session: str) -> datetime:
    """When it began, to the second: the name of a session is that moment and its process, in hexadecimal.
    The line's own time stands in the server's time zone, which its letters don't always tell.
    """
    return datetime.fromtimestamp(int(session.partition(".")[0], 16), UTC)


def _address(said: str) -> str | None:
    """The address, where it is one: a log may name hosts, or say that it was a local socket."""
    try:
        return str(ip_address(said))
    except ValueError:
        return None

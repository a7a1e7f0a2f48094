"""The portal's one clock: its database's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection

_STATEMENTS = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
}
_offset: ContextVar[timedelta] = ContextVar("clock_offset", default=timedelta())


def now() -> datetime:
    """The database's time, aware, in UTC. Read it once for an operation, after its locks are held:

    a deadline that passed while the operation waited has passed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[connection.vendor])
        (read,) = cursor.fetchone()
    at = datetime.fromisoformat(read) if isinstance(read, str) else read
    return at.astimezone(UTC) + _offset.get()


@contextmanager
def moved(*, by: timedelta | None = None, to: datetime | None = None) -> Iterator[None]:
    """Move the clock for what runs inside: for tests, and for the demo's history.

    Raises ``RuntimeError`` in production.
    """
    if not settings.CLOCK_CAN_BE_MOVED:
        raise RuntimeError("The clock can't be moved in production.")
    if to is not None:
        by = to - (now() - _offset.get())
    token = _offset.set(by or timedelta())
    try:
        yield
    finally:
        _offset.reset(token)

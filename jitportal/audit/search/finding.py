"""One search, on whichever database, within the time that it is given."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from jitportal.audit.search import postgresql, sqlite
from jitportal.audit.search.times import in_time
from jitportal.audit.search.wanted import Place, TooSlow, Wanted
from jitportal.models import Event

#: SQLite asks whether to go on after so many of its own instructions: about a millisecond.
INSTRUCTIONS = 20_000
_CANCELLED = "57014"  # PostgreSQL's query_canceled


def find(wanted: Wanted, *, before: Place | None = None, size: int, seconds: float) -> list[int]:
    """The ids of the newest events that pass, the newest first, and so many at the most.

    ``before``: after this one in the list. Raises ``TooSlow`` once ``seconds`` are over.
    """
    connection = connections[router.db_for_read(Event)]
    with bounded(connection, seconds):
        if wanted.by_time_alone:
            return list(in_time(wanted, before).values_list("pk", flat=True)[:size])
        if connection.vendor == "sqlite":
            return sqlite.find(connection, wanted, before, size)
        return postgresql.find(wanted, before, size)


@contextmanager
def bounded(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    bound = _bounded_on_sqlite if connection.vendor == "sqlite" else _bounded_on_postgresql
    try:
        with bound(connection, seconds):
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == _CANCELLED or str(error) == "interrupted":
            raise TooSlow from error
        raise


@contextmanager
def _bounded_on_sqlite(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    deadline = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > deadline, INSTRUCTIONS)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


@contextmanager
def _bounded_on_postgresql(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Each statement; a search has a handful, and all but one are quick. Zero would be no bound at all."""
    milliseconds = max(1, round(seconds * 1000))
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")

"""Connections that can't hang: every call ends within its time, whatever the server does.

A stopped server accepts a connection and never answers; a time-out kept by the server is then worth
nothing. So the wait is bounded on this side: connecting happens on a thread that is given up, and an
open connection's socket is shut down when the time is over, which ends any wait on it at once.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow, tuple_row

from jitportal.connectors.base import CALL_SECONDS, TargetError, Unreachable
from jitportal.connectors.postgres.settings import VERIFYING, PostgresSettings

CONNECT_SECONDS = 4.0
#: What is left of a call for this side, once the waiting is over.
MARGIN_SECONDS = 1.2
#: The first libpq that can be told how a server may ask for a password.
_KNOWS_METHODS = 160_000

Connection = psycopg.Connection[TupleRow]


class Deadline:
    """The moment at which a call must be over, on this process's own clock."""

    def __init__(self, seconds: float = CALL_SECONDS - MARGIN_SECONDS) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._ends - time.monotonic())


class Server:
    """One PostgreSQL server, as the portal's login."""

    def __init__(self, settings: PostgresSettings, secrets: Callable[[str], str]) -> None:
        self.settings = settings
        self._secrets = secrets
        self.name = f"{settings.host}:{settings.port}"

    @contextmanager
    def connect(self, deadline: Deadline, *, database: str | None = None) -> Iterator[Connection]:
        """A connection in autocommit, cut when the deadline is over.

        Raises Unreachable, or TargetError when the server refuses what is asked in the block.
        """
        connection = self._open(deadline, database or self.settings.database)
        wire = socket.socket(fileno=os.dup(connection.pgconn.socket))  # its own number: never reused
        overdue = threading.Event()

        def cut() -> None:
            overdue.set()
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

        watchdog = threading.Timer(deadline.left(), cut)
        watchdog.daemon = True
        watchdog.start()
        try:
            with self._explained(overdue):
                yield connection
        finally:
            watchdog.cancel()
            connection.close()
            wire.close()

    def _open(self, deadline: Deadline, database: str) -> Connection:
        parameters = self._parameters(deadline, database)
        seconds = min(CONNECT_SECONDS, deadline.left())
        answer: queue.SimpleQueue[Connection | BaseException] = queue.SimpleQueue()
        given_up = threading.Event()

        def work() -> None:
            try:
                connection = psycopg.connect(autocommit=True, row_factory=tuple_row, **parameters)
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                answer.put(error)
            else:
                answer.put(connection)
                if given_up.is_set():
                    connection.close()

        # On a thread because looking a name up, and trying its addresses, keep no common time-out.
        threading.Thread(target=work, name=f"connect {self.name}", daemon=True).start()
        try:
            outcome = answer.get(timeout=seconds)
        except queue.Empty:
            given_up.set()
            outcome = self._late(answer)
        if isinstance(outcome, psycopg.Error):
            raise Unreachable(f"{self.name} can't be reached: {_first_lines(outcome)}") from outcome
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _late(self, answer: queue.SimpleQueue[Connection | BaseException]) -> BaseException:
        """The connection may have come in the very last moment: then it is closed here."""
        with suppress(queue.Empty):
            late = answer.get_nowait()
            if isinstance(late, psycopg.Connection):
                late.close()
        return Unreachable(
            f"{self.name} did not answer within {CONNECT_SECONDS:.0f} seconds: look whether the server "
            "is up, and whether a firewall drops the connection."
        )

    def _parameters(self, deadline: Deadline, database: str) -> dict[str, Any]:
        chosen = self.settings
        milliseconds = max(100, int(deadline.left() * 1000) - 1000)  # the server's limit ends first
        server_side = {
            "statement_timeout": milliseconds,
            "lock_timeout": 2000,
            "search_path": "pg_catalog",
            "TimeZone": "UTC",
            "default_transaction_isolation": r"read\ committed",
            "jit": "off",  # compiling costs more than any of these queries
        }
        parameters: dict[str, Any] = {
            "host": chosen.host,
            "port": chosen.port,
            "user": chosen.user,
            "dbname": database,
            "sslmode": chosen.sslmode,
            "connect_timeout": int(CONNECT_SECONDS) + 1,  # the thread is given up before, and says why
            "tcp_user_timeout": int(CONNECT_SECONDS * 1000),
            "client_encoding": "UTF8",
            "application_name": "jitportal",
            "options": " ".join(f"-c {name}={value}" for name, value in server_side.items()),
        }
        if chosen.sslrootcert:
            parameters["sslrootcert"] = chosen.sslrootcert
        if chosen.password_secret:
            parameters["password"] = self._secrets(chosen.password_secret)
        known = chosen.sslmode in VERIFYING or chosen.host.startswith("/")
        if not known and psycopg.pq.version() >= _KNOWS_METHODS:
            # Whoever answers at that address isn't known to be the server: it could ask for the password
            # itself, where the server asks for a proof that it is known.
            parameters["require_auth"] = "!password"
        return parameters

    @contextmanager
    def _explained(self, overdue: threading.Event) -> Iterator[None]:
        """Say what the server's refusal means, and what to do."""
        try:
            yield
        except (errors.InvalidSchemaName, errors.UndefinedFunction, errors.InsufficientPrivilege) as error:
            raise TargetError(
                f"{self.name} lets {self.settings.user} not use the schema jit of the database "
                f"{self.settings.database} ({_first_lines(error)}): a superuser runs the script of "
                f"`manage.py target_script postgres` there, with -v portal={self.settings.user}."
            ) from error
        except errors.LockNotAvailable as error:
            raise TargetError(f"{self.name} is busy with the same lease: it is tried again.") from error
        except errors.QueryCanceled as error:
            raise Unreachable(f"{self.name} took too long and was interrupted.") from error
        except psycopg.OperationalError as error:
            if overdue.is_set():
                raise Unreachable(f"{self.name} stopped answering: look whether the server hangs.") from error
            raise Unreachable(f"The connection to {self.name} broke: {_first_lines(error)}") from error
        except psycopg.Error as error:
            raise TargetError(f"{self.name} refused: {_first_lines(error)}") from error


def _first_lines(error: psycopg.Error) -> str:
    """A driver's message on one line, without what only a developer reads."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3]) or type(error).__name__

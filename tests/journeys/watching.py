"""A session of somebody's that is asked again and again, from a thread: when it gains a role, when it is cut."""

from __future__ import annotations

import threading
from datetime import datetime
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from tests.connectors.postgres_target import Session, now

#: Between two questions, in seconds: how exact the moments are.
INTERVAL = 0.02


class Watch:
    """Watches while its block runs.

    ``gained``: the first time it read what the role may read; ``refused``: the first time after that it
    might not; ``cut``: its end.
    """

    def __init__(self, session: Session, role: str) -> None:
        self._session = session
        self._question = sql.SQL("SELECT answer FROM {}").format(sql.Identifier(f"data_{role}"))
        self._gained, self._cut, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.gained: datetime | None = None
        self.last_read: datetime | None = None
        self.refused: datetime | None = None
        self.cut: datetime | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)

    def wait_gained(self, seconds: float) -> datetime:
        assert self._gained.wait(seconds), f"The right was not gained in {seconds} s."
        assert self.gained is not None
        return self.gained

    def wait_cut(self, seconds: float) -> datetime:
        assert self._cut.wait(seconds), (
            f"The session was not cut in {seconds} s, and read at {self.last_read}."
        )
        assert self.cut is not None
        return self.cut

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self._session.execute(self._question)
            except psycopg.errors.InsufficientPrivilege:
                if self.gained is not None and self.refused is None:
                    self.refused = now()
                continue
            except psycopg.OperationalError:
                self.cut = now()
                self._cut.set()
                return
            self.last_read = now()
            if self.gained is None:
                self.gained = self.last_read
                self._gained.set()

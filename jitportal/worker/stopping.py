"""Asking to stop: by signals in a process that waits, and by shared memory in the cluster's workers."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from multiprocessing.sharedctypes import RawValue
from types import FrameType

#: Without a lock, which a killed process could take with it: one byte can't be half written.
_asked = RawValue("b", 0)


def ask() -> None:
    """Have every process that was forked from this one end its task soon."""
    _asked.value = 1


def asked() -> bool:
    """Whether a task should end, with work left for the next start."""
    return bool(_asked.value)


class StopSignal:
    """Waits, and wakes at once when the process is asked to stop.

    A ``threading.Event`` can't be set from a signal's handler: its lock may be held by what the signal
    has interrupted.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self.times = 0

    def listen(self) -> None:
        """Take SIGTERM, SIGINT and SIGHUP (the terminal has gone) as the request to stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._heard)

    @property
    def asked(self) -> bool:
        return self.times > 0

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the next request to stop (one that came before doesn't count)."""
        ready, _, _ = select.select([self._read], [], [], seconds)
        if ready:
            os.read(self._read, 1_024)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.times += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b".")

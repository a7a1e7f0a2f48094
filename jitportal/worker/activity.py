"""What the cluster's workers are doing, as they say themselves through a pipe.

django-q2 tells nobody when a task begins, and a killed worker tells nobody anything. So each worker
writes a short line when it comes to life and when it begins and ends a task, and the pulse reads them.
A pipe needs no lock, which a killed process could take with it: a write of less than PIPE_BUF bytes
(pipe(7)) is never torn.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from django_q.signals import post_execute_in_worker, post_spawn, pre_execute
from django_q.utils import get_func_repr

_LONGEST_LINE = 512  # POSIX's least PIPE_BUF


@dataclass(frozen=True, slots=True)
class Run:
    """One task in a worker: the function's name, its arguments, and since when (monotonic)."""

    task: str
    args: tuple[Any, ...]
    since: float


@dataclass(slots=True)
class Activity:
    """Made in the process that forks the cluster, before it forks."""

    running: dict[int, Run] = field(default_factory=dict)
    #: The workers' process ids. A worker goes when it is killed, and when it is replaced after many tasks.
    workers: set[int] = field(default_factory=set)
    #: How many workers have gone.
    deaths: int = 0
    #: When a task last began or ended, by the monotonic clock in seconds.
    last_sign: float = field(default_factory=time.monotonic)
    _read: int = -1
    _write: int = -1
    _rest: bytes = b""

    def connect(self) -> None:
        """Open the pipe, and have every worker that is forked from now on write to it."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        post_spawn.connect(self._alive, weak=False, dispatch_uid="jitportal.worker.activity")
        pre_execute.connect(self._begun, weak=False, dispatch_uid="jitportal.worker.activity")
        post_execute_in_worker.connect(self._ended, weak=False, dispatch_uid="jitportal.worker.activity")

    def close(self) -> None:
        """Undo ``connect``."""
        post_spawn.disconnect(dispatch_uid="jitportal.worker.activity")
        pre_execute.disconnect(dispatch_uid="jitportal.worker.activity")
        post_execute_in_worker.disconnect(dispatch_uid="jitportal.worker.activity")
        os.close(self._read)
        os.close(self._write)

    # in the workers

    def _alive(self, **_signal: Any) -> None:
        self._say({"pid": os.getpid(), "spawned": True})

    def _begun(self, task: dict[str, Any], **_signal: Any) -> None:
        self._say({"pid": os.getpid(), "function": get_func_repr(task["func"]), "args": list(task["args"])})

    def _ended(self, **_signal: Any) -> None:
        self._say({"pid": os.getpid()})

    def _say(self, words: dict[str, Any]) -> None:
        line = json.dumps(words, default=str).encode() + b"\n"
        # A receiver that raises ends the worker. A line that finds no room is lost: the pulse stands
        # still then, and is restarted.
        if len(line) <= _LONGEST_LINE:
            with contextlib.suppress(OSError):
                os.write(self._write, line)

    # in the pulse

    def read(self) -> tuple[list[Run], list[Run]]:
        """Take in what was said since the last time.

        Gives the tasks that have ended, and those whose worker died.
        """
        ended: list[Run] = []
        for line in self._lines():
            words = json.loads(line)
            self.workers.add(words["pid"])
            if "spawned" in words:
                continue
            self.last_sign = time.monotonic()
            before = self.running.pop(words["pid"], None)
            if before is not None:
                ended.append(before)
            if "function" in words:
                task = str(words["function"]).rpartition(".")[2]
                self.running[words["pid"]] = Run(task, tuple(words["args"]), self.last_sign)
        gone = {pid for pid in self.workers if not _alive(pid)}
        self.workers -= gone
        self.deaths += len(gone)
        return ended, [self.running.pop(pid) for pid in gone if pid in self.running]

    def _lines(self) -> list[bytes]:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._read, 65_536):
                self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        return lines


def _alive(pid: int) -> bool:
    """Whether the process is there: a killed one stays until its parent has noticed, within a second."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

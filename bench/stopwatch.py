"""What something takes: by the clock, and of the processor alone.

The processor's time says the same on a busy machine as on an idle one, where the clock's says how busy it is.
It is that of this process and, on PostgreSQL, of the server's process that serves it (Linux tells; elsewhere
this process's alone).
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Taken:
    """Of each round, in milliseconds; and the queries of the last round."""

    clock: tuple[float, ...]
    processor: tuple[float, ...]
    queries: int

    @property
    def half(self) -> float:
        return statistics.median(self.processor)

    @property
    def clock_half(self) -> float:
        return statistics.median(self.clock)

    def __str__(self) -> str:
        return (
            f"processor {self.half:7.1f} ms   clock p50 {self.clock_half:7.1f} ms "
            f"p95 {p95_of(self.clock):7.1f} ms   {self.queries:3} queries"
        )


def p95_of(measured: Sequence[float]) -> float:
    """By the nearest rank."""
    return sorted(measured)[math.ceil(len(measured) * 0.95) - 1]


def taken(act: Callable[[], object], rounds: int, *, cold: bool = False) -> Taken:
    """Do it so often, after once for nothing unless the first time is to be measured: ``cold``."""
    clocks, processors, queries = [], [], 0
    if not cold:
        act()
    for _ in range(rounds):
        counted = _Counted()
        with ExitStack() as held:
            if not connection.in_atomic_block:
                held.enter_context(connection.execute_wrapper(counted))
            began, used = time.perf_counter(), processor()
            act()
            processors.append((processor() - used) * 1000)
            clocks.append((time.perf_counter() - began) * 1000)
        queries = counted.number
    return Taken(tuple(clocks), tuple(processors), queries)


def processor() -> float:
    """The processor's time that was used so far, in seconds."""
    return time.process_time() + _of_server()


def _of_server() -> float:
    if connection.vendor != "postgresql" or connection.connection is None:
        return 0.0
    told = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    try:
        return int(told.read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


class _Counted:
    """Counts the queries that pass through it."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Callable[..., Any], *asked: Any) -> Any:
        self.number += 1
        return execute(*asked)

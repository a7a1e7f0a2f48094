"""The worker as it runs: processes of its own on this test's database, watched from outside."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from jitportal.management.private_postgres import PORTS
from jitportal.worker.parent_death import SUPERVISOR_VARIABLE

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 40.0


class Worker:
    """``manage.py worker``, with or without its supervisor; everything ends with the tests."""

    def __init__(self, database_url: str, folder: Path, *, supervised: bool = True) -> None:
        self._supervised = supervised
        self._log = folder / "worker.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")},
            "JITPORTAL_DATABASE_URL": database_url,
            "JITPORTAL_DATA_DIR": str(folder),
            "JITPORTAL_SECRET_KEY": settings.SECRET_KEY,  # the queue's tasks are signed with it
            "JITPORTAL_INSTANCE": settings.INSTANCE,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns once the pulse has begun."""
        before = self.starts()
        command = [sys.executable, str(ROOT / "manage.py"), "worker"]
        if not self._supervised:
            command.append("--unsupervised")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self.environment | {SUPERVISOR_VARIABLE: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for_start(before)

    def starts(self) -> int:
        """How often the pulse has begun, in all workers of this folder."""
        return self.log_text().count("The worker is at work")

    def wait_for_start(self, before: int) -> None:
        """Wait until the pulse has begun more often than before."""
        wait_until(lambda: self.starts() > before, START_SECONDS)

    def log_text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def tree(self) -> list[int]:
        """Every process of it: the first one, then its descendants."""
        return [self.pid, *descendants(self.pid)]

    def engine(self) -> int:
        """The process with the pulse."""
        return children(self.pid)[0] if self._supervised else self.pid

    def cluster(self) -> tuple[int, list[int]]:
        """django-q2's first process, and those that it watches: workers, monitor and pusher."""
        (sentinel,) = children(self.engine())
        return sentinel, children(sentinel)

    def stop(self, seconds: float = 40.0) -> int:
        """Ask it to stop; gives its exit status. Fails where it doesn't stop."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self._process is None:
            return
        for pid in self.tree():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            self.stop()
        self._process.kill()
        self._process.wait()


def children(pid: int) -> list[int]:
    """The processes that this one has started, oldest first."""
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return sorted(int(entry.name) for entry in processes if _parent(entry) == pid)


def descendants(pid: int) -> list[int]:
    return [each for child in children(pid) for each in (child, *descendants(child))]


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie doesn't)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait for it; how long it took. Fails when it doesn't come."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"it did not come about within {seconds:.0f} s"
        time.sleep(0.02)
    return time.monotonic() - started


def free_port() -> int:
    """A port that nobody listens on now, below those that the kernel gives out by itself."""
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("There is no free port.")


@contextmanager
def hanging_server() -> Iterator[int]:
    """A port that takes connections and never answers; gives its number."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener.getsockname()[1]

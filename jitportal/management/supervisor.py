"""Starts the portal's processes, starts one again that ends or stands still, and stops them all.

Each child leads a session of its own: Ctrl-C at the terminal reaches the supervisor alone, which then
asks each to stop, and what a child leaves behind is killed with its group. A supervisor that is itself
killed takes them with it (``jitportal.worker.parent_death``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jitportal.worker.engine import PULSE_VARIABLE
from jitportal.worker.parent_death import SUPERVISOR_VARIABLE
from jitportal.worker.stopping import StopSignal

# All in seconds.
LOOK = 0.1
GRACE = 30.0  # between the request to stop and the kill
FIRST_PULSE = 60.0  # a watched child's first sign of life after its start
NEXT_PULSE = 30.0  # and each sign after that
STEADY = 30.0  # a child that lived so long is started again at once
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # else after one of these; the last goes on

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """What is to run. ``watched``: it writes a byte at each of its pulses."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    keep_open: tuple[int, ...] = ()  # file descriptors that it inherits
    watched: bool = False


@dataclass(slots=True)
class Child:
    """A service's process, and what is known of it. Times are monotonic seconds."""

    service: Service
    say: Say
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    last_pulse: float | None = None
    start_at: float = 0.0
    failures: int = 0
    _pulse: int | None = None

    def start(self) -> None:
        """Start the process, as the leader of a session of its own."""
        variables = {**os.environ, **self.service.environment, SUPERVISOR_VARIABLE: str(os.getpid())}
        inherited = list(self.service.keep_open)
        writes = None
        if self.service.watched:
            self._pulse, writes = os.pipe()
            os.set_blocking(self._pulse, False)
            inherited.append(writes)
            variables[PULSE_VARIABLE] = str(writes)
        self.process = subprocess.Popen(  # noqa: S603 - our own command line
            list(self.service.command),
            env=variables,
            stdin=subprocess.DEVNULL,
            pass_fds=inherited,
            start_new_session=True,
        )
        if writes is not None:
            os.close(writes)
        self.started, self.last_pulse = time.monotonic(), None

    def look(self) -> None:
        """Start it again if it has ended, and kill it if it stands still."""
        if self.process is None:
            if time.monotonic() >= self.start_at:
                self.start()
        elif self.ended():
            self._bury(f"ended ({_spoken_status(self.process.returncode)})")
        elif self._stands_still():
            self.kill()
            self._bury("stood still and was killed")

    def ended(self) -> bool:
        """Whether it has ended. Its group is killed before its id can be given to somebody else."""
        if self.process is None:
            return True
        if self.process.returncode is None:
            status = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if status is None:
                return False
            self._signal_group(signal.SIGKILL)
            self.process.wait()
        return True

    def ask_to_stop(self) -> None:
        """SIGTERM to the process alone: one to its whole group would hang django-q2's cluster."""
        if self.process is not None and not self.ended():
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its whole group now."""
        if self.process is not None and not self.ended():
            self._signal_group(signal.SIGKILL)
            self.process.wait()

    def _stands_still(self) -> bool:
        if self._pulse is None:
            return False
        now = time.monotonic()
        with contextlib.suppress(BlockingIOError):
            if os.read(self._pulse, 65_536):
                self.last_pulse = now
        if self.last_pulse is None:
            return now - self.started > FIRST_PULSE
        return now - self.last_pulse > NEXT_PULSE

    def _bury(self, how: str) -> None:
        """Say what happened, and plan the next start."""
        lived = time.monotonic() - self.started
        self.failures = 0 if lived >= STEADY else self.failures + 1
        wait = 0.0 if not self.failures else WAITS[min(self.failures, len(WAITS)) - 1]
        when = f"in {wait:.1f} s" if wait else "now"
        self.say(f"The {self.service.name} process {how}. It is started again {when}.")
        self.start_at = time.monotonic() + wait
        self.process = None
        if self._pulse is not None:
            os.close(self._pulse)
            self._pulse = None

    def _signal_group(self, number: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Supervisor:
    """Runs services until it is asked to stop. For a process's main thread."""

    def __init__(self, services: Sequence[Service], *, say: Say) -> None:
        self._say = say
        self._children = [Child(service, say) for service in services]
        self.stop_signal = StopSignal()

    def run(self, *, at_each_look: Callable[[], None] | None = None) -> None:
        """Start and supervise, until this process is asked to stop."""
        self.stop_signal.listen()
        try:
            while not self.stop_signal.asked:
                for child in self._children:
                    child.look()
                if at_each_look is not None:
                    at_each_look()
                self.stop_signal.wait(LOOK)
        finally:
            self._stop_all()

    def _stop_all(self) -> None:
        """Ask all to stop, and kill what doesn't; a second request to stop kills at once."""
        asked = self.stop_signal.times
        for child in self._children:
            child.ask_to_stop()
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and self.stop_signal.times <= max(asked, 1):
            if all([child.ended() for child in self._children]):  # noqa: C419 - each is looked at
                return
            self.stop_signal.wait(LOOK)
        for child in self._children:
            if not child.ended():
                self._say(f"The {child.service.name} process did not stop, so it is killed.")
                child.kill()


def _spoken_status(status: int) -> str:
    if status < 0:
        return signal.Signals(-status).name
    return f"status {status}"

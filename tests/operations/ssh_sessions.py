"""Somebody at a terminal on the tests' own host, and what the host keeps of their sessions."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import TARGET, SshFleet, alive

T = TypeVar("T")
#: Where no portal is.
NOWHERE = "http://127.0.0.1:9"
SPOOL = "/var/lib/jit-session"


def configure(fleet: SshFleet, portal: str, token: str, **more: str) -> None:
    """The host's own settings, as the script writes them."""
    values = {"portal": portal, "target": TARGET, "token": token, **more}
    text = "".join(f"{name} = {value}\n" for name, value in values.items())
    fleet.serve(values["target"])
    place = fleet.root / "jit-session.conf"
    place.write_text(text)
    fleet.inside("sh", "-c", f"rm -rf {SPOOL}/*; install -m 600 {place} /etc/jit-session.conf")


class Session:
    """A client in a terminal of its own: what it types, and what it is shown."""

    def __init__(self, command: list[str]) -> None:
        self.begun = time.monotonic()
        self._terminal, other = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        os.set_blocking(self._terminal, False)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str, seconds: float = 10) -> float:
        """How long after its beginning it showed this."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._read()
            if text in self.shown:
                return time.monotonic() - self.begun
            time.sleep(0.01)
        raise AssertionError(f"never showed {text!r}: {self.shown!r}")

    def end(self, seconds: float = 15) -> int:
        """Wait until it is over; the exit status."""
        ends = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < ends:
            self._read()
            time.sleep(0.01)
        self._read()
        assert self._process.poll() is not None, f"still there: {self.shown!r}"
        return self._process.returncode

    def close(self) -> None:
        self._process.kill()
        self._process.wait(timeout=10)
        os.close(self._terminal)

    def _read(self) -> None:
        try:
            self.shown += os.read(self._terminal, 65536).decode(errors="replace")
        except OSError:
            return


@contextmanager
def session(command: list[str]) -> Iterator[Session]:
    opened = Session(command)
    try:
        yield opened
    finally:
        opened.close()


def recorded(client: Client, seconds: float = 60) -> str:
    return client.certificate(client.order(seconds=seconds, session="recorded", pty="yes"))


def left_behind(fleet: SshFleet) -> list[list[object]]:
    """The events of the one recording that the host still has."""
    text = fleet.inside("sh", "-c", f"cat {SPOOL}/*.done")
    return [json.loads(line) for line in text.splitlines()[1:]]


def wrapper_of(word: str) -> int:
    """The process of the wrapper whose session runs it: the nearest above it."""
    pid = alive(word)[0]
    while b"/jit-session" not in (place := Path(f"/proc/{pid}")).joinpath("cmdline").read_bytes():
        pid = int(place.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    return pid


def gone_within(word: str, seconds: float) -> float:
    begun = time.monotonic()
    while found := alive(word):
        assert time.monotonic() - begun < seconds, f"still there: {found}"
        time.sleep(0.02)
    return time.monotonic() - begun


def until(answer: Callable[[], T], seconds: float = 12) -> T:
    """The first answer that isn't empty."""
    ends = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < ends, "never"
        time.sleep(0.05)
    return found

"""A portal as it runs: ``manage.py serve``, with its web and worker processes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120.0
STOP_SECONDS = 60.0
# Below the ports that the kernel gives out by itself.
PORTS = range(20000, 32768)


class RunningPortal:
    """Use it as a context manager: it runs inside, and ends with it, or with the tests (Linux).

    ``secrets`` are environment variables, such as the passwords of targets. ``demo`` lets a click make
    one anybody; nothing of the demo's is loaded.
    """

    def __init__(
        self, *, database_url: str, folder: Path, secrets: Mapping[str, str], demo: bool = False
    ) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "portal.log"
        self._process: subprocess.Popen[bytes] | None = None
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
        self.environment = kept | {
            "DJANGO_SETTINGS_MODULE": "jitportal.settings",
            "JITPORTAL_DATABASE_URL": database_url,
            "JITPORTAL_DATA_DIR": str(folder),
            "JITPORTAL_DEMO": "1" if demo else "0",
            "JITPORTAL_LOG_LEVEL": "WARNING",
            "JITPORTAL_WEB_PROCESSES": "1",
            **secrets,
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, its database brought up to date; returns once it says that it is ready."""
        ends_with_us = ["setpriv", "--pdeathsig=KILL", "--"] if shutil.which("setpriv") else []
        serve = self._manage("serve", "--host", "127.0.0.1", "--port", str(self.port))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*ends_with_us, *serve],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """``kill -9`` for each of its processes at once: supervisor, web, worker and its tasks'."""
        assert self._process is not None
        doomed = {self._process.pid, *_descendants(self._process.pid)}
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        deadline = time.monotonic() + STOP_SECONDS
        while alive := [pid for pid in doomed if Path(f"/proc/{pid}").exists()]:
            assert time.monotonic() < deadline, f"Processes outlived kill -9: {alive}"
            time.sleep(0.01)

    def manage(self, *arguments: str) -> str:
        """Run another ``manage.py`` command for this portal; what it printed."""
        done = subprocess.run(
            self._manage(*arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{done.stderr}"
        return done.stdout

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def readiness(self) -> dict[str, object]:
        """What ``/readyz`` says; empty where nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.load(error))
        except OSError:
            return {}

    def _manage(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        said: dict[str, object] = {}
        while time.monotonic() < deadline and process.poll() is None:
            said = self.readiness()
            if said.get("status") == "ready":
                return
            time.sleep(0.1)
        raise AssertionError(f"The portal did not start: {said}\n{self.log_text()[-3000:]}")


def _descendants(pid: int) -> set[int]:
    """The processes that this one started, and theirs (Linux)."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for listed in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                children = {int(child) for child in listed.read_text().split()} - found
                found |= children
                waiting += children
    return found


def _free_port() -> int:
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"No free port between {PORTS.start} and {PORTS.stop - 1}.")

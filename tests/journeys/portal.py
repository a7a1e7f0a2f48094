"""A portal as it runs: web processes and a worker of their own, on a database of their own."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from jitportal.worker.parent_death import SUPERVISOR_VARIABLE

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 40.0
# Below the ports that the kernel gives out by itself.
PORTS = range(20000, 32768)


class RunningPortal:
    """Use it as a context manager: it runs inside, and its processes end with it, or with the tests.

    ``secrets`` are environment variables, such as the passwords of targets.
    """

    def __init__(
        self,
        *,
        database_url: str,
        folder: Path,
        secrets: Mapping[str, str],
        demo: bool = False,
        worker_only: bool = False,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "portal.log"
        self._worker_only = worker_only
        self._processes: list[subprocess.Popen[bytes]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
        self.environment = kept | {
            "DJANGO_SETTINGS_MODULE": "jitportal.settings",
            "JITPORTAL_DATABASE_URL": database_url,
            "JITPORTAL_DATA_DIR": str(folder),
            "JITPORTAL_DEMO": "1" if demo else "0",
            "JITPORTAL_LOG_LEVEL": "WARNING",
            "JITPORTAL_PUBLIC_URL": self.url,
            "JITPORTAL_WEB_PROCESSES": "1",
            SUPERVISOR_VARIABLE: str(os.getpid()),  # they end with these tests, killed ones included
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

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py`` for this portal; what it printed."""
        done = subprocess.run(
            self._manage(*arguments),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{done.stderr}"
        return done.stdout

    def start(self) -> None:
        """Start the worker and, where wanted, the web process; returns once they are ready."""
        self._launch(self._manage("worker", "--unsupervised"))
        if not self._worker_only:
            configuration = ["--config", "python:jitportal.management.web_server"]
            bind = ["--bind", f"127.0.0.1:{self.port}"]
            self._launch([sys.executable, "-m", "gunicorn", *configuration, *bind])
            self._wait_until_ready()

    def stop(self) -> None:
        """Ask all to stop, and wait until they have."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

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

    def _launch(self, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._processes.append(process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        said: dict[str, object] = {}
        while time.monotonic() < deadline:
            if any(process.poll() is not None for process in self._processes):
                break
            said = self.readiness()
            if said.get("status") == "ready":
                return
            time.sleep(0.1)
        raise AssertionError(f"The portal did not start: {said}\n{self.log_text()[-3000:]}")


def free_port() -> int:
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"No free port between {PORTS.start} and {PORTS.stop - 1}.")

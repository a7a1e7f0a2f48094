"""``manage.py serve`` as a person runs it: one command, from a shell, and everything ends with it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests import migrated
from tests.worker.processes import alive, children, descendants, wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Processes are watched through /proc."),
    pytest.mark.sqlite,  # each has a database of its own, wherever the suite's is
]
ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90.0


class Served:
    """One ``manage.py serve``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        found = re.findall(r"is at (http://\S+)", self.log_text())
        return str(found[-1])

    def start(self, *arguments: str) -> None:
        """Returns once it has greeted, or ended."""
        greeted = self.log_text().count("Ctrl-C stops")
        self.launch(*arguments)
        wait_until(
            lambda: self.log_text().count("Ctrl-C stops") > greeted or self.ended() is not None, START_SECONDS
        )

    def launch(self, *arguments: str, **variables: str) -> None:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("JITPORTAL_") or name == "JITPORTAL_POSTGRES_BIN"
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve", *arguments],
                env=kept
                | {"JITPORTAL_DATA_DIR": str(self.folder), "JITPORTAL_WEB_PROCESSES": "1"}
                | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ended(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(60)

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop(signal.SIGTERM)
            self._process.kill()
            self._process.wait()

    def log_text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def ready(self) -> bool:
        with suppress(OSError):
            return bool(json.loads(self.get("/readyz"))["status"] == "ready")
        return False


@pytest.fixture
def first_served(tmp_path: Path) -> Iterator[Served]:
    """In an empty folder, where the first start makes the database."""
    served = Served(tmp_path)
    yield served
    served.end()


@pytest.fixture
def served(first_served: Served) -> Served:
    """Where there is a database already, with nobody in it."""
    migrated.sqlite_copy(first_served.folder / "jitportal.sqlite3")
    return first_served


def test_one_command_serves_and_restarts_what_ends(served: Served) -> None:
    served.start("--port", "0")
    wait_until(served.ready, 30)
    assert "Sign in" in served.get("/sign-in/")
    assert (served.folder / "jitportal.sqlite3").stat().st_mode & 0o077 == 0  # sessions are in it
    web, worker = children(served.pid)
    os.kill(web, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(children(served.pid)) == 2 and not {web, worker} & set(children(served.pid)), 30)
    wait_until(served.ready, 40)
    family = descendants(served.pid)
    assert served.stop() == 0
    wait_until(lambda: not [pid for pid in family if alive(pid)], 5)
    assert served.log_text().rstrip().endswith("Stopped.")
    assert "Traceback" not in served.log_text()


def test_everything_ends_with_a_killed_serve(served: Served) -> None:
    served.start("--port", "0")
    wait_until(served.ready, 30)
    family = descendants(served.pid)
    os.kill(served.pid, signal.SIGKILL)
    wait_until(lambda: not [pid for pid in family if alive(pid)], 10)


def test_a_taken_port_and_taken_data_are_said(served: Served, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        served.start("--port", str(port))
        assert served.ended() == 1
    assert f"port {port} can't be used: address already in use" in served.log_text()
    assert f"--port {port + 1}" in served.log_text()
    assert "Traceback" not in served.log_text()

    served.start("--port", "0")
    second = Served(tmp_path)
    second.launch("--port", "0")
    wait_until(lambda: second.ended() is not None, 30)
    assert second.ended() == 1
    assert "Another `manage.py serve` uses" in served.log_text()


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (("--demo", "--host", "0.0.0.0"), {}, "it listens on this machine alone"),
        (("--fresh",), {}, "say --demo too"),
        (
            ("--demo",),
            {
                "JITPORTAL_PRODUCTION": "1",
                "JITPORTAL_SECRET_KEY": "x" * 60,
                "JITPORTAL_HOSTS": "portal.example",
                "JITPORTAL_PUBLIC_URL": "https://portal.example",
            },
            "can't run in production",
        ),
    ],
)
def test_what_would_be_unsafe_is_refused(
    served: Served, arguments: tuple[str, ...], variables: dict[str, str], words: str
) -> None:
    served.launch("--port", "0", *arguments, **variables)
    wait_until(lambda: served.ended() is not None, 30)
    assert served.ended() in (1, 2)
    assert words in served.log_text()
    assert "Traceback" not in served.log_text()


@pytest.mark.postgres_server
@pytest.mark.timeout(240)
def test_the_demo_elevates_on_a_server_of_its_own(first_served: Served) -> None:
    served = first_served
    served.start("--demo", "--port", "0")
    wait_until(served.ready, 30)
    kept = json.loads((served.folder / "demo-target.json").read_text())
    assert "Lena Vogt" in served.get("/sign-in/")
    assert f"PGPASSWORD={kept['passwords']['lena']}" in served.log_text()
    nina = f"postgresql://nina:{kept['passwords']['nina']}@127.0.0.1:{kept['port']}/orders"
    lena = f"postgresql://lena:{kept['passwords']['lena']}@127.0.0.1:{kept['port']}/orders"
    wait_until(lambda: _reads_orders(nina), 30)  # the system approved hers; the worker gives it
    assert not _reads_orders(lena)
    assert served.stop() == 0


@pytest.mark.proof
@pytest.mark.postgres_server
def test_a_second_start_of_the_demo_keeps_everything(first_served: Served) -> None:
    served = first_served
    served.start("--demo", "--port", "0")
    kept = json.loads((served.folder / "demo-target.json").read_text())
    nina = f"postgresql://nina:{kept['passwords']['nina']}@127.0.0.1:{kept['port']}/orders"
    wait_until(lambda: _reads_orders(nina), 30)
    assert served.stop() == 0

    served.start("--demo", "--port", "0")
    wait_until(served.ready, 30)
    assert _reads_orders(nina)
    assert json.loads((served.folder / "demo-target.json").read_text()) == kept
    assert served.stop() == 0


@pytest.mark.proof
@pytest.mark.postgres_server
def test_a_fresh_demo_begins_anew(first_served: Served) -> None:
    served = first_served
    served.start("--demo", "--port", "0")
    kept = json.loads((served.folder / "demo-target.json").read_text())
    assert served.stop() == 0
    served.start("--demo", "--port", "0", "--fresh")
    wait_until(served.ready, 30)
    again = json.loads((served.folder / "demo-target.json").read_text())
    assert again["passwords"] != kept["passwords"]
    assert "Lena Vogt" in served.get("/sign-in/")


@pytest.mark.proof
def test_the_demo_runs_where_there_is_no_database_server(served: Served, tmp_path: Path) -> None:
    empty = tmp_path / "no-binaries"
    empty.mkdir()
    served.launch("--demo", "--port", "0", JITPORTAL_POSTGRES_BIN=str(empty))
    wait_until(lambda: "Ctrl-C stops" in served.log_text() or served.ended() is not None, START_SECONDS)
    wait_until(served.ready, 30)
    assert "No PostgreSQL to elevate on" in served.log_text()
    assert "Lena Vogt" in served.get("/sign-in/")
    assert served.stop(signal.SIGTERM) == 0


def _reads_orders(url: str) -> bool:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
        try:
            return session.execute("SELECT count(*) FROM orders").fetchone() == (400,)
        except psycopg.errors.InsufficientPrivilege:
            return False

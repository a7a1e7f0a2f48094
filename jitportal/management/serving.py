"""What ``manage.py serve`` does before, while and after the portal's processes run."""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from jitportal.management.commands.worker import worker_service
from jitportal.management.demo_target import DemoTarget
from jitportal.management.postgres_binaries import PrivatePostgresError, why_unavailable
from jitportal.management.supervisor import Service, Supervisor

MANAGE = settings.BASE_DIR / "manage.py"
#: The pages answer within so many seconds of the start, or it is said that they don't.
PATIENCE = 60.0


class Serving:
    """One portal on one address, with its data in one directory that nobody else serves from."""

    def __init__(self, *, host: str, port: int, say: Callable[[str], None], held: ExitStack) -> None:
        """Take the address and the data. Raises CommandError where somebody has either."""
        self._say = say
        self._held = held
        self._host = host
        self._listener = held.enter_context(_listener(host, port))
        self._port = int(self._listener.getsockname()[1])
        self.data = self.data_directory()
        self.data.mkdir(parents=True, exist_ok=True)
        _lock(self.data, held)
        self._variables: dict[str, str] = {"JITPORTAL_DATA_DIR": str(self.data), **self._address_variables()}

    def data_directory(self) -> Path:
        return Path(settings.DATA_DIR)

    @property
    def address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def prepare(self) -> None:
        """Bring the database up to date, and the static files together."""
        if settings.PRODUCTION:
            # The portal's own login may not change the tables: their owner migrates.
            self.manage("migrate", "--check", failed="Run manage.py migrate as the database's owner first.")
            self.manage("collectstatic", "--no-input", "-v0")
        else:
            self._say("Bringing the database up to date.")
            self.manage("migrate", "-v0")

    def run(self) -> None:
        """Run until asked to stop."""
        supervisor = Supervisor([self._web(), self._worker()], say=self._say)
        supervisor.run(at_each_look=Greeting(self._host, self._port, self.greet, self._say).look)
        self._say("Stopped.")

    def greet(self) -> None:
        """Said once the pages answer."""
        self._say(f"\njitportal is at {self.address}\nCtrl-C stops it.\n")

    def manage(self, *arguments: str, failed: str = "") -> None:
        """Run a command of the portal's in a process of its own. Raises CommandError with its words."""
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, str(MANAGE), *arguments],
            env=os.environ | self._variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip()[-3_000:]
            raise CommandError(f"manage.py {arguments[0]} failed. {failed}\n{words}".strip())

    def _address_variables(self) -> dict[str, str]:
        return {} if "JITPORTAL_PUBLIC_URL" in os.environ else {"JITPORTAL_PUBLIC_URL": self.address}

    def _web(self) -> Service:
        listener = self._listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "--config", "python:jitportal.management.web_server"]
        command += ["--chdir", str(settings.BASE_DIR), "--bind", f"fd://{listener}"]
        return Service("web", command, self._variables, keep_open=(listener,))

    def _worker(self) -> Service:
        return worker_service(self._variables)


class DemoServing(Serving):
    """The demo: its own data, its own database server where PostgreSQL is installed, its cast."""

    def __init__(self, *, host: str, port: int, say: Callable[[str], None], held: ExitStack) -> None:
        super().__init__(host=host, port=port, say=say, held=held)
        self._variables["JITPORTAL_DEMO"] = "1"
        if "JITPORTAL_OUTGOING_ALLOWED_NETWORKS" not in os.environ:
            # The probe of its policy looks at the demo itself.
            self._variables["JITPORTAL_OUTGOING_ALLOWED_NETWORKS"] = "127.0.0.1/32"
        self._target: DemoTarget | None = None
        self._why_no_target = ""

    def data_directory(self) -> Path:
        chosen = "JITPORTAL_DATA_DIR" in os.environ
        return Path(settings.DATA_DIR) if chosen else Path(settings.DATA_DIR) / "demo"

    def prepare_target(self, *, fresh: bool) -> None:
        """Start the demo's PostgreSQL server, where there is one to be had."""
        target = DemoTarget(self.data)
        if fresh:
            self._forget(target)
        if (self.data / "jitportal.sqlite3").exists() and not target.known:
            self._why_no_target = "This demo was made without it: --fresh makes another."
            return
        if reason := why_unavailable():
            self._why_no_target = reason
            return
        self._say("Starting the demo's PostgreSQL server.")
        try:
            target.start(settings.INSTANCE)
        except PrivatePostgresError as error:
            if target.known:
                raise
            self._why_no_target = str(error)
            return
        self._held.callback(target.close)
        self._target = target
        self._variables |= target.variables

    def prepare(self) -> None:
        super().prepare()
        arguments = ["demo", "--if-empty"]
        if self._target is not None:
            arguments += ["--database-port", str(self._target.port)]
            arguments += ["--armed"] if self._target.armed else []
        self._say("Loading the demo, if it isn't there yet.")
        self.manage(*arguments)

    def greet(self) -> None:
        lines = [
            "",
            f"The demo of jitportal is at {self.address}",
            "",
            "Be Lena Vogt to ask for access, and Maya Lindqvist to decide on it: on the sign-in page",
            "a click makes you either, or anybody else of the cast.",
            *self._about_the_target(),
            "",
            f"Ctrl-C stops everything. The demo's data stays in {_shown(self.data)}; --fresh begins anew.",
            "",
        ]
        self._say("\n".join(lines))

    def _about_the_target(self) -> list[str]:
        if self._target is None:
            why = self._why_no_target
            return ["", f"No PostgreSQL to elevate on: {why} The portal's own roles elevate for real."]
        port = self._target.port
        passwords = self._target.passwords
        width = max(map(len, passwords))
        return [
            "",
            "Everybody has a login on a real PostgreSQL server, with no rights until some are granted:",
            f"  PGPASSWORD={passwords['lena']} psql -h 127.0.0.1 -p {port} -U lena orders",
            "  orders=> SELECT * FROM orders LIMIT 3;",
            "The others' passwords there:",
            *(f"  {name:<{width}} {word}" for name, word in passwords.items() if name != "lena"),
        ]

    def _forget(self, target: DemoTarget) -> None:
        """Remove what the demo has made. A database of the operator's own isn't the demo's to remove."""
        if "JITPORTAL_DATABASE_URL" in os.environ or "JITPORTAL_DATABASE_URL_FILE" in os.environ:
            raise CommandError(
                "The demo's database is the one that JITPORTAL_DATABASE_URL names. Empty it yourself, and "
                "leave --fresh out."
            )
        target.forget()
        for file in self.data.glob("jitportal.sqlite3*"):
            file.unlink()
        shutil.rmtree(self.data / "mail", ignore_errors=True)


class Greeting:
    """Greets once the pages answer, or says that they don't. Asked now and then."""

    def __init__(self, host: str, port: int, greet: Callable[[], None], say: Callable[[str], None]) -> None:
        self._address = (host, port)
        self._greet = greet
        self._say = say
        self._since = time.monotonic()
        self._done = False

    def look(self) -> None:
        """Ask the pages, until they have answered once."""
        if self._done:
            return
        if self._answers():
            self._done = True
            self._greet()
        elif time.monotonic() - self._since > PATIENCE:
            self._done = True
            self._say(
                f"The pages haven't answered within {PATIENCE:.0f} s: look at what the web process says."
            )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(*self._address, timeout=0.2)
        try:
            connection.request("GET", "/healthz", headers={"Host": settings.ALLOWED_HOSTS[0]})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _listener(host: str, port: int) -> socket.socket:
    """A socket that listens on the address, for the web process to inherit and outlived by none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CommandError(
            f"{host} port {port} can't be used: {(error.strerror or str(error)).lower()}. "
            f"Choose another: --port {port + 1}"
        ) from error
    listener.listen(128)
    return listener


def _lock(data: Path, held: ExitStack) -> None:
    file = held.enter_context((data / "serve.lock").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise CommandError(
            f"Another `manage.py serve` uses {_shown(data)}. Stop it, or name another directory with "
            "JITPORTAL_DATA_DIR."
        ) from error


def _shown(path: Path) -> str:
    """Relative to where the command runs, where that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

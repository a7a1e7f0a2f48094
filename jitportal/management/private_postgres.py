"""A PostgreSQL server of one's own: started, used and thrown away, without touching the machine's.

The demo elevates on one, and the checks take one as the portal's database and as a target. It
needs the binaries of PostgreSQL 14 or later and nothing of their set-up: its data, socket and log
stand in one directory, it listens on loopback alone, and passwords are SCRAM (so ``VALID UNTIL``
binds). As root the server runs as the system's ``postgres`` user, because PostgreSQL refuses root.

::

    with PrivatePostgres(durable=False) as server:
        psycopg.connect(server.dsn())
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from jitportal.management.postgres_binaries import (
    SUPERUSER,
    PrivatePostgresError,
    needed_binaries,
    system_account,
    version,
)

START_SECONDS = 30.0
STOP_SECONDS = 20.0
# The kernel gives out ports from 32768 up: a client that probes a closed port there can be given
# that very port and connect to itself.
PORTS = range(20000, 32768)
# sockaddr_un holds 108 bytes; PostgreSQL adds "/.s.PGSQL.<port>" and a lock file's suffix.
LONGEST_SOCKET_DIRECTORY = 80


class PrivatePostgres:
    """One private server. Use it as a context manager, or call ``start`` and ``close``.

    ``directory`` keeps the data between runs; without it a temporary one is removed by ``close``.
    ``durable`` False leaves out fsync: for tests alone. ``cron_database`` names the database that
    pg_cron's jobs live in, and preloads it; their runs use background workers and no password.
    The server ends with the thread that started it, a killed one included, so start it from a
    thread that lives as long as it is wanted (Linux; elsewhere ``close`` is what ends it).
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        durable: bool = True,
        preload: Sequence[str] = (),
        cron_database: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._binaries = needed_binaries(extension="pg_cron" if cron_database else None)
        self._account = system_account(SUPERUSER) if os.geteuid() == 0 else None
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="jitportal-pg-"))
        self._durable = durable
        self._settings = dict(settings or {})
        libraries = list(preload)
        if cron_database:
            libraries.append("pg_cron")
            self._settings |= {
                "cron.database_name": cron_database,
                "cron.use_background_workers": "on",
                "max_worker_processes": "20",
            }
        if libraries:
            self._settings["shared_preload_libraries"] = ",".join(libraries)
        self._process: subprocess.Popen[bytes] | None = None
        self.password = ""
        self.port = 0

    # Where it is

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def dsn(self, database: str = "postgres", *, user: str = SUPERUSER, password: str | None = None) -> str:
        """A URL for ``database``: as the superuser unless ``user`` and ``password`` say otherwise."""
        secret = self.password if password is None and user == SUPERUSER else password or ""
        account = f"{quote(user, safe='')}:{quote(secret, safe='')}"
        return f"postgresql://{account}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    # What can be done with it

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, making its data on the first call. Its port stays the same afterwards.

        Raises PrivatePostgresError with the end of the server's log when it won't start.
        """
        if self.running:
            return
        self._prepare()
        attempts = 1 if self.port else 5
        for attempt in range(1, attempts + 1):
            port = self.port or _free_port()
            try:
                self._launch(port)
            except PrivatePostgresError as error:
                # Between the probe and the server's own bind somebody else can take the port.
                if attempt == attempts or "could not bind" not in str(error):
                    raise
            else:
                return

    def stop(self) -> None:
        """End open sessions and stop cleanly; within 20 seconds, or else as a crash."""
        self._signal_and_wait(signal.SIGINT)

    def kill(self) -> None:
        """Stop as a crash would: no checkpoint, sessions cut; the next ``start`` recovers."""
        self._signal_and_wait(signal.SIGQUIT)

    def freeze(self) -> None:
        """Stop taking new sessions while the port stays open: connecting hangs, as on a sick host."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo ``freeze``."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop, and remove the data if nobody asked to keep it."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def create_database(self, name: str) -> str:
        """Make an empty database and give its URL; one that exists already is left as it is."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    # How it is done

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        sockets = self.directory / "socket"
        sockets.mkdir(exist_ok=True)
        if self._account:
            for place in (self.directory, sockets):
                os.chown(place, self._account.pw_uid, self._account.pw_gid)
        self._refuse_unreachable_directory()
        kept = self.directory / "superuser-password"
        if not (self.data / "PG_VERSION").exists():
            self._initialise(kept)
        self._refuse_otherversion()
        self.password = kept.read_text().strip()

    def _initialise(self, kept: Path) -> None:
        """Make the data beside its final place and rename it: a killed ``initdb`` leaves no half."""
        kept.unlink(missing_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(24) + "\n")
        if self._account:
            os.chown(kept, self._account.pw_uid, self._account.pw_gid)
        draft = self.directory / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        options = [f"--pgdata={draft}", f"--username={SUPERUSER}", f"--pwfile={kept}"]
        options += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
        if not self._durable:
            options.append("--no-sync")
        done = subprocess.run(  # noqa: S603 - our own command line
            self._as_owner([str(self._binaries / "initdb"), *options]),
            cwd=self.directory,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PrivatePostgresError(f"initdb failed in {self.directory}: {done.stderr.strip()}")
        draft.rename(self.data)

    def _launch(self, port: int) -> None:
        command = [str(self._binaries / "postgres"), "-D", str(self.data)]
        for name, value in self._options(port).items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            begins = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._as_owner(command, ends_with_parent=True),
                cwd=self.directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches whoever started it, who then stops it
            )
        self.port, before = port, self.port
        try:
            self._wait_until_ready(begins)
        except BaseException:
            self._signal_and_wait(signal.SIGQUIT)
            self.port = before
            raise

    def _options(self, port: int) -> dict[str, str]:
        sockets = str(self.directory / "socket")
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            # A directory too deep for a socket's name: loopback alone then.
            "unix_socket_directories": sockets if len(sockets) <= LONGEST_SOCKET_DIRECTORY else "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            # synchronous_commit stays on: what was committed must outlive kill().
            options |= {"fsync": "off", "full_page_writes": "off"}
        return options | self._settings

    def _wait_until_ready(self, begins: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.running:
                raise PrivatePostgresError(f"PostgreSQL did not start: {self._log_since(begins)}")
            try:
                psycopg.connect(self.dsn(), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise PrivatePostgresError(
            f"PostgreSQL did not answer within {START_SECONDS:.0f} seconds: {self._log_since(begins)}"
        )

    def _log_since(self, begins: int) -> str:
        with self.log.open("rb") as log:
            log.seek(begins)
            return log.read().decode(errors="replace").strip()[-2000:]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def _signal_and_wait(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(number)
        self._signal(signal.SIGCONT)  # a frozen server acts on no signal
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGQUIT)
            self._process.wait(STOP_SECONDS)
        self._process = None

    def _as_owner(self, command: list[str], *, ends_with_parent: bool = False) -> list[str]:
        """The command, run as the data's owner; util-linux's setpriv gives both without a fork hook."""
        options: list[str] = []
        if self._account:
            name = self._account.pw_name
            options += [f"--reuid={name}", f"--regid={self._account.pw_gid}", "--init-groups"]
        setpriv = shutil.which("setpriv")
        if ends_with_parent and setpriv:
            options.append("--pdeathsig=INT")
        if not options:
            return command
        if setpriv is None:
            raise PrivatePostgresError("To start PostgreSQL as root, setpriv (util-linux) is needed.")
        return [setpriv, *options, "--", *command]

    def _refuse_unreachable_directory(self) -> None:
        reach = self._as_owner(["test", "-x", str(self.directory)])
        if subprocess.run(reach, check=False).returncode:  # noqa: S603 - our own command line
            raise PrivatePostgresError(
                f"The user postgres can't reach {self.directory}: choose a directory whose parents "
                "everybody may enter, or start as an ordinary user instead of root."
            )

    def _refuse_otherversion(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(version(self._binaries)):
            raise PrivatePostgresError(
                f"{self.data} was made by PostgreSQL {made_by}, and {version(self._binaries)} is "
                f"installed: remove {self.directory} to begin anew, or upgrade it with pg_upgrade."
            )


def _free_port() -> int:
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise PrivatePostgresError(f"No free port between {PORTS.start} and {PORTS.stop - 1}.")


def _environment() -> dict[str, str]:
    """Ours without PG*, which would bend the server's and initdb's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "LC_MESSAGES": "C"}

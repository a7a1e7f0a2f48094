"""The demo's target: a private PostgreSQL server with two databases, as an operator would set it up."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql

from jitportal.demo.cast import WITH_LOGIN
from jitportal.management.postgres_binaries import (
    PrivatePostgresError,
    needed_binaries,
    version,
    why_unavailable,
)
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.management.target_scripts import TargetScriptError, run_with_psql, script

PORTAL = "jitportal"
SECRET = "JITPORTAL_TARGET_ORDERS_DB_PASSWORD"  # noqa: S105 - a variable's name
#: PostgreSQL of this version writes its log as JSON; the portal reads recorded sessions from it.
JSON_LOG_SINCE = 15
#: What docs/targets-postgres.md asks for, one file for each hour of the day, so that it doesn't grow.
_LOG = {
    "logging_collector": "on",
    "log_destination": "stderr,jsonlog",
    "log_timezone": "UTC",
    "log_connections": "on",
    "log_filename": "demo-%H.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_size": "0",
    "log_rotation_age": "60",
}
_HOME = "postgres"  # where pg_cron's jobs live, and with them the portal's functions


@dataclass(slots=True)
class Kept:
    """What the demo has to remember from one start to the next; in a file that its owner alone reads."""

    directory: str = ""
    port: int = 0
    armed: bool = False
    ready: bool = False
    passwords: dict[str, str] = field(default_factory=dict)


class DemoTarget:
    """Start it, use its address and passwords, close it. The data stays in the demo's directory."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = data / "demo-target.json"
        self._kept = self._read()
        self._server: PrivatePostgres | None = None

    @property
    def known(self) -> bool:
        """Whether an earlier start has set the server up."""
        return self._kept.ready

    @property
    def port(self) -> int:
        return self._kept.port

    @property
    def armed(self) -> bool:
        """Whether the server ends access by itself, with pg_cron."""
        return self._kept.armed

    @property
    def passwords(self) -> Mapping[str, str]:
        """The cast's own passwords on the server."""
        return {name: word for name, word in self._kept.passwords.items() if name != PORTAL}

    @property
    def variables(self) -> dict[str, str]:
        """What the portal's processes need to know."""
        return {SECRET: self._kept.passwords[PORTAL]}

    def start(self, instance: str) -> None:
        """Start the server; the first time it is set up. Raises PrivatePostgresError with the reason.

        ``instance`` is the portal's JITPORTAL_INSTANCE.
        """
        if not self._kept.ready:
            self._make(instance)
            return
        self._server = self._made_server()
        self._server.port = self._kept.port  # the policy names it
        try:
            self._server.start()
        except PrivatePostgresError as error:
            raise PrivatePostgresError(
                f"The demo's PostgreSQL can't start on port {self._kept.port} again: {error} "
                "Free the port, or begin anew with --fresh."
            ) from error

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.close()

    def forget(self) -> None:
        """Remove the server's data, for a fresh start."""
        if self._kept.directory:
            shutil.rmtree(self._kept.directory, ignore_errors=True)
        self._file.unlink(missing_ok=True)
        self._kept = Kept()

    # how it is set up

    def _make(self, instance: str) -> None:
        self.forget()  # what a start that was cut short has left
        self._kept.armed = why_unavailable(extension="pg_cron") is None
        self._kept.directory = str(self._directory())
        self._write()
        self._server = self._made_server()
        self._server.start()
        self._kept.port = self._server.port
        self._kept.passwords = {name: secrets.token_urlsafe(9) for name in (*WITH_LOGIN, PORTAL)}
        try:
            self._install(self._server, instance)
        except (TargetScriptError, psycopg.Error) as error:
            self._server.close()
            raise PrivatePostgresError(f"The demo's PostgreSQL can't be set up: {error}") from error
        if self._kept.armed:
            # The sweep begins with a full minute, or with the server: nobody should have to wait for it.
            self._server.stop()
            self._server.start()
        self._kept.ready = True
        self._write()

    def _install(self, server: PrivatePostgres, instance: str) -> None:
        """What docs/targets-postgres.md has an operator do."""
        psql = needed_binaries() / "psql"
        server.create_database("orders")
        server.create_database("billing")
        with psycopg.connect(server.dsn(_HOME), autocommit=True) as superuser:
            if self._kept.armed:
                superuser.execute("CREATE EXTENSION IF NOT EXISTS pg_cron")
            run_with_psql(
                script("postgres"),
                url=server.dsn(_HOME),
                variables={"portal": PORTAL, "prefix": instance},
                psql=psql,
            )
            _set_password(superuser, PORTAL, self._kept.passwords[PORTAL])
            for name in WITH_LOGIN:
                superuser.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
                _set_password(superuser, name, self._kept.passwords[name])
        target = (files("jitportal.demo") / "target.sql").read_text(encoding="utf-8")
        run_with_psql(target, url=server.dsn(_HOME), variables={}, psql=psql)

    def _made_server(self) -> PrivatePostgres:
        return PrivatePostgres(
            Path(self._kept.directory),
            cron_database=_HOME if self._kept.armed else None,
            settings=_LOG if version(needed_binaries()) >= JSON_LOG_SINCE else {},
        )

    def _directory(self) -> Path:
        """Within the demo's data; for root, whose files the server's own user can't always reach, else
        in a directory of its own.
        """
        wanted = (self._data / "postgres").absolute()
        if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in wanted.parents):
            return wanted
        made = Path(tempfile.mkdtemp(prefix="jitportal-demo-", dir="/var/tmp"))
        made.chmod(0o711)
        return made

    def _read(self) -> Kept:
        try:
            return Kept(**json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Kept()
        except (ValueError, TypeError):
            return Kept()  # written by another version, or cut short: begin anew

    def _write(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self._kept)), encoding="utf-8")
        draft.replace(self._file)


def _set_password(superuser: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    superuser.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))
    )

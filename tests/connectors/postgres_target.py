"""A real PostgreSQL server as a target: its people, its roles, and what an operator does there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg import sql

from jitportal.connectors.base import TargetSettings
from jitportal.connectors.postgres.connector import PostgresConnector
from jitportal.management.postgres_binaries import needed_binaries
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.management.target_scripts import run_with_psql, script
from jitportal.rules.vocabulary import LeaseOrder

PASSWORD = "correct horse battery staple"
Session = psycopg.Connection[tuple[Any, ...]]
_numbers = count(1)


def now() -> datetime:
    return datetime.now(UTC)


def install(server: PrivatePostgres, *, database: str, portal: str, prefix: str = "jit") -> None:
    """Run the installation script as an operator does, and give the portal's login a password."""
    run_with_psql(
        script("postgres"),
        url=server.dsn(database),
        variables={"portal": portal, "prefix": prefix},
        psql=needed_binaries() / "psql",
    )
    with psycopg.connect(server.dsn(database), autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(portal), PASSWORD))


class PostgresTarget:
    """The server with the script installed in ``database``. Names are of the test's own."""

    def __init__(self, server: PrivatePostgres, *, database: str, portal: str) -> None:
        self.server = server
        self.database = database
        self.portal = portal
        self.superuser: Session = psycopg.connect(server.dsn(database), autocommit=True)
        self._tag = uuid4().hex[:8]
        self._sessions: list[Session] = []

    def close(self) -> None:
        for session in self._sessions:
            with suppress(psycopg.Error):
                session.close()
        self.superuser.close()

    def reconnect(self) -> None:
        """The superuser's session again, after the server was restarted."""
        self.superuser.close()
        self.superuser = psycopg.connect(self.server.dsn(self.database), autocommit=True)

    # What an operator does

    def run(self, statement: LiteralString, *names: str) -> None:
        """A statement of the superuser's, with names as identifiers."""
        self.superuser.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def value(self, query: LiteralString, *parameters: object) -> Any:
        row = self.superuser.execute(query, parameters).fetchone()
        assert row is not None
        return row[0]

    def name(self, what: str) -> str:
        return f"{what}_{self._tag}_{next(_numbers)}"

    def login(self, name: str | None = None) -> str:
        name = name or self.name("login")
        self.superuser.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), PASSWORD)
        )
        return name

    def logins(self, number: int) -> list[str]:
        """Many at once, that nobody logs in with."""
        names = [self.name("login") for _ in range(number)]
        create = sql.SQL("; ").join(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(n)) for n in names)
        self.superuser.execute(create)
        return names

    def role(self, name: str | None = None, *, longest: str = "1 hour", dynamic: bool = True) -> str:
        """A role that the portal may give, with the right to read a table of its own: ``data_<role>``."""
        name = name or self.name("role")
        self.run("CREATE ROLE {} NOLOGIN", name)
        self.run("CREATE TABLE {} AS SELECT 42 AS answer", f"data_{name}"[:63])
        self.run("GRANT SELECT ON {} TO {}", f"data_{name}"[:63], name)
        self.superuser.execute("SELECT jit.manage_role(%s, %s::interval, %s)", [name, longest, dynamic])
        return name

    # What the portal does

    def connector(self, *, declared: frozenset[str] = frozenset(), **values: str) -> PostgresConnector:
        settings = {
            "host": "127.0.0.1",
            "port": str(self.server.port),
            "user": self.portal,
            "database": self.database,
            "password_secret": "TARGET",
            **values,
        }
        secrets = {"TARGET": PASSWORD, "WRONG": "not it"}
        return PostgresConnector(
            TargetSettings("orders-db", settings, secrets.__getitem__, declared=declared)
        )

    def order(
        self,
        account: str,
        role: str,
        *,
        seconds: float | None = 600,
        claim: int = 1,
        handle: str | None = None,
        **options: str,
    ) -> LeaseOrder:
        until = None if seconds is None else now() + timedelta(seconds=seconds)
        number = next(_numbers)
        handle = handle or f"jit-{self._tag}-{number}"
        return LeaseOrder(number, handle, claim, account, role, until, options)

    def dynamic_order(self, role: str, *, seconds: float | None = 600, claim: int = 1) -> LeaseOrder:
        name = f"jit_{self._tag}_{next(_numbers)}"
        return self.order(name, role, seconds=seconds, claim=claim, login="dynamic")

    # What a person does

    def session(
        self, login: str, *, role: str | None = None, password: str = PASSWORD, database: str = ""
    ) -> Session:
        session = self.connect(login, password=password, database=database)
        self._sessions.append(session)
        if role:
            session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        return session

    def connect(
        self, login: str, *, password: str = PASSWORD, database: str = "", options: str = ""
    ) -> Session:
        return psycopg.connect(
            self.server.dsn(database or self.database, user=login, password=password),
            autocommit=True,
            options=options,
            connect_timeout=5,
        )

    def as_portal(self) -> Session:
        """The portal's login in the hands of an attacker: any statement it likes."""
        return self.session(self.portal)

    # What can be seen

    def is_member(self, login: str, role: str) -> bool:
        return bool(
            self.value(
                "SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
                "JOIN pg_roles l ON l.oid = m.member WHERE l.rolname = %s AND r.rolname = %s)",
                login,
                role,
            )
        )

    def open_sessions(self, login: str) -> int:
        return int(self.value("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", login))


def reads(session: Session, role: str) -> bool:
    """Whether the session has the role's right now."""
    try:
        return session.execute(
            sql.SQL("SELECT answer FROM {}").format(sql.Identifier(f"data_{role}"[:63]))
        ).fetchone() == (42,)
    except psycopg.errors.InsufficientPrivilege:
        return False


def is_cut(session: Session) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def wait_until(condition: Any, seconds: float = 5.0) -> float:
    """Wait for it; how long it took. Fails when it doesn't come."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "it did not come about in time"
        time.sleep(0.01)
    return time.monotonic() - started


class StubbornClient:
    """A client that asks for the role as it connects, and again and again, in threads of its own.

    ``options='-c role=…'`` takes the role inside the log-in itself, which is the narrowest place: the
    process has read its memberships, and nothing shows its name yet.
    """

    def __init__(
        self, target: PostgresTarget, login: str, role: str, *, password: str = PASSWORD, threads: int = 4
    ) -> None:
        self._target, self._login, self._role, self._password = target, login, role, password
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        self.last_read: datetime | None = None
        self.sessions = 0

    @contextmanager
    def at_work(self) -> Iterator[StubbornClient]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(psycopg.Error):
                self._use_a_session()

    def _use_a_session(self) -> None:
        """Hold on to a session for as long as it reads; one that doesn't is left for another."""
        options = f"-c role={self._role}"
        with self._target.connect(self._login, password=self._password, options=options) as session:
            while not self._stop.is_set() and reads(session, self._role):
                self.last_read = now()
                self.sessions += 1

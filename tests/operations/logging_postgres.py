"""A real PostgreSQL server that logs what the portal reads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from jitportal.management.postgres_binaries import why_unavailable
from jitportal.management.private_postgres import PrivatePostgres
from tests.connectors.postgres_target import install

PORTAL = "jitportal_logs"


def log_as(server: PrivatePostgres, kinds: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        superuser.execute(f"ALTER SYSTEM SET log_destination = '{kinds}'".encode())
        superuser.execute("SELECT pg_reload_conf()")
        while superuser.execute("SHOW log_destination").fetchone() != (kinds,):
            time.sleep(0.01)


@contextmanager
def logging_server() -> Iterator[PrivatePostgres]:
    """A server that writes its log, as JSON and with who signs in, as docs/targets-postgres.md asks for."""
    if reason := why_unavailable():
        pytest.skip(reason)
    settings = {"logging_collector": "on", "log_timezone": "UTC"}
    with PrivatePostgres(durable=False, settings=settings) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as superuser:
            superuser.execute("ALTER SYSTEM SET log_connections = on")
        log_as(server, "stderr,jsonlog")
        install(server, database="postgres", portal=PORTAL)
        yield server

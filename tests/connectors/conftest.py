"""PostgreSQL as a target: with the server's own sweep, and without it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from jitportal.management.postgres_binaries import why_unavailable
from jitportal.management.private_postgres import PrivatePostgres
from tests.connectors.postgres_target import PostgresTarget, install

UNSWEPT = "unswept"


@pytest.fixture(scope="session")
def installed_server(target_server: PrivatePostgres) -> PrivatePostgres:
    """The script is run in two databases: in one, pg_cron sweeps; in the other, nothing does."""
    target_server.start()
    target_server.create_database(UNSWEPT)
    install(target_server, database=UNSWEPT, portal="jitportal_unswept")
    if not why_unavailable(extension="pg_cron"):
        with psycopg.connect(target_server.dsn("postgres"), autocommit=True) as superuser:
            superuser.execute("CREATE EXTENSION IF NOT EXISTS pg_cron")
        install(target_server, database="postgres", portal="jitportal")
    return target_server


@pytest.fixture
def target(installed_server: PrivatePostgres) -> Iterator[PostgresTarget]:
    """Without a sweep: whatever ends here, the portal has ended."""
    installed_server.start()
    target = PostgresTarget(installed_server, database=UNSWEPT, portal="jitportal_unswept")
    yield target
    installed_server.thaw()
    target.close()


@pytest.fixture
def armed_target(
    installed_server: PrivatePostgres, armed_target_server: PrivatePostgres
) -> Iterator[PostgresTarget]:
    """With pg_cron and the sweep: it begins at a full minute at the latest."""
    installed_server.start()
    target = PostgresTarget(installed_server, database="postgres", portal="jitportal")
    yield target
    target.close()

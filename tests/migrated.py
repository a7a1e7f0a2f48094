"""An empty, migrated database for each process and each portal that the tests start: made once, then copied.

Migrating takes seconds of a processor, and four processes with half a dozen portals would each pay them.
The copy is what ``manage.py migrate`` has left, guards and search tables included.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
#: The database on the suite's PostgreSQL server that others are copied from.
TEMPLATE = "jitportal_migrated"


def sqlite_copy(temporary: pytest.TempPathFactory, to: Path) -> Path:
    """Copy a migrated SQLite database to this path."""
    place = _shared(temporary)
    template = place / "migrated.sqlite3"
    with _alone(place / "migrated.lock"):
        if not template.exists():
            half_done = place / "migrating.sqlite3"
            _migrate(f"sqlite:///{half_done}")
            half_done.rename(template)
    shutil.copyfile(template, to)
    return to


def postgres_template(temporary: pytest.TempPathFactory) -> str:
    """The name of a migrated database on the suite's PostgreSQL server, to create others from."""
    place = _shared(temporary)
    made = place / "migrated.postgresql"
    with _alone(place / "migrated.lock"):
        if not made.exists():
            create(TEMPLATE)
            _migrate(f"{server_url()}/{TEMPLATE}")
            made.touch()
    return TEMPLATE


def server_url() -> str:
    """The suite's PostgreSQL server, without a database's name."""
    at = settings.DATABASES["default"]
    return f"postgresql://{quote(str(at['USER']))}:{quote(str(at['PASSWORD']))}@{at['HOST']}:{at['PORT']}"


def create(name: str, *, template: str | None = None) -> None:
    """Make a database on the suite's PostgreSQL server, empty or as a copy."""
    made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        made += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    with psycopg.connect(f"{server_url()}/postgres", autocommit=True) as session:
        session.execute(made)


def drop(name: str) -> None:
    """Drop a database of the suite's PostgreSQL server, whoever is connected to it."""
    with psycopg.connect(f"{server_url()}/postgres", autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _migrate(url: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"],
        cwd=ROOT,
        env=kept | {"JITPORTAL_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _shared(temporary: pytest.TempPathFactory) -> Path:
    """The folder of this run, which all of xdist's processes share."""
    own = temporary.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield

"""An empty, migrated database for each process and each portal that the tests start: made once, then copied.

Migrating takes seconds of a processor, and four processes with half a dozen portals would each pay them.
The copy is what ``manage.py migrate`` has left, guards and search tables included. SQLite's is kept beside
pytest's cache for as long as nothing changes that makes it; ``python -m tests.migrated`` makes it beforehand.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".pytest_cache" / "migrated"
MADE_BY = ("audit", "migrations", "models", "rules")
#: Each migration makes hundreds of models of its own: collecting what is left of them takes a quarter of
#: the time.
WITHOUT_COLLECTING = (
    "import gc; gc.disable();"
    "from django.core.management import execute_from_command_line as run; run(['manage.py', 'migrate', '-v0'])"
)
#: The database on the suite's PostgreSQL server that others are copied from.
TEMPLATE = "jitportal_migrated"


def sqlite_copy(to: Path) -> Path:
    """Copy a migrated SQLite database to this path."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with _alone(KEPT / "lock"):
        shutil.copyfile(_sqlite_template(), to)
    return to


def _sqlite_template() -> Path:
    template = KEPT / f"{_fingerprint()}.sqlite3"
    if not template.exists():
        for older in KEPT.glob("*.sqlite3*"):
            older.unlink()
        half_done = KEPT / "migrating.sqlite3"
        _migrate(f"sqlite:///{half_done}")
        half_done.rename(template)
    return template


def _fingerprint() -> str:
    """Of all that says what a migrated database is."""
    made_of = sha256(f"{sqlite3.sqlite_version} {sys.version}".encode())
    portal = ROOT / "jitportal"
    sources = [source for folder in MADE_BY for source in (portal / folder).rglob("*.py")]
    for source in sorted([*sources, portal / "settings.py", ROOT / "requirements-dev.lock"]):
        made_of.update(source.relative_to(ROOT).as_posix().encode())
        made_of.update(source.read_bytes())
    return made_of.hexdigest()[:16]


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
        [sys.executable, "-c", WITHOUT_COLLECTING],
        cwd=ROOT,
        env=kept | {"JITPORTAL_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "jitportal.settings"},
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


if __name__ == "__main__":
    KEPT.mkdir(parents=True, exist_ok=True)
    with _alone(KEPT / "lock"):
        _sqlite_template()

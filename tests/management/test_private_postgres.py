"""The private server: it keeps data, ends with its starter, and says why when it can't start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from jitportal.management import postgres_binaries
from jitportal.management.postgres_binaries import PrivatePostgresError, why_unavailable
from jitportal.management.private_postgres import PORTS, PrivatePostgres

pytestmark = pytest.mark.postgres_server

DIES = """
import os, signal
from jitportal.management.private_postgres import PrivatePostgres
server = PrivatePostgres(durable=False)
server.start()
print(server.directory, server.dsn(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_serves_on_loopback_below_the_ephemeral_ports_and_leaves_nothing() -> None:
    with PrivatePostgres(durable=False) as server:
        assert server.port in PORTS
        with psycopg.connect(server.create_database("a name, with ?#/ signs")) as connection:
            row = connection.execute("SELECT current_database(), host(inet_server_addr())").fetchone()
        assert row == ("a name, with ?#/ signs", "127.0.0.1")
        directory = server.directory
    assert not _answers(server.dsn())
    assert not directory.exists()


def test_committed_data_and_the_address_outlive_a_crash() -> None:
    with PrivatePostgres(durable=False) as server:
        dsn = server.dsn()
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        server.kill()
        assert not _answers(dsn)
        server.start()
        with psycopg.connect(dsn) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_kept_directory_gives_the_same_data_to_the_next_server(tmp_path: Path) -> None:
    place = tmp_path / "kept"
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.stat().st_uid == os.geteuid() and parent != Path(parent.anchor):
            parent.chmod(parent.stat().st_mode | 0o011)  # as root, the user postgres passes through
    with PrivatePostgres(place, durable=False) as first:
        first.create_database("portal")
    with PrivatePostgres(place, durable=False) as second:
        assert _answers(second.dsn("portal"))
        with pytest.raises(PrivatePostgresError, match="did not start") as refused:
            PrivatePostgres(place, durable=False).start()
    assert "lock file" in str(refused.value)


def test_a_frozen_server_lets_a_connection_hang_until_it_thaws() -> None:
    with PrivatePostgres(durable=False) as server:
        server.freeze()
        begun = time.monotonic()
        assert not _answers(server.dsn())
        assert time.monotonic() - begun > 1
        server.thaw()
        assert _answers(server.dsn())


def test_a_wrong_password_is_refused() -> None:
    with PrivatePostgres(durable=False) as server:
        assert not _answers(server.dsn(user="postgres", password="wrong"))


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends a child with its parent.")
def test_ends_with_a_killed_starter() -> None:
    starter = subprocess.run(
        [sys.executable, "-c", DIES], capture_output=True, text=True, check=False, timeout=60
    )
    assert starter.returncode == -signal.SIGKILL, starter.stderr
    directory, dsn = starter.stdout.split()
    deadline = time.monotonic() + 15
    while (Path(directory) / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _answers(dsn)
    subprocess.run(["rm", "-rf", directory], check=True)


def test_a_setting_that_postgres_refuses_is_told_in_its_own_words() -> None:
    server = PrivatePostgres(durable=False, settings={"shared_buffers": "nonsense"})
    with pytest.raises(PrivatePostgresError, match="invalid value for parameter"), server:
        pytest.fail("It must not start.")
    assert not server.directory.exists()


def test_says_why_when_postgres_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JITPORTAL_POSTGRES_BIN", str(tmp_path))
    assert "not installed" in (why_unavailable() or "")
    with pytest.raises(PrivatePostgresError, match="not installed"):
        PrivatePostgres()
    assert postgres_binaries.main() == 1

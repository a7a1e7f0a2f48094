"""The demo's own database server."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from jitportal.management.demo_target import PORTAL, SECRET, DemoTarget
from jitportal.management.postgres_binaries import why_unavailable
from tests.connectors.postgres_target import wait_until

pytestmark = pytest.mark.postgres_server


def test_ends_access_by_itself_from_the_beginning(tmp_path: Path) -> None:
    """The sweep's job begins with a full minute, and nobody's first look should wait for that."""
    if reason := why_unavailable(extension="pg_cron"):
        pytest.skip(reason)
    target = DemoTarget(tmp_path)
    target.start("jit")
    try:
        address = f"postgresql://{PORTAL}:{target.variables[SECRET]}@127.0.0.1:{target.port}/postgres"
        with psycopg.connect(address, autocommit=True) as portal:

            def beats() -> bool:
                row = portal.execute("SELECT jit.health() ->> 'seconds_since_sweep'").fetchone()
                return row is not None and row[0] is not None

            wait_until(beats, 20)
            # what recorded sessions are read from
            logs = portal.execute(
                "SELECT current_setting('logging_collector'), current_setting('log_destination')"
            ).fetchone()
            assert logs == ("on", "stderr,jsonlog")
    finally:
        target.close()
        target.forget()

"""From the end of a grant to its verified absence on a real PostgreSQL server.

    .venv/bin/python bench/bench_removal_lag.py [--grants 200] [--burst 1000] [--database sqlite|postgres]

Two runs of the whole portal, with its real worker in a process of its own: grants that end one after
another (p50 and p99), and as many as ``--burst`` that end in the same second (the time until the last is
verified). The baseline, in the same run, is the connector alone, called with the whole burst at once: no
portal can be faster than that. The server's own sweep is left out, so that what is measured is the portal.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitportal.management.private_postgres import PrivatePostgres

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> None:
    said = arguments()
    # Imported late: the settings read the environment that is made here.
    from jitportal.management.private_postgres import PrivatePostgres

    with tempfile.TemporaryDirectory() as folder, PrivatePostgres(durable=False) as server:
        Path(folder).chmod(0o755)
        prepare_environment(said.database, folder, server)
        import django

        django.setup()
        from django.core.management import call_command

        from bench import removal_lag

        os.environ[removal_lag.SECRET] = removal_lag.PASSWORD
        number = max(said.grants, said.burst)
        removal_lag.prepare_server(server, number)
        call_command("migrate", verbosity=0)
        people = removal_lag.prepare_portal(server, number)
        with worker(folder):
            print(f"in turn  {removal_lag.lags(removal_lag.ask_in_turn(people[: said.grants]))}")
        made = removal_lag.ask_at_once(people[: said.burst], said.minutes)
        with worker(folder):
            print(f"at once  {removal_lag.lags(made)}")
        alone = removal_lag.baseline(said.burst)
        batch = removal_lag.BATCH
        print(f"baseline {said.burst:5} leases   the connector alone, in batches of {batch}: {alone:.3f} s")


@contextmanager
def worker(folder: str) -> Iterator[None]:
    with (Path(folder) / "log").open("a") as log:
        running = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "worker"], stderr=log)
        try:
            time.sleep(3)
            yield
        finally:
            running.terminate()
            running.wait(timeout=60)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grants", type=int, default=200)
    parser.add_argument("--burst", type=int, default=1_000)
    parser.add_argument("--minutes", type=int, default=2, help="of each grant that ends at once")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    return parser.parse_args()


def prepare_environment(database: str, folder: str, server: PrivatePostgres) -> None:
    """The portal's own database is on the same server as the target, and apart from it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
    os.environ["JITPORTAL_DATA_DIR"] = folder
    os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
    os.environ.pop("JITPORTAL_DATABASE_URL", None)
    if database == "postgres":
        os.environ["JITPORTAL_DATABASE_URL"] = server.create_database("portal")


if __name__ == "__main__":
    main()

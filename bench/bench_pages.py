"""What pages weigh and how soon they show, in Chromium on loopback, with 5,000 requests that wait.

    .venv/bin/python bench/bench_pages.py [--pending 5000] [--rounds 9] [--keep FOLDER]
                                          [--database sqlite|postgres]

The portal runs as in production: gunicorn, collected and compressed static files. Bytes are those on
the wire, heads and bodies of everything that the page takes. Fails where the queue breaks its budget.
Making the requests takes minutes: with --keep (SQLite alone) they stay, and the next run looks at them again.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

#: Of the queue page, all of it, compressed; and its largest contentful paint.
MOST_BYTES = 60_000
MOST_MILLISECONDS = 300.0


def main() -> None:
    said = arguments()
    with ExitStack() as held:
        folder = said.keep or held.enter_context(tempfile.TemporaryDirectory())
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder).chmod(0o755)
        prepare_environment(said.database, folder, held)
        import django

        django.setup()
        from django.core.management import call_command

        from bench import pages, planner

        call_command("migrate", verbosity=0)
        if not pages.waiting():
            began = time.monotonic()
            pages.prepare(said.pending)
            print(f"{said.pending} requests made in {time.monotonic() - began:.0f} s")
            planner.gather_statistics()
        pages.hold()
        with portal(folder) as url:
            seen = list(pages.look(url, rounds=said.rounds))
    for page in seen:
        print(page)
    queue = seen[0]
    if queue.cold > MOST_BYTES or queue.largest > MOST_MILLISECONDS:
        sys.exit(f"The queue breaks its budget of {MOST_BYTES} bytes and {MOST_MILLISECONDS:.0f} ms.")


@contextmanager
def portal(folder: str) -> Iterator[str]:
    """The web processes alone, as in production but for TLS; nothing here needs the worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "JITPORTAL_PRODUCTION": "1",
        "JITPORTAL_SECRET_KEY": os.environ["JITPORTAL_SECRET_KEY"],
        "JITPORTAL_HOSTS": "127.0.0.1",
        "JITPORTAL_PUBLIC_URL": "https://127.0.0.1",
        "JITPORTAL_SSL_REDIRECT": "0",
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "collectstatic", "--noinput", "--verbosity", "0"], env=environment, check=True)
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    gunicorn += ["--config", "python:jitportal.management.web_server"]
    with (Path(folder) / "log").open("a") as log:
        running = subprocess.Popen(gunicorn, cwd=ROOT, env=environment, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/healthz")
            yield url
        finally:
            running.terminate()
            running.wait(timeout=60)


def wait_for(address: str, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pending", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--keep", default="", metavar="FOLDER")
    said = parser.parse_args()
    if said.keep and said.database != "sqlite":
        parser.error("Only SQLite's data can be kept.")
    return said


def prepare_environment(database: str, folder: str, held: ExitStack) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
    os.environ["JITPORTAL_DATA_DIR"] = folder
    os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
    os.environ["JITPORTAL_SECRET_KEY"] = "a-key-of-this-bench-alone-which-signs-nothing-that-lasts"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    os.environ.pop("JITPORTAL_DATABASE_URL", None)
    if database == "postgres":
        from jitportal.management.private_postgres import PrivatePostgres

        server = held.enter_context(PrivatePostgres(durable=False))
        os.environ["JITPORTAL_DATABASE_URL"] = server.create_database("portal")


if __name__ == "__main__":
    main()

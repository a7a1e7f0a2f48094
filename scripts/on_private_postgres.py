"""Run a command with JITPORTAL_DATABASE_URL naming a database on a private PostgreSQL server.

Used by scripts/test-postgres. The server has no fsync, and ends with the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jitportal.management.postgres_binaries import PrivatePostgresError
from jitportal.management.private_postgres import PrivatePostgres


def main(command: list[str]) -> int:
    """Run the command and give its exit status; 2 when there is no command, 3 when no server."""
    if not command:
        print("usage: on_private_postgres.py COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    # Ctrl-C reaches the command too, which reports and ends; then so do we.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with PrivatePostgres(durable=False) as server:
            environment = os.environ | {"JITPORTAL_DATABASE_URL": server.create_database("jitportal")}
            return subprocess.call(command, env=environment)  # noqa: S603 - it runs what it is told to
    except PrivatePostgresError as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

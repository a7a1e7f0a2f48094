"""Which PostgreSQL is installed on this machine, and whether a private server can run here."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

SUPERUSER = "postgres"
OLDEST_VERSION = 14


class PrivatePostgresError(RuntimeError):
    """The private server can't be made or started; the message says why and what to do."""


def find_binaries() -> Path | None:
    """The directory with ``initdb`` and ``postgres`` of the newest installed PostgreSQL, or None.

    The environment variable JITPORTAL_POSTGRES_BIN names it where it is found in no usual place.
    """
    if named := os.environ.get("JITPORTAL_POSTGRES_BIN"):
        return Path(named) if (Path(named) / "initdb").exists() else None
    places = [
        *Path("/usr/lib/postgresql").glob("*/bin"),  # Debian
        *Path("/usr").glob("pgsql-*/bin"),  # Red Hat
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
    ]
    if on_path := shutil.which("initdb"):
        places.append(Path(on_path).resolve().parent)
    found = [place for place in places if (place / "initdb").exists() and (place / "postgres").exists()]
    usable = [place for place in found if version(place) >= OLDEST_VERSION]
    return max(usable, key=version, default=None)


def why_unavailable(*, extension: str | None = None) -> str | None:
    """Why a private server can't be started here, as a sentence; None when it can.

    ``extension`` asks for one that is not part of PostgreSQL itself too, such as ``pg_cron``.
    """
    binaries = find_binaries()
    if binaries is None:
        return f"PostgreSQL {OLDEST_VERSION} or later is not installed (on Debian: postgresql-15)."
    if os.geteuid() == 0 and system_account(SUPERUSER) is None:
        return "PostgreSQL refuses to run as root, and there is no system user named postgres."
    if extension and not _extension_file(binaries, extension).exists():
        return f"PostgreSQL's extension {extension} is not installed (on Debian: postgresql-15-cron)."
    return None


def needed_binaries(*, extension: str | None = None) -> Path:
    """The same directory as ``find_binaries``, or PrivatePostgresError with the reason."""
    reason = why_unavailable(extension=extension)
    binaries = find_binaries()
    if reason or binaries is None:
        raise PrivatePostgresError(reason)
    return binaries


def version(binaries: Path) -> int:
    """The major version of the binaries in a directory."""
    shown = subprocess.run(  # noqa: S603 - our own command line
        [str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)", shown.stdout)
    return int(found[1]) if found else 0


def _extension_file(binaries: Path, extension: str) -> Path:
    shown = subprocess.run(  # noqa: S603 - our own command line
        [str(binaries / "pg_config"), "--sharedir"], capture_output=True, text=True, check=False
    )
    return Path(shown.stdout.strip()) / "extension" / f"{extension}.control"


def system_account(name: str) -> pwd.struct_passwd | None:
    """The system's user of that name, or None."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def main() -> int:
    """For scripts: print why no private server can run here, and fail; or say nothing."""
    if reason := why_unavailable():
        sys.stdout.write(reason + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The SQLite file holds sessions and hashes of passwords: only its owner's processes may read it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created

_BESIDE = ("", "-wal", "-shm", "-journal")
_OTHERS = 0o077


def connect() -> None:
    """Look at each connection's file, whichever command or server makes it."""
    connection_created.connect(_close_to_others, dispatch_uid="jitportal.private_files")


def _close_to_others(connection: Any, **_signal: object) -> None:
    if connection.vendor == "sqlite":
        for ending in _BESIDE:
            close_to_others(Path(f"{connection.settings_dict['NAME']}{ending}"))


def close_to_others(path: Path) -> None:
    """Take away what the group and everybody may do; what is missing or somebody else's stays as it is."""
    with suppress(OSError):  # in memory, gone meanwhile, or not this user's to change
        mode = path.stat().st_mode & 0o777
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)

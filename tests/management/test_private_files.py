"""Who can read the database's file can be anybody who has signed in: no other user of the machine may."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.db.utils import ConnectionHandler

from jitportal.environment import Environment


@pytest.mark.parametrize("before", [None, 0o644, 0o640], ids=["new", "read by all", "read by the group"])
@pytest.mark.django_db
def test_the_databases_files_are_their_owners_alone(tmp_path: Path, before: int | None) -> None:
    path = tmp_path / "jitportal.sqlite3"
    if before is not None:
        sqlite3.connect(path).close()
        path.chmod(before)
    connection = ConnectionHandler({"default": Environment({}).database(tmp_path)})["default"]
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE secrets (word text)")
        files = sorted(tmp_path.iterdir())
        assert [file.name.removeprefix(path.name) for file in files] == ["", "-shm", "-wal"]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    finally:
        connection.close()

"""The tests' own database is one that other connections and other processes reach."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Event

COUNT = """
import django
django.setup()
from django.contrib.auth.models import Group
print(Group.objects.filter(name="seen from outside").count())
"""


@pytest.mark.django_db(transaction=True)
def test_another_connection_sees_what_was_committed() -> None:
    Group.objects.create(name="seen from outside")
    seen: list[int] = []

    def look() -> None:
        seen.append(Group.objects.filter(name="seen from outside").count())
        connection.close()

    looking = threading.Thread(target=look)
    looking.start()
    looking.join(timeout=20)
    assert seen == [1]


def test_another_process_sees_what_was_committed(database_url: str) -> None:
    Group.objects.create(name="seen from outside")
    environment = os.environ | {"JITPORTAL_DATABASE_URL": database_url}
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout.strip(), done.stderr.strip()) == ("1", "")


@pytest.mark.parametrize("time", ["first", "second"])
@pytest.mark.django_db(transaction=True)
def test_a_committed_record_is_gone_after_its_test_and_guarded_during_it(time: str) -> None:
    assert Event.objects.count() == 0, time
    record(verb="test.ran", actor=system(), sentence="A test ran.", now=datetime.now(UTC))
    with pytest.raises(DatabaseError):
        Event.objects.all().delete()
    assert Event.objects.count() == 1


@pytest.mark.sqlite
@pytest.mark.django_db
def test_sqlite_is_a_file_with_a_write_ahead_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone() == (2,), "FULL"


@pytest.mark.postgresql
@pytest.mark.django_db
def test_each_process_has_a_postgresql_database_of_its_own(worker_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        suffix = "" if worker_id == "master" else f"_{worker_id}"
        (name,) = cursor.fetchone()
    assert name.startswith("test_")
    assert name.endswith(suffix)

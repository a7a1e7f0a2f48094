"""The running portal's login on PostgreSQL: it does all its work, and can't touch the record."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from psycopg import sql

from jitportal.audit.guards.record import APPEND_ONLY, HISTORY
from jitportal.management.commands.database_grants import statements
from jitportal.management.private_postgres import PrivatePostgres
from tests.worker.processes import Worker, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
#: Signing in and out, sessions that are over, and second factors: what goes again.
COMING_AND_GOING = """
from django.contrib.sessions.models import Session
from django.test import Client
from jitportal.audit.system import system
from jitportal.models import PersonSession
from jitportal.operations import clock, factors, one_time_codes, people

said = {"username": "ann", "password": "correct horse battery staple"}
ann = people.create_person(actor=system(), name="Ann", **said)
first, second, third = Client(), Client(), Client()
for client in (first, second):
    assert client.post("/sign-in/", said, headers={"host": "localhost"}).status_code == 302
assert first.post("/sign-out/", headers={"host": "localhost"}).status_code == 302
Session.objects.all().delete()
assert third.post("/sign-in/", said, headers={"host": "localhost"}).status_code == 302
assert PersonSession.objects.filter(person=ann).count() == 1

secret = one_time_codes.new_secret()
factor = one_time_codes.store(ann, secret, used=0)
one_time_codes.recovery_codes(ann)
one_time_codes.recovery_codes(ann)
factors.reset(actor=system(), person=ann, reason="Her telephone is lost.")
"""
pytestmark = pytest.mark.sqlite  # it has a database of its own, wherever the suite's is


@pytest.mark.proof
def test_the_running_login_does_everything_but_change_the_record(
    target_server: PrivatePostgres, tmp_path: Path
) -> None:
    tag = uuid4().hex[:8]
    owner, running, database = f"owner_{tag}", f"running_{tag}", f"portal_{tag}"
    password = "correct horse battery staple"
    with psycopg.connect(target_server.dsn(), autocommit=True) as superuser:
        for login in (owner, running):
            superuser.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), password)
            )
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
        )
    as_owner, as_running = (
        f"postgresql://{login}:{quote(password)}@127.0.0.1:{target_server.port}/{database}"
        for login in (owner, running)
    )

    def manage(url: str, *arguments: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=kept
            | {"JITPORTAL_DATABASE_URL": url, "JITPORTAL_DATA_DIR": str(tmp_path), "JITPORTAL_DEMO": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    manage(as_owner, "migrate", "-v0")
    with psycopg.connect(as_owner, autocommit=True) as session:
        session.execute(manage(as_owner, "database_grants", running).encode())

    manage(as_running, "migrate", "--check")
    manage(as_running, "guards", "--check")
    manage(as_running, "demo")  # the past of a company: every verb there is
    worker = Worker(as_running, tmp_path, supervised=False)
    try:
        worker.start()
        with psycopg.connect(as_running, autocommit=True) as session:
            heartbeats = "SELECT count(*) FROM jitportal_heartbeat"
            wait_until(lambda: session.execute(heartbeats).fetchone() == (1,))
            wait_until(lambda: session.execute("SELECT count(*) FROM django_q_ormq").fetchone() == (0,), 20)
    finally:
        worker.end()
    assert "ERROR" not in worker.log_text()

    # Guessing, and forgetting it: counts may go.
    guess = (
        "from jitportal.operations import limits, signing_in\n"
        "attempts = [signing_in.begin('nobody') for _ in range(4)]\n"
        "signing_in.failed(attempts[-1]); signing_in.succeeded(attempts[-1])\n"
        "limits.take('search', 1); limits.forget()"
    )
    manage(as_running, "shell", "--no-imports", "-c", guess)
    manage(as_running, "shell", "--no-imports", "-c", COMING_AND_GOING)

    refused = [
        f'{verb} "{model._meta.db_table}" {rest}'
        for model in APPEND_ONLY
        for verb, rest in (("UPDATE", "SET id = id"), ("DELETE FROM", ""), ("TRUNCATE", "CASCADE"))
    ]
    refused += [f'DELETE FROM "{model._meta.db_table}"' for model in HISTORY]
    for statement in (
        *refused,
        "UPDATE jitportal_event SET sentence = ''",
        "DELETE FROM jitportal_event",
        "TRUNCATE jitportal_event CASCADE",
        "DELETE FROM jitportal_entry",
        "UPDATE jitportal_approval SET verdict = 'approve'",
        "DELETE FROM jitportal_grant",
        "DROP TABLE jitportal_event",
        "ALTER TABLE jitportal_event DISABLE TRIGGER ALL",
    ):
        with (
            psycopg.connect(as_running, autocommit=True) as session,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            session.execute(statement)


def test_every_table_is_covered_and_the_record_only_grows() -> None:
    rights: dict[str, set[str]] = {}
    for statement in statements("portal"):
        if match := re.match(r"GRANT (SELECT|INSERT|UPDATE|DELETE) ON (.*) TO", statement):
            rights[match[1]] = set(re.findall(r'"(\w+)"', match[2]))
    tables = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    assert tables <= rights["SELECT"] & rights["INSERT"]
    assert not {model._meta.db_table for model in APPEND_ONLY} & (rights["UPDATE"] | rights["DELETE"])
    assert not {model._meta.db_table for model in HISTORY} & rights["DELETE"]
    goes = {"django_session", "jitportal_personsession", "mfa_authenticator", "jitportal_ratelimit"}
    assert goes <= rights["DELETE"]  # nobody could sign in, or lose a second factor, without
    assert not any("TRUNCATE" in statement for statement in statements("portal"))

"""Secrets that are in use during a whole journey stand afterwards in no row, no task and no log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core import mail
from django.db import connection
from django.test import Client

from jitportal.audit.system import system
from jitportal.models import Grant, Person, Team
from jitportal.operations import people, sending
from tests.web.world import World, approve, ask, converge, small_world

pytestmark = pytest.mark.django_db

#: Tables where a session's key is what a row is known by.
SESSIONS = "django_session"


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def _rows() -> Iterator[tuple[str, str]]:
    """Every row of every table that the portal has, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table != SESSIONS:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                for row in cursor.fetchall():
                    yield table, repr(row)


def test_no_secret_is_left_anywhere_after_a_journey(
    world: World, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {name: f"{name}-{uuid4().hex}" for name in ("password", "wrong", "changed", "mail", "target")}
    settings.EMAIL_HOST_PASSWORD = secrets["mail"]
    monkeypatch.setenv("JITPORTAL_TARGET_BUILDING_PASSWORD", secrets["target"])
    nora = people.create_person(
        actor=system(),
        username="nora",
        name="Nora Test",
        email="nora@example.test",
        password=secrets["password"],
        manager=world["mona"],
    )
    people.join_team(actor=system(), person=nora, team=Team.objects.get(key="engineers"))
    world.people["nora"] = nora

    client = Client()
    _signs_in(client, secrets["wrong"], 422)
    _signs_in(client, secrets["password"], 302)
    secrets["session"] = client.cookies["sessionid"].value
    secrets["token"] = client.cookies["csrftoken"].value
    request = ask(world, "nora", "door")
    grant: Grant = approve(world, request, "mona").grant
    converge(grant)
    for address in ("/", f"/requests/{request.pk}/", f"/grants/{grant.pk}/", "/nowhere/"):
        client.get(address)
    client.post(f"/grants/{grant.pk}/hand-back/", {"note": "Done."})
    stored = Person.objects.get(pk=nora.pk)
    stored.set_password(secrets["changed"])
    stored.save()
    _signs_in(Client(), secrets["changed"], 302)
    while sending.send_due():
        pass

    secrets["key"] = settings.SECRET_KEY
    texts = [
        *_rows(),
        ("the log", caplog.text),
        *(("a mail", message.message().as_string()) for message in mail.outbox),
    ]
    assert len(texts) > 100
    found = [(name, place) for place, text in texts for name, secret in secrets.items() if secret in text]
    assert found == []
    hashes = list(Person.objects.exclude(password="").values_list("password", flat=True))
    elsewhere = [(table, text) for table, text in _rows() if table != Person._meta.db_table]
    assert not [table for table, text in elsewhere if any(one in text for one in hashes)]


def _signs_in(client: Client, password: str, status: int) -> None:
    client.get("/sign-in/")
    answer = client.post("/sign-in/", {"username": "nora", "password": password})
    assert answer.status_code == status

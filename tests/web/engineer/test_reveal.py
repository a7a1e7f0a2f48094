"""A login made for the occasion, on a real PostgreSQL server: its password is shown once, and works."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import psycopg
import pytest
from django.test import Client

from jitportal.management.private_postgres import PrivatePostgres
from jitportal.models import Entry, Event, Grant
from jitportal.operations import grants
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, install, reads
from tests.web.engineer import house

PORTAL = "jitportal_revealing"


@pytest.fixture
def orders(target_server: PrivatePostgres, target_database: str) -> Iterator[PostgresTarget]:
    """A database of the test's own: a target remembers the leases of earlier ones."""
    database = psycopg.conninfo.conninfo_to_dict(target_database)["dbname"]
    install(target_server, database=str(database), portal=PORTAL)
    target = PostgresTarget(target_server, database=str(database), portal=PORTAL)
    yield target
    target.close()


@pytest.fixture
def grant(db: None, orders: PostgresTarget, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grant]:
    """A live grant of a role whose logins are made for the occasion; its login is gone afterwards."""
    monkeypatch.setenv("JITPORTAL_TARGET_ORDERS", PASSWORD)
    target = f"""
    orders:
      name: Orders database
      connector: postgres
      settings:
        host: 127.0.0.1
        port: {orders.server.port}
        user: {PORTAL}
        database: {orders.database}
        password_secret: JITPORTAL_TARGET_ORDERS
"""
    role = f"""
    reader:
      name: Read orders
      target: orders
      owner: olga
      entitlement: {orders.role()}
      login: dynamic
      eligible: {{teams: [engineers]}}
      max_minutes: 60
      risk: low
"""
    policy = house.POLICY.replace("guests, flash]", "guests, flash, reader]")
    policy = policy.replace("  targets:\n", f"  targets:{target.rstrip()}\n", 1)
    house.build(policy.replace("  roles:\n    operator", f"  roles:{role.rstrip()}\n    operator", 1))
    grant = house.held(role="reader")
    yield grant
    grants.hand_back(actor=grant.person, grant=grant)
    house.work()


@pytest.fixture
def holder(grant: Grant) -> Client:
    client = Client()
    client.force_login(grant.person)
    return client


def shown(page: str) -> dict[str, str]:
    found = re.findall(r'<pre id="(login|password)">([^<]*)</pre>', page)
    return {name: html.unescape(text) for name, text in found}


def test_a_password_is_set_and_shown_once_and_works(
    grant: Grant, holder: Client, orders: PostgresTarget
) -> None:
    assert grant.status == "active"
    assert "Show the password" in holder.get(f"/grants/{grant.pk}/").content.decode()
    asking = holder.get(f"/grants/{grant.pk}/reveal/").content.decode()
    assert "Set a password and show it once" in asking
    assert not shown(asking)
    answer = holder.post(f"/grants/{grant.pk}/reveal/")
    secret = shown(answer.content.decode())
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret["login"] == grant.account
    session = orders.session(secret["login"], password=secret["password"])
    assert reads(session, grant.scope.entitlement.name)
    for address in (
        "/",
        f"/grants/{grant.pk}/",
        f"/grants/{grant.pk}/reveal/",
        f"/requests/{grant.request_id}/",
    ):
        assert secret["password"] not in holder.get(address).content.decode()


def test_the_password_is_stored_nowhere_and_its_showing_is_recorded(grant: Grant, holder: Client) -> None:
    password = shown(holder.post(f"/grants/{grant.pk}/reveal/").content.decode())["password"]
    event = Event.objects.get(verb="grant.revealed")
    assert event.actor == grant.person
    assert password not in f"{event.sentence} {event.data}"
    for entry in Entry.objects.all():
        assert password not in f"{entry.changes} {entry.object_repr} {entry.additional_data}"


def test_a_target_that_is_down_says_so_and_shows_nothing(
    grant: Grant, holder: Client, orders: PostgresTarget
) -> None:
    orders.server.stop()
    try:
        answer = holder.post(f"/grants/{grant.pk}/reveal/")
    finally:
        orders.server.start()
    assert answer.status_code == 503
    assert "The target could not set a password" in answer.content.decode()
    assert not shown(answer.content.decode())


def test_looking_sets_no_password(grant: Grant, holder: Client, orders: PostgresTarget) -> None:
    holder.get(f"/grants/{grant.pk}/reveal/")
    assert not Event.objects.filter(verb="grant.revealed").exists()
    with pytest.raises(psycopg.OperationalError):
        orders.connect(grant.account, password="")


def test_how_to_connect_is_ready_to_copy(grant: Grant, holder: Client) -> None:
    for address in ("/", f"/grants/{grant.pk}/"):
        page = html.unescape(holder.get(address).content.decode())
        assert "psql" in page
        assert grant.account in page

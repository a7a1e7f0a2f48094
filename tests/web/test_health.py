"""Whether the portal works, as whatever watches it sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from jitportal.models import Grant
from jitportal.operations import grants, heartbeat
from jitportal.rules.vocabulary import GrantStatus
from tests.operations import world


def _ready(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_the_process_answers_without_the_database(client: Client) -> None:
    """No database is marked for this test: a query would fail it."""
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_a_portal_without_a_worker_is_not_ready(client: Client) -> None:
    status, checks = _ready(client)
    assert status == 503
    assert checks["database"] == "ok"
    assert checks["worker"] == "No worker has ever run. Start one: manage.py worker"
    heartbeat.begin(name="test")
    assert _ready(client) == (200, {"database": "ok", "worker": "ok", "removals": "ok"})
    with world.later(seconds=12):
        status, checks = _ready(client)
    assert status == 503
    assert "12 s ago" in checks["worker"]


@pytest.mark.django_db
def test_an_overdue_removal_makes_it_unready(client: Client) -> None:
    world.settle()
    ends_at = world.live("rita", "operator").ends_at
    assert ends_at is not None
    with world.at(ends_at + timedelta(seconds=55)):
        heartbeat.begin(name="test")
        assert _ready(client)[0] == 200
    with world.at(ends_at + timedelta(seconds=65)):
        heartbeat.begin(name="test")
        status, checks = _ready(client)
        assert status == 503
        assert checks["removals"].startswith("Access that ended 65 s ago isn't verified absent.")
        assert "rita" not in str(checks).lower()
        world.work()
        assert _ready(client)[0] == 200


@pytest.mark.django_db
def test_work_that_waits_for_a_person_is_no_fault_of_the_portal(client: Client) -> None:
    world.settle()
    grant = world.live("rita", "door")
    world.carry_out()
    world.work()
    grants.hand_back(actor=world.person("rita"), grant=grant)
    world.work()
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.REMOVING
    with world.later(hours=1):
        heartbeat.begin(name="test")
        assert _ready(client)[0] == 200


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("could not connect to server db.internal as jitportal")

    monkeypatch.setattr("jitportal.operations.clock.now", away)
    status, checks = _ready(client)
    assert status == 503
    assert checks == {"database": "The database doesn't answer."}


@pytest.mark.django_db
def test_neither_is_sent_to_https_or_to_sign_in(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    secure = Client()
    assert secure.get("/healthz").status_code == 200
    assert secure.get("/readyz").status_code == 503
    assert secure.get("/queue/").status_code == 301

"""What comes too often: a page with status 429 that says when to come back, and keeps what was typed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import AccessRequest, Event
from jitportal.rules.limits import Limit
from tests.undone import undone
from tests.web.world import World, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield small_world()


def _client(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world[username])
    return client


def test_requests(world: World, settings: LazySettings) -> None:
    settings.LIMITS = {**settings.LIMITS, "request": Limit(1, 600)}
    client, before = _client(world, "rita"), AccessRequest.objects.count()
    said = {
        "scope": "left",
        "minutes_number": "20",
        "minutes_unit": "minutes",
        "start_mode": "at_once",
        "justification": "There is <much> work to do.",
    }
    client.post("/request/jit/door/", {**said, "scope": "all"})
    answer = client.post("/request/jit/cage/", said)
    assert answer.status_code == 429
    assert 500 < int(answer.headers["Retry-After"]) <= 600
    html = answer.content.decode()
    assert "You have made many requests in a short time. Try again in 10 minutes." in html
    assert "There is &lt;much&gt; work to do." in html
    assert AccessRequest.objects.count() <= before + 1
    mine = AccessRequest.objects.open().filter(requester__username="rita").latest("pk")
    changes = {**said, "scope": mine.scope.key, "revision": str(mine.asked.number)}
    assert client.post(f"/requests/{mine.pk}/edit/", changes).status_code == 429
    number = mine.asked.number
    mine.refresh_from_db()
    assert mine.asked.number == number


def test_searches(world: World, settings: LazySettings) -> None:
    settings.LIMITS = {**settings.LIMITS, "search": Limit(2, 60)}
    client = _client(world, "auda")
    for address in ("/record/", "/request/?q=door"):
        assert client.get(address).status_code == 200
    for address in ("/request/?q=cage", "/record/?q=cage"):
        answer = client.get(address)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert 'value="cage"' in answer.content.decode()
        assert "You have searched very often in a short time." in answer.content.decode()
    assert client.get("/request/").status_code == 200  # the page itself is no search
    assert _client(world, "rita").get("/request/?q=cage").status_code == 200


def test_exports(world: World, settings: LazySettings) -> None:
    settings.LIMITS = {**settings.LIMITS, "export": Limit(1, 60)}
    client = _client(world, "auda")
    assert client.post("/record/export/", {"kind": "CSV"}).status_code == 200
    answer = client.post("/record/export/", {"kind": "CSV"})
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers
    assert Event.objects.filter(verb="record.exported").count() == 1

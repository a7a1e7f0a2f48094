"""The command palette finds what one may go to, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from tests.undone import undone
from tests.web.world import World, small_world

Found = Callable[..., list[str]]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), undone():
        yield small_world()


@pytest.fixture
def found(world: World, db: None) -> Found:
    """The labels that somebody finds with these words, asked as the dialog asks."""

    def labels(username: str, words: str) -> list[str]:
        client = Client()
        client.force_login(world[username])
        answer = client.get("/go/", {"q": words}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        page = answer.content.decode()
        assert "<html" not in page
        return re.findall(r'palette-label">([^<]*)<', page)

    return labels


def test_pages_are_those_that_one_sees(found: Found) -> None:
    assert "Record" in found("auda", "")
    assert "Record" not in found("sam", "")
    assert found("sam", "queue") == ["Queue"]
    assert found("paul", "propose") == ["Propose a change"]
    assert found("sam", "propose") == []


def test_roles_are_those_that_one_may_request(found: Found) -> None:
    assert "Request Server room door" in found("rita", "door")
    assert not [label for label in found("sam", "door") if label.startswith("Request ")]


def test_ones_own_access_comes_before_all_else(found: Found, world: World) -> None:
    assert found("rita", "")[0].startswith("Server cage") or found("rita", "")[0].startswith("Server room")
    assert not [label for label in found("sam", "") if label.startswith("Server")]


def test_a_number_leads_to_what_one_may_see(found: Found, world: World) -> None:
    pending = world.things["rita"].pending
    assert found("rita", str(pending.pk))[0].startswith("Key cabinet")
    assert found("sam", str(pending.pk)) == []
    assert found("rita", "9" * 30) == []
    assert found("rita", "٣") == []


def test_what_cannot_be_looked_for_is_an_error_of_the_field(world: World, db: None) -> None:
    client = Client()
    client.force_login(world["rita"])
    answer = client.get("/go/", {"q": "x" * 201})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()

"""The settled organisation, and somebody's browser in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from tests.undone import undone
from tests.web.world import World, settled

As = Callable[[str], Client]


def words(answer: Any) -> str:
    """The page as its reader gets it."""
    return str(answer.content.decode())


@pytest.fixture(scope="module")
def settled_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Everybody and the policy, made once for a module."""
    with django_db_blocker.unblock(), undone():
        yield settled()


@pytest.fixture
def world(settled_world: World, db: None) -> World:
    """Everybody and the policy; nobody has asked for anything."""
    return settled_world.as_stored()


@pytest.fixture
def as_(world: World) -> As:
    """A client that has signed in as this person."""

    def signed_in(username: str) -> Client:
        client = Client()
        client.force_login(world[username])
        return client

    return signed_in

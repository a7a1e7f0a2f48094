"""The settled organisation, and somebody's browser in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from jitportal.models import Person
from tests.web.world import World, settled, small_world

As = Callable[[str], Client]


def words(answer: Any) -> str:
    """The page as its reader gets it."""
    return str(answer.content.decode())


@pytest.fixture
def world(db: None) -> World:
    """Everybody and the policy; nobody has asked for anything."""
    return settled()


@pytest.fixture
def busy_world(db: None) -> World:
    """Everybody, with the powers elevated and something in every state."""
    return small_world()


@pytest.fixture
def as_(db: None) -> As:
    """A client that has signed in as this person."""

    def signed_in(username: str) -> Client:
        client = Client()
        client.force_login(Person.objects.get(username=username))
        return client

    return signed_in

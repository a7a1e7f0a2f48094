"""The settled organisation, and somebody's browser in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.web.world import World

As = Callable[[str], Client]


def words(answer: Any) -> str:
    """The page as its reader gets it."""
    return str(answer.content.decode())


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

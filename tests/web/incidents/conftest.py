"""A small world with a review in it that waits for its determination, and somebody's browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from tests.undone import undone
from tests.web.incidents.filled import As
from tests.web.world import World, small_world


@pytest.fixture(scope="package")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once for all of them."""
    with django_db_blocker.unblock(), undone():
        yield small_world()


@pytest.fixture
def as_(made: World, db: None) -> As:
    """A signed-in client of somebody."""

    def client(username: str) -> Client:
        one = Client()
        one.force_login(made[username])
        return one

    return client


@pytest.fixture
def address(made: World) -> str:
    return f"/emergency/reviews/{made.incident}/"

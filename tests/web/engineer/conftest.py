"""Fixtures of the engineer's pages: the house, and a browser's stand-in for each person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from jitportal.models import Person
from tests.web.engineer.house import build

SignedIn = Callable[[str], Client]


@pytest.fixture
def house(db: None) -> dict[str, Person]:
    cache.clear()
    return build()


@pytest.fixture
def as_(house: dict[str, Person]) -> SignedIn:
    """A client that has signed in as this person."""

    def signed_in(username: str) -> Client:
        client = Client()
        client.force_login(house[username])
        return client

    return signed_in


@pytest.fixture
def ed(as_: SignedIn) -> Client:
    return as_("ed")

"""Fixtures of the engineer's pages: the house, and a browser's stand-in for each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import Person
from tests.undone import undone
from tests.web.engineer.house import build

SignedIn = Callable[[str], Client]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Everybody and the policy, made once for a module."""
    with django_db_blocker.unblock(), undone():
        build()
        yield


@pytest.fixture
def house(built: None, db: None) -> dict[str, Person]:
    cache.clear()
    return {person.username: person for person in Person.objects.filter(is_system=False)}


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

"""A small organisation, made once for a module; and a real OpenID Connect provider on loopback, in a process
of its own: one for all tests of a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django.plugin import DjangoDbBlocker

from jitportal.sign_on_settings import SignOn
from tests.provider.running import CLIENT, SECRET, RunningProvider, provider_running
from tests.undone import undone
from tests.web.signing_on import CALLBACK, RITA, RULES
from tests.web.world import World, settled


@pytest.fixture(scope="module")
def settled_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Everybody and the policy; nobody has asked for anything."""
    with django_db_blocker.unblock(), undone():
        yield settled()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    with provider_running(tmp_path_factory.mktemp("provider"), CALLBACK) as provider:
        yield provider


@pytest.fixture
def provider(running: RunningProvider, settings: Any) -> RunningProvider:
    cache.clear()
    running.lie()
    running.people(rita=RITA)
    settings.SIGN_ON = SignOn(running.issuer, CLIENT, SECRET, name="Example", claims=RULES)
    return running

"""A real OpenID Connect provider on loopback, in a process of its own: one for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from jitportal.sign_on_settings import SignOn
from tests.provider.running import CLIENT, SECRET, RunningProvider, provider_running
from tests.web.signing_on import CALLBACK, RITA, RULES


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

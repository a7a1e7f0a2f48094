"""The small portal that these tests stand in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from jitportal.management.private_postgres import PrivatePostgres
from jitportal.operations import clock
from tests.connectors.conftest import UNSWEPT, installed_server
from tests.connectors.postgres_target import PASSWORD, PostgresTarget
from tests.operations import emergency_world, logging_postgres, world
from tests.operations.memory_target import POLICY, MemoryTarget, put_in
from tests.operations.postgres_rack import SECRET, forget_leases
from tests.proofs import invariants
from tests.undone import undone

__all__ = ["installed_server"]


@pytest.fixture(scope="module")
def settled_portal(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The small portal, made once for a module. Where some tests of a module stand in another world, or
    commit, the module makes it anew for each: see ``test_peers``.
    """
    with django_db_blocker.unblock(), undone():
        world.settle()
        yield


@pytest.fixture
def small_portal(settled_portal: None, db: None) -> None:
    """The cast, their teams and the first policy."""


@pytest.fixture
def shared_portal(transactional_db: None) -> None:
    """The same, committed: other connections see it."""
    world.settle()


@pytest.fixture(scope="module")
def settled_with_memory(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The small portal with a target in memory, made once for a module."""
    with django_db_blocker.unblock(), undone():
        world.settle(POLICY)
        yield


@pytest.fixture
def target(settled_with_memory: None, db: None, monkeypatch: pytest.MonkeyPatch) -> MemoryTarget:
    """The small portal with a target in memory, in the place of its rack."""
    target = MemoryTarget()
    put_in(monkeypatch, lambda: target)
    return target


@pytest.fixture(scope="module")
def break_glass_policy() -> str:
    """A module may have its own."""
    return emergency_world.POLICY


@pytest.fixture(scope="module")
def settled_with_break_glass(
    break_glass_policy: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Accounts for emergencies, and a service that is told of each use; made once for a module."""
    with django_db_blocker.unblock(), undone(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "WEBHOOKS", emergency_world.SIEM)
        world.settle(break_glass_policy)
        yield


@pytest.fixture
def rack(settled_with_break_glass: None, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryTarget]:
    """What those accounts get into. Whatever a test has done, every use is whole at its end."""
    monkeypatch.setattr(settings, "WEBHOOKS", emergency_world.SIEM)
    target = MemoryTarget()
    put_in(monkeypatch, lambda: target)
    yield target
    invariants.emergencies(clock.now())


@pytest.fixture(scope="session")
def logging_server() -> Iterator[PrivatePostgres]:
    """A server that logs statements and sign-ins; one for all that read its log."""
    with logging_postgres.logging_server() as server:
        yield server


@pytest.fixture
def server(installed_server: PrivatePostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresTarget]:
    """A real PostgreSQL server, to be the rack: see ``postgres_rack``."""
    monkeypatch.setenv(SECRET, PASSWORD)
    installed_server.start()
    target = PostgresTarget(installed_server, database=UNSWEPT, portal="jitportal_unswept")
    forget_leases(target)
    yield target
    target.close()

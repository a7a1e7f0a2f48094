"""The small portal that these tests stand in."""

from __future__ import annotations

import pytest

from tests.operations import world
from tests.operations.memory_target import POLICY, MemoryTarget, put_in


@pytest.fixture
def small_portal(db: None) -> None:
    """The cast, their teams and the first policy."""
    world.settle()


@pytest.fixture
def shared_portal(transactional_db: None) -> None:
    """The same, committed: other connections see it."""
    world.settle()


@pytest.fixture
def target(db: None, monkeypatch: pytest.MonkeyPatch) -> MemoryTarget:
    """The small portal with a target in memory, in the place of its rack."""
    world.settle(POLICY)
    target = MemoryTarget()
    put_in(monkeypatch, lambda: target)
    return target

"""The small portal that these tests stand in."""

from __future__ import annotations

import pytest

from tests.operations import world


@pytest.fixture
def small_portal(db: None) -> None:
    """The cast, their teams and the first policy."""
    world.settle()


@pytest.fixture
def shared_portal(transactional_db: None) -> None:
    """The same, committed: other connections see it."""
    world.settle()

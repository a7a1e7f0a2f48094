"""Several people at the same moment, over real connections, twenty times each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.operations.races import RACES

pytestmark = pytest.mark.proof

TIMES = 20


@pytest.mark.parametrize("told", RACES, ids=lambda race: race.__name__)
def test_race(told: Callable[[], None], shared_portal: None) -> None:
    for _ in range(TIMES):
        told()

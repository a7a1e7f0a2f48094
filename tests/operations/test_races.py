"""Several people at the same moment, over real connections: one success, and clear conflicts.

``tests/proofs/test_races.py`` tells each of them twenty times.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.operations.races import RACES


@pytest.mark.parametrize("told", RACES, ids=lambda race: race.__name__)
def test_race(told: Callable[[], None], shared_portal: None) -> None:
    told()

"""Races for an emergency account, on whichever database the tests run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings

from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.memory_target import MemoryTarget, put_in
from tests.operations.races_of_emergencies import OF_EMERGENCIES


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("story", OF_EMERGENCIES, ids=lambda story: story.__name__)
def test_one_wins_and_the_others_hear_why(
    story: Callable[[], None], settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOKS = house.SIEM
    target = MemoryTarget()
    put_in(monkeypatch, lambda: target)
    world.settle(house.POLICY)
    story()

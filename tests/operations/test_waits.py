"""How long decisions take: measured from what is stored, of what was decided, one query for many roles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from jitportal.models import AccessRequest, Role
from jitportal.operations import clock, requests, waits
from jitportal.rules.waiting import BY_SYSTEM, LEAST_DECISIONS, Path, UsualWait
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

Counted = Callable[[int], AbstractContextManager[object]]
MANAGER: Path = ((1, ("manager ",)),)


def decided(minutes: float, *, role: str = "auditor", who: str = "rita", deny: bool = True) -> AccessRequest:
    """A request of yesterday, decided after so many minutes."""
    yesterday = clock.now() - timedelta(days=1)
    with world.at(yesterday):
        request = world.ask(who, role)
    with world.at(yesterday + timedelta(minutes=minutes)):
        world.deny("mona", request) if deny else world.approve("mona", request)
    return request


def of(*keys: str) -> dict[tuple[str, Path], UsualWait]:
    names = dict(Role.objects.filter(key__in=keys).values_list("pk", "key"))
    found = waits.usual_waits(set(names), clock.now())
    return {(names[role_id], path): wait for (role_id, path), wait in found.items()}


def spoken(wait: UsualWait) -> tuple[int, int, int]:
    assert wait.half is not None
    assert wait.most is not None
    minute = timedelta(minutes=1)
    return wait.decisions, round(wait.half / minute), round(wait.most / minute)


def test_approvals_and_denials_count_from_sending_to_the_verdict() -> None:
    for minutes in (2, 4, 6, 8):
        decided(minutes)
    decided(50, deny=False)
    assert list(of("auditor")) == [("auditor", MANAGER)]
    assert spoken(of("auditor")["auditor", MANAGER]) == (5, 6, 50)


def test_what_nobody_decided_tells_nothing() -> None:
    yesterday = clock.now() - timedelta(days=1)
    with world.at(yesterday):
        withdrawn, _lapsed = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    with world.at(yesterday + timedelta(minutes=5)):
        requests.withdraw(actor=world.person("rita"), request=withdrawn)
    requests.lapse_due()
    world.ask("rosa", "auditor")  # waits
    assert of("auditor") == {}


def test_a_changed_request_counts_from_its_change() -> None:
    yesterday = clock.now() - timedelta(days=1)
    with world.at(yesterday):
        request = world.ask("rita", "auditor")
    with world.at(yesterday + timedelta(minutes=30)):
        wish = world.asking("auditor", minutes=20)
        requests.edit(actor=world.person("rita"), request=request, ask=wish, revision=1)
    with world.at(yesterday + timedelta(minutes=40)):
        world.deny("mona", request)
    for _ in range(LEAST_DECISIONS - 1):
        decided(10)
    assert spoken(of("auditor")["auditor", MANAGER]) == (5, 10, 10)


def test_what_the_system_approved_is_counted_apart() -> None:
    for _ in range(LEAST_DECISIONS):
        decided(20, role="quick")
    with world.at(clock.now() - timedelta(hours=2)):
        world.ask("remy", "quick", ticket="INC-7", minutes=15)
    found = of("quick")
    assert spoken(found["quick", MANAGER]) == (5, 20, 20)
    assert found["quick", BY_SYSTEM] == UsualWait(1)


def test_only_the_last_weeks_and_the_latest_of_each_role_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "MOST", 6)
    for minutes in (90, 80, 70):
        with world.at(clock.now() - timedelta(hours=minutes)):
            decided(minutes)
    for _ in range(6):
        decided(3)
        decided(9, role="quick")
    found = of("auditor", "quick")
    assert spoken(found["auditor", MANAGER]) == (6, 3, 3)
    assert spoken(found["quick", MANAGER]) == (6, 9, 9)
    with world.later(days=30):
        assert of("auditor", "quick") == {}


def test_many_roles_cost_one_query(django_assert_num_queries: Counted) -> None:
    decided(3)
    decided(3, role="quick")
    roles = set(Role.objects.values_list("pk", flat=True))
    now = clock.now()
    with django_assert_num_queries(1):
        assert len(waits.usual_waits(roles, now)) == 2
    with django_assert_num_queries(0):
        assert waits.usual_waits([], now) == {}

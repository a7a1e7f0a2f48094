"""Windows of one person, role and scope never share a moment; those that only touch are welcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jitportal.models import Grant
from jitportal.operations import grants
from jitportal.operations.asking import Ask
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.vocabulary import GrantStatus, RequestStatus
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def give(ask: Ask) -> Grant:
    return world.approve_all(world.submit("rita", ask))


def test_a_second_grant_at_the_same_time_is_refused_when_it_is_asked_for() -> None:
    held = world.granted("rita", "auditor", minutes=30)
    with pytest.raises(PolicyRefuses, match=f"grant {held.pk}") as refusal:
        world.ask("rita", "auditor")
    assert refusal.value.field == "opens_at"
    world.granted("remy", "auditor")
    world.granted("rita", "writer", scope="left")
    world.granted("rita", "writer", scope="right")


def test_one_ahead_doesnt_block_now_nor_now_one_ahead() -> None:
    ahead = give(world.scheduled("auditor", 3 * HOUR, minutes=60))
    now = give(world.asking("auditor", minutes=60))
    assert (ahead.status, now.status) == (GrantStatus.READY, GrantStatus.PROVISIONING)
    give(world.scheduled("auditor", 10 * HOUR, minutes=60))
    with pytest.raises(PolicyRefuses, match="starts by itself"):
        world.submit("rita", world.scheduled("auditor", 3 * HOUR + 30 * MINUTE))
    with pytest.raises(PolicyRefuses, match="starts by itself"):
        world.submit("rita", world.on_click("auditor", 90 * MINUTE, 150 * MINUTE, minutes=31))


def test_two_that_touch() -> None:
    first = world.scheduled("operator", 2 * HOUR, minutes=60)
    assert first.opens_at is not None
    give(first)
    give(replace(first, opens_at=first.opens_at + HOUR))
    give(replace(first, opens_at=first.opens_at - HOUR))


def test_a_late_start_gives_way_to_the_next_one() -> None:
    ask = world.scheduled("operator", HOUR, minutes=60)
    first = give(ask)
    second = give(replace(ask, opens_at=first.opens_at + HOUR))
    with world.at(first.opens_at + 10 * MINUTE):  # the portal was down
        grants.start_due()
    with world.at(second.opens_at + SECOND):
        grants.expire_due()
        grants.start_due()
    first, second = world.now_of(first), world.now_of(second)
    assert first.ends_at == second.opens_at, "ten minutes shorter, and the second one whole"
    assert second.starts_at is not None
    assert second.ends_at == second.starts_at + HOUR


def test_a_click_window_blocks_all_that_could_come_of_it() -> None:
    give(world.on_click("auditor", HOUR, 2 * HOUR, minutes=60))
    with pytest.raises(PolicyRefuses):
        world.submit("rita", world.scheduled("auditor", 2 * HOUR + 59 * MINUTE, minutes=10))
    with pytest.raises(PolicyRefuses):
        world.submit("rita", world.scheduled("auditor", 30 * MINUTE, minutes=31))
    give(world.scheduled("auditor", 3 * HOUR + MINUTE, minutes=10))
    give(world.scheduled("auditor", 30 * MINUTE, minutes=29))


def test_removing_blocks_nothing() -> None:
    held = world.live("rita", "door", minutes=60)
    world.carry_out()
    world.work()
    grants.hand_back(actor=world.person("rita"), grant=held)
    world.work()
    assert world.now_of(held).status == GrantStatus.REMOVING, "nobody has taken the key back yet"
    again = world.granted("rita", "door", minutes=60)
    assert again.status == GrantStatus.PROVISIONING
    assert again.lease == world.now_of(held).lease


def test_a_late_approval_that_would_run_into_the_next_one_is_refused_whole() -> None:
    waits = world.scheduled("auditor", 30 * MINUTE, minutes=30)
    give(world.scheduled("auditor", 70 * MINUTE, minutes=30))
    request = world.submit("rita", waits)
    with world.later(minutes=45), pytest.raises(PolicyRefuses, match="starts by itself"):
        world.approve("mona", request)
    request.refresh_from_db()
    assert (request.status, request.approvals.count()) == (RequestStatus.PENDING, 0)
    with world.later(minutes=38):
        world.approve("mona", request)

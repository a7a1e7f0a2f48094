"""The total cap holds however the stretch is put together: renewals, new requests, planned windows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import Grant
from jitportal.operations import grants, requests
from jitportal.operations.asking import Ask
from jitportal.rules.errors import InvalidInput
from jitportal.rules.policy import Outcome
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# The auditor's role: 60 minutes at a time, 100 in one stretch, which a break of an hour ends.


def give(ask: Ask, who: str = "rita") -> Grant:
    return world.approve_all(world.submit(who, ask))


def test_planned_windows_one_after_another_are_one_stretch() -> None:
    give(world.scheduled("auditor", 2 * HOUR, minutes=50))
    give(world.scheduled("auditor", 2 * HOUR + 50 * MINUTE, minutes=50))
    for start in (2 * HOUR + 100 * MINUTE, 2 * HOUR - 2 * MINUTE, 5 * HOUR - 21 * MINUTE):
        with pytest.raises(InvalidInput, match="used up"):
            world.submit("rita", world.scheduled("auditor", start, minutes=1))
    give(world.scheduled("auditor", 5 * HOUR - 20 * MINUTE + MINUTE, minutes=30))


def test_a_window_that_joins_two_stretches_counts_both() -> None:
    give(world.scheduled("auditor", HOUR, minutes=45))
    give(world.scheduled("auditor", 3 * HOUR, minutes=45))
    with pytest.raises(InvalidInput, match="Ask for 10 minutes or less"):
        world.submit("rita", world.scheduled("auditor", 2 * HOUR + 20 * MINUTE, minutes=11))
    give(world.scheduled("auditor", 2 * HOUR + 20 * MINUTE, minutes=10))


def test_a_new_request_right_after_an_end_goes_on_with_the_stretch() -> None:
    world.live("rita", "auditor", minutes=60)
    with world.later(minutes=61):
        world.work()
        with pytest.raises(InvalidInput, match="1 hour of it are used") as refusal:
            world.submit("rita", world.asking("auditor", minutes=41))
        assert [problem.field for problem in refusal.value.problems] == ["minutes"]
        assert requests.preview(
            actor=world.person("rita"), ask=world.asking("auditor", minutes=41)
        ).outcome is (Outcome.REFUSE)
        world.submit("rita", world.asking("auditor", minutes=40))


def test_after_a_break_the_total_is_counted_anew() -> None:
    world.live("rita", "auditor", minutes=60)
    with world.later(minutes=121):
        world.work()
        give(world.asking("auditor", minutes=60))


def test_what_was_handed_back_counts_as_long_as_it_was_held() -> None:
    held = world.live("rita", "auditor", minutes=60)
    with world.later(minutes=5):
        grants.hand_back(actor=world.person("rita"), grant=held)
        world.work()
    with world.later(minutes=6):
        give(world.asking("auditor", minutes=60))


def test_what_was_never_started_does_not_count() -> None:
    ready = give(world.on_click("auditor", 10 * MINUTE, 20 * MINUTE, minutes=60))
    grants.hand_back(actor=world.person("rita"), grant=ready)
    give(world.scheduled("auditor", 10 * MINUTE, minutes=60))


def test_others_and_other_roles_do_not_count() -> None:
    give(world.scheduled("auditor", 2 * HOUR, minutes=60))
    give(world.scheduled("operator", 3 * HOUR, minutes=60))
    give(world.scheduled("auditor", 3 * HOUR, minutes=60), "remy")
    with pytest.raises(InvalidInput, match="Ask for 40 minutes or less"):
        world.submit("rita", world.scheduled("auditor", 3 * HOUR, minutes=60))


def test_an_edit_keeps_to_the_total() -> None:
    give(world.scheduled("auditor", 2 * HOUR, minutes=60))
    request = world.submit("rita", world.scheduled("auditor", 3 * HOUR, minutes=40))
    with pytest.raises(InvalidInput, match="Ask for 40 minutes or less"):
        requests.edit(
            actor=world.person("rita"),
            request=request,
            ask=world.scheduled("auditor", 3 * HOUR, minutes=41),
            revision=1,
        )


@pytest.mark.parametrize("years", [8_000, 900])
def test_a_start_at_the_end_of_time_is_refused_in_words(years: int) -> None:
    far = world.scheduled("auditor", timedelta(days=365 * years - 20_000), minutes=60)
    with pytest.raises(InvalidInput, match="ahead at most"):
        world.submit("rita", far)

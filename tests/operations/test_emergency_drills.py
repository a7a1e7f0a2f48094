"""Drills: marked everywhere, forewarned, and never in the way of an emergency."""

from __future__ import annotations

import pytest

from jitportal.models import Activation, Event, Notice, WebhookDelivery
from jitportal.operations import emergencies
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed
from jitportal.rules.vocabulary import ActivationStatus, EndReason
from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.memory_target import MemoryTarget

pytestmark = pytest.mark.usefixtures("rack")


def told(kind: str) -> set[str]:
    return set(Notice.objects.filter(kind=kind).values_list("recipient__username", flat=True))


def test_a_drill_is_marked_everywhere_and_forewarned() -> None:
    activation = house.activate(drill=True)
    assert activation.review.drill
    assert told("emergency.drill_announced") == {"sven", "sara"}
    subjects = set(Notice.objects.filter(kind="emergency.opened").values_list("subject", flat=True))
    assert subjects == {"Drill: Emergency access: Rita uses Rescue one"}
    assert "practises" in Event.objects.get(verb="emergency.opened").sentence
    assert '"drill":true' in WebhookDelivery.objects.get(kind="emergency.opened").body


def test_a_drill_gives_way_to_an_emergency(rack: MemoryTarget) -> None:
    drill = house.live("rita", drill=True)
    real = house.activate("rita")
    ended = house.now_of(drill)
    assert (ended.status, ended.end_reason) == (ActivationStatus.ENDING, EndReason.GAVE_WAY)
    assert (ended.end_note, ended.stopped_by) == (emergencies.GIVES_WAY, world.person("rita"))
    assert '"end_reason":"gave_way"' in WebhookDelivery.objects.get(kind="emergency.ended").body
    assert ended.review.due_at is not None
    assert (real.status, real.drill) == (ActivationStatus.OPEN, False)
    world.work()
    assert house.now_of(drill).status == ActivationStatus.ENDED
    assert set(rack.who_holds()) == {real.account.login}


def test_somebody_elses_drill_of_the_same_login_goes_first(rack: MemoryTarget) -> None:
    drill = house.live("rita", drill=True)
    with pytest.raises(Conflict, match=r"^Rita's use of Rescue one has ended.*again in a few seconds\.$"):
        house.activate("remy")
    assert house.now_of(drill).stopped_by == world.person("remy")
    assert "rita" in told("emergency.ended")
    world.work()
    assert rack.who_holds() == {}
    assert house.activate("remy").status == ActivationStatus.OPEN


def test_a_claim_that_is_wrong_ends_no_drill() -> None:
    drill = house.live("rita", drill=True)
    with pytest.raises(InvalidInput):
        house.activate("remy", minutes=100_000)
    assert house.now_of(drill).status == ActivationStatus.OPEN


def test_a_drill_gives_way_to_no_other_drill() -> None:
    house.activate("rita", drill=True)
    with pytest.raises(Conflict, match="already, for a drill"):
        house.activate("remy", drill=True)


def test_an_emergency_gives_way_to_nothing() -> None:
    first = house.activate("rita")
    with pytest.raises(Conflict):
        house.activate("remy")
    with pytest.raises(Conflict):
        house.activate("remy", drill=True)
    assert house.now_of(first).status == ActivationStatus.OPEN


def test_whoever_may_not_activate_ends_no_drill() -> None:
    drill = house.activate("rita", drill=True)
    with pytest.raises(NotAllowed):
        house.activate("eve")
    assert Activation.objects.get() == drill
    assert house.now_of(drill).status == ActivationStatus.OPEN

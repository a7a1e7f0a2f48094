"""A whole emergency by the verbs alone: activated, used, handed back, stated, determined, rotated, signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jitportal.models import PostIncidentReview
from jitportal.operations import (
    emergencies,
    emergency_alerts,
    post_incident_closing,
    post_incident_drills,
    post_incident_steps,
)
from jitportal.rules.errors import Conflict, OutsideError
from jitportal.rules.post_incident_words import Classification
from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.incidents import DONE, FOUND, SAID, determine, sign, use_of
from tests.operations.memory_target import Fault, MemoryTarget
from tests.operations.world import person

POLICY = house.POLICY.replace(
    "      entitlement: rescue door\n", "      entitlement: rescue door\n      login: dynamic\n"
)


@pytest.fixture(scope="module")
def break_glass_policy() -> str:
    return POLICY


def used(**said: Any) -> PostIncidentReview:
    """Rita's, handed back: its login still waits to be taken away."""
    activation = house.live("rita", **said)
    emergencies.hand_back(actor=person("rita"), activation=activation)
    return PostIncidentReview.objects.get(activation=activation)


def determined(review: PostIncidentReview, **found: Any) -> PostIncidentReview:
    post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
    return determine("otto", review, replace(FOUND, **found))


def test_the_portal_rotates_what_was_made_for_the_activation_and_keeps_the_proof(rack: MemoryTarget) -> None:
    review = used()
    with pytest.raises(OutsideError, match="still holds"):
        post_incident_closing.rotate(actor=person("dora"), review=review)
    world.work()
    rack.faults.append(Fault.UNREACHABLE)
    with pytest.raises(OutsideError, match="could not be asked"):
        post_incident_closing.rotate(actor=person("dora"), review=review)
    with pytest.raises(Conflict, match="the portal asks the target"):
        post_incident_closing.confirm_rotation(actor=person("dora"), review=review, evidence="Done.")
    review = post_incident_closing.rotate(actor=person("dora"), review=review)
    assert "was made for this activation alone" in review.rotation_proof
    assert use_of(review).grant.account in review.rotation_proof
    post_incident_steps.remediate(actor=person("otto"), review=determined(review), done=DONE)
    assert sign("otto", review).status == "closed"


def test_a_drill_takes_the_same_path_and_measures_the_alert(rack: MemoryTarget) -> None:
    activation = house.activate("rita", drill=True)
    with world.later(seconds=30):
        emergency_alerts.acknowledge(actor=person("sven"), activation=activation)
    world.work()
    emergencies.hand_back(actor=person("rita"), activation=activation)
    world.work()
    review = determined(
        PostIncidentReview.objects.get(activation=activation), classification=Classification.DRILL
    )
    post_incident_closing.rotate(actor=person("dora"), review=review)
    post_incident_drills.note(
        actor=person("dora"),
        review=review,
        scenario="The provider is away.",
        custody_checked=True,
        custody_note="",
        resealed=True,
    )
    post_incident_steps.remediate(actor=person("otto"), review=review, done=DONE)
    review = sign("otto", review)
    assert review.alert_seconds == pytest.approx(30, abs=2)
    assert review.account.last_drilled_at == review.access_ended_at

"""Break-glass: activated at once, told to everybody, ended by whom the policy names, never quietly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from jitportal.models import AccessRequest, Activation, ActivationAlert, Event, Grant, Notice, WebhookDelivery
from jitportal.operations import clock, emergencies, emergency_alerts, grants, policies, requests
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed, PolicyRefuses
from jitportal.rules.vocabulary import (
    ActivationStatus,
    AlertCause,
    EndReason,
    GrantStatus,
    Pathway,
    ProbeSays,
    RequestStatus,
    ReviewStatus,
)
from tests.operations import emergency_world as house
from tests.operations import world
from tests.operations.memory_target import MemoryTarget
from tests.operations.world import person

pytestmark = pytest.mark.usefixtures("rack")

SECOND = timedelta(seconds=1)


def causes(activation: Activation) -> dict[str, str]:
    rows = ActivationAlert.objects.filter(activation=activation)
    return dict(rows.values_list("person__username", "cause"))


def told(kind: str) -> set[str]:
    return set(Notice.objects.filter(kind=kind).values_list("recipient__username", flat=True))


# what belongs together


def test_access_is_there_at_once_with_all_that_belongs_to_it(rack: MemoryTarget) -> None:
    activation = house.activate()
    grant = house.grant_of(activation)
    assert (grant.status, grant.pathway, grant.request) == (
        GrantStatus.PROVISIONING,
        Pathway.BREAK_GLASS,
        None,
    )
    assert (grant.starts_at, grant.ends_at) == (activation.opened_at, activation.ends_at)
    assert grant.entitles(clock.now())
    assert activation.review.status == ReviewStatus.STATEMENT
    assert activation.probe_said == ProbeSays.NO_PROBE
    event = Event.objects.get(verb="emergency.opened", activation=activation)
    assert event.sentence.startswith(
        "Rita has emergency access to Server rack with Rescue one for 30 minutes"
    )
    world.work()
    assert house.grant_of(activation).status == GrantStatus.ACTIVE
    assert rack.who_holds() == {"emergency1": activation.ends_at}


def test_everybody_who_must_hear_of_it_is_alerted_but_the_responder() -> None:
    activation = house.activate("remy")
    assert causes(activation) == {
        "sven": AlertCause.SECURITY_CONTACT,
        "sara": AlertCause.SECURITY_CONTACT,
        "otto": AlertCause.ROLE_OWNER,
        "mona": AlertCause.WOULD_DECIDE,
        "dora": AlertCause.WOULD_DECIDE,
        "dean": AlertCause.WOULD_DECIDE,
        "dina": AlertCause.WOULD_DECIDE,
    }
    assert told("emergency.opened") == set(causes(activation))
    notice = Notice.objects.get(kind="emergency.opened", recipient=person("sven"))
    assert notice.activation == activation
    assert notice.subject == "Emergency access: Remy uses Rescue one"
    assert {one["label"]: one["text"] for one in notice.details}["What is broken"] == house.BROKEN
    delivery = WebhookDelivery.objects.get(kind="emergency.opened")
    assert (delivery.endpoint, delivery.given_up_at) == ("siem", None)
    assert '"account":"rescue-1"' in delivery.body
    assert house.BROKEN not in delivery.body


def test_an_alert_is_acknowledged_once_and_only_by_whom_it_is_for() -> None:
    activation = house.activate()
    with world.later(seconds=42):
        alert = emergency_alerts.acknowledge(actor=person("sven"), activation=activation)
    assert alert.acknowledged_at is not None
    assert alert.acknowledged_at - alert.raised_at >= 41 * SECOND
    assert Event.objects.get(verb="emergency.acknowledged").data["seconds"] >= 41
    with pytest.raises(Conflict):
        emergency_alerts.acknowledge(actor=person("sven"), activation=activation)
    for who in ("rita", "eve"):
        with pytest.raises(NotAllowed):
            emergency_alerts.acknowledge(actor=person(who), activation=activation)


# who may, and what has to be said


@pytest.mark.parametrize("who", ["eve", "otto", "sven", "dora", "mark"])
def test_nobody_outside_the_population_activates(who: str) -> None:
    with pytest.raises(NotAllowed):
        house.activate(who)
    assert not Activation.objects.exists()


def test_whoever_left_activates_nothing() -> None:
    rita = person("rita")
    world.deactivate("rita")
    with pytest.raises(NotAllowed):
        emergencies.activate(actor=rita, claim=house.claim())


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"criterion": "nothing"}, "criterion"),
        ({"account": "rescue-9"}, "account"),
        ({"scope": "left"}, "scope"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 61}, "minutes"),
        ({"broken": "x"}, "broken"),
        ({"expected": " " * 40}, "expected"),
        ({"broken": "x" * 4_001}, "broken"),
        ({"incident": "I" * 101}, "incident"),
        ({"incident": "a\nb"}, "incident"),
        ({"role_key": "auditor"}, "role"),
    ],
)
def test_a_claim_has_to_be_whole(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        house.activate(**said)
    assert [problem.field for problem in refusal.value.problems] == [field]
    assert not Activation.objects.exists()


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        house.activate(minutes=99, broken="", expected="")
    assert {problem.field for problem in refusal.value.problems} == {"minutes", "broken", "expected"}


def test_nobody_asks_for_the_role_as_for_routine_access() -> None:
    with pytest.raises(InvalidInput):
        world.ask("rita", "rescue")


# one at a time


def test_an_account_is_used_by_one_at_a_time() -> None:
    first = house.activate("rita")
    with pytest.raises(Conflict, match=rf"Rita has activated Rescue one already.*activation {first.pk}"):
        house.activate("remy")
    with pytest.raises(Conflict, match=r"or take another account\. Who can end it: Dean\.$"):
        house.activate("remy")
    assert house.activate("remy", account="rescue-2").account.key == "rescue-2"


def test_one_person_holds_a_role_and_scope_once() -> None:
    house.activate("rita")
    with pytest.raises(PolicyRefuses):
        house.activate("rita", account="rescue-2")


def test_the_next_needs_no_worker_to_end_the_one_before(rack: MemoryTarget) -> None:
    first = house.live("rita", minutes=5)
    with world.later(minutes=5, seconds=1):
        second = house.activate("rita")
        assert house.now_of(first).status == ActivationStatus.ENDING
        assert house.now_of(first).stopped_at == first.ends_at
        world.work()
        assert rack.who_holds() == {"emergency1": second.ends_at}


# the end


def test_it_ends_by_itself_and_the_statement_falls_due(rack: MemoryTarget) -> None:
    activation = house.live(minutes=10)
    with world.later(minutes=10, seconds=1):
        world.work()
        ended = house.now_of(activation)
    assert (ended.status, ended.end_reason, ended.stopped_at) == (
        ActivationStatus.ENDED,
        EndReason.EXPIRED,
        activation.ends_at,
    )
    assert ended.ended_at is not None
    assert rack.who_holds() == {}
    assert ended.review.due_at is not None
    assert told("emergency.ended") == {*causes(activation), "rita"}
    assert WebhookDelivery.objects.filter(kind="emergency.ended").count() == 1


def test_the_responder_hands_it_back(rack: MemoryTarget) -> None:
    activation = house.live()
    with pytest.raises(NotAllowed):
        emergencies.hand_back(actor=person("remy"), activation=activation)
    given = emergencies.hand_back(actor=person("rita"), activation=activation, note="Mended.")
    assert (given.status, given.end_reason, given.end_note) == ("ending", EndReason.HANDED_BACK, "Mended.")
    world.work()
    assert house.now_of(activation).status == ActivationStatus.ENDED
    assert rack.who_holds() == {}
    assert "rita" not in told("emergency.ended")
    with pytest.raises(Conflict):
        emergencies.hand_back(actor=person("rita"), activation=activation)


@pytest.mark.parametrize("who", ["dean", "otto"])
def test_whom_the_policy_names_ends_it_with_a_reason(rack: MemoryTarget, who: str) -> None:
    activation = house.live()
    with pytest.raises(Invalid):
        emergencies.end(actor=person(who), activation=activation, reason="  ")
    ended = emergencies.end(actor=person(who), activation=activation, reason="The provider is back.")
    assert (ended.end_reason, ended.stopped_by) == (EndReason.REVOKED, person(who))
    world.work()
    assert rack.who_holds() == {}
    assert "rita" in told("emergency.ended")


@pytest.mark.parametrize("who", ["remy", "eve", "sara", "rita", "mona"])
def test_nobody_else_ends_it(who: str) -> None:
    activation = house.live()
    with pytest.raises(NotAllowed):
        emergencies.end(actor=person(who), activation=activation, reason="I would rather have it.")


def test_leaving_ends_it(rack: MemoryTarget) -> None:
    activation = house.live()
    world.deactivate("rita")
    assert house.now_of(activation).status == ActivationStatus.ENDING
    world.work()
    assert rack.who_holds() == {}


def test_revoking_its_grant_ends_the_activation_too() -> None:
    activation = house.live()
    grants.revoke(actor=person("otto"), grant=house.grant_of(activation), reason="It should not be.")
    assert house.now_of(activation).end_reason == EndReason.REVOKED


# going on


def test_an_extension_is_another_activation_and_interrupts_nothing(rack: MemoryTarget) -> None:
    first = house.live(minutes=20)
    rack.log_in("emergency1")
    with world.later(minutes=15):
        second = emergencies.extend(
            actor=person("rita"), activation=first, minutes=60, why="The restore takes longer than that."
        )
        world.work()
        assert (second.extension_of, second.account, second.criterion) == (
            first,
            first.account,
            first.criterion,
        )
        assert second.expected == "The restore takes longer than that."
        assert house.now_of(first).end_reason == EndReason.EXTENDED
        assert house.now_of(first).status == ActivationStatus.ENDED
        assert house.grant_of(second).status == GrantStatus.ACTIVE
        assert house.grant_of(second).lease == house.grant_of(first).lease
        assert rack.who_holds() == {"emergency1": second.ends_at}
        (held,) = rack.held.values()
        assert held.sessions == 1
        assert second.review != first.review
        assert told("emergency.ended") == set()
        with pytest.raises(Conflict):
            emergencies.extend(
                actor=person("rita"), activation=first, minutes=5, why="Once more, for the rest."
            )


def test_only_the_responder_extends_and_only_within_the_cap() -> None:
    activation = house.live()
    with pytest.raises(NotAllowed):
        emergencies.extend(
            actor=person("remy"), activation=activation, minutes=5, why="I would go on with it."
        )
    with pytest.raises(InvalidInput):
        emergencies.extend(
            actor=person("rita"), activation=activation, minutes=61, why="It takes much longer."
        )
    assert Activation.objects.count() == 1


# from a request


def test_it_takes_the_place_of_a_request_and_nothing_approved_carries_over() -> None:
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    activation = emergencies.activate(
        actor=person("rita"), claim=house.claim(), from_request=AccessRequest.objects.get(pk=request.pk)
    )
    request.refresh_from_db()
    assert (request.status, activation.from_request) == (RequestStatus.WITHDRAWN, request)
    assert Grant.objects.filter(request=request).count() == 0
    assert causes(activation)["dora"] == AlertCause.WOULD_DECIDE


def test_a_claim_that_is_refused_withdraws_nothing() -> None:
    request = world.ask("rita", "writer")
    with pytest.raises(InvalidInput):
        emergencies.activate(actor=person("rita"), claim=house.claim(criterion="none"), from_request=request)
    house.activate("remy")
    with pytest.raises(Conflict):
        emergencies.activate(actor=person("rita"), claim=house.claim(), from_request=request)
    request.refresh_from_db()
    assert request.status == RequestStatus.PENDING


def test_only_ones_own_open_request_is_withdrawn() -> None:
    others = world.ask("remy", "writer")
    with pytest.raises(NotAllowed):
        emergencies.activate(actor=person("rita"), claim=house.claim(), from_request=others)
    own = world.ask("rita", "writer")
    requests.withdraw(actor=person("rita"), request=own)
    with pytest.raises(Conflict):
        emergencies.activate(actor=person("rita"), claim=house.claim(), from_request=own)
    assert not Activation.objects.exists()


# the policy in force, and what the database itself keeps


def test_a_policy_that_names_somebody_no_longer_narrows_at_once() -> None:
    text = house.POLICY.replace("eligible: {people: [rita, remy]}", "eligible: {people: [remy]}")
    version = policies.current_version()
    assert version is not None
    world.empower("sara", "policy-editor")
    world.empower("sven", "policy-editor")
    proposed = policies.propose(actor=person("sara"), text=text)
    policies.approve(actor=person("sven"), version=proposed)
    policies.apply(actor=person("sara"), version=proposed)
    with pytest.raises(NotAllowed):
        house.activate("rita")


def test_the_database_refuses_a_second_open_activation_of_an_account() -> None:
    first = house.activate()
    first.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save(force_insert=True)

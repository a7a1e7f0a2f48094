"""Targets that fail, and workers that stand still: waited for, told of, and never believed to be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import Notice, Target
from jitportal.operations import clock, grants, leases, problems
from jitportal.operations.claims import CLAIM, GRANT, claim, still_claimed
from jitportal.operations.confirming import confirm
from jitportal.operations.leases import carry_out
from jitportal.rules.vocabulary import GrantStatus, Presence
from tests.operations import world
from tests.operations.memory_target import POLICY, Fault, MemoryConnector, MemoryTarget
from tests.operations.rack import door, give, lease_of, rack, remove, status

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

# A target that fails


def test_a_target_that_is_down_is_waited_for_and_never_said_to_be_live(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    target.faults.extend([Fault.UNREACHABLE, Fault.ANSWER_LOST])
    give()
    lease = lease_of(grant)
    assert (status(grant), lease.presence) == (GrantStatus.PROVISIONING, Presence.UNKNOWN)
    assert "no answer" in lease.last_error
    assert lease.failing_since is not None
    assert leases.due_targets(clock.now()) == [], "the target is left alone for a moment"
    with world.later(seconds=1.1):
        assert leases.due_targets(clock.now()) == [rack().pk]
        give()
    assert status(grant) == GrantStatus.PROVISIONING, "the answer was lost, so nothing is known"
    with world.later(seconds=4):
        world.work()
    lease = lease_of(grant)
    assert (status(grant), lease.failing_since, lease.attempts) == (GrantStatus.ACTIVE, None, 0)
    assert world.verbs(grant=grant)[2:] == ["grant.troubled", "grant.live", "grant.mended"]


def test_the_waits_grow_and_stay_below_a_minute(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    moment, waits = clock.now(), []
    for _ in range(10):
        target.faults.append(Fault.REFUSED)
        with world.at(moment):
            give()
        lease = lease_of(grant)
        assert lease.due_at is not None
        waits.append(int((lease.due_at - moment).total_seconds()))
        moment = lease.due_at
    assert waits == [1, 2, 4, 8, 15, 30, 60, 60, 60, 60]


def test_when_it_answers_again_nobody_waits_for_their_turn(target: MemoryTarget) -> None:
    waiting = world.granted("rita", "door")
    for _ in range(6):
        target.faults.append(Fault.REFUSED)
        with world.at(lease_of(waiting).due_at or clock.now()):
            give()
    Target.objects.get(key="rack")
    target.faults.append(Fault.UNREACHABLE)
    other = world.granted("remy", "door")
    with world.later(minutes=3):
        give()
        assert status(other) == GrantStatus.PROVISIONING
    with world.later(minutes=4):
        give()
        assert {status(waiting), status(other)} == {GrantStatus.ACTIVE}


def test_a_removal_that_fails_is_tried_at_least_every_quarter_of_a_minute(target: MemoryTarget) -> None:
    grant = door()
    grants.hand_back(actor=world.person("rita"), grant=grant)
    moment = clock.now()
    for _ in range(10):
        target.faults.append(Fault.REFUSED_FOR_GOOD)
        with world.at(moment):
            remove()
        lease = lease_of(grant)
        assert lease.due_at is not None
        assert lease.due_at - moment <= 15 * SECOND + timedelta(milliseconds=500)
        moment = lease.due_at
    assert status(grant) == GrantStatus.REMOVING
    with world.at(moment):
        world.work()
    assert status(grant) == GrantStatus.ENDED


def test_what_only_a_person_can_mend_is_still_tried_again(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door", minutes=60)
    target.faults.append(Fault.REFUSED_FOR_GOOD)
    give()
    lease = lease_of(grant)
    assert lease.due_at is not None
    assert 4 * MINUTE < lease.due_at - clock.now() <= 5 * MINUTE
    with world.later(minutes=61):
        world.work()
    grant = world.now_of(grant)
    assert (grant.status, grant.live_at) == (GrantStatus.ENDED, None)


def test_a_refused_order_spoils_no_other(target: MemoryTarget) -> None:
    world.apply_policy(world.changed(("entitlement: left door", "entitlement: no such thing"), text=POLICY))
    bad, good = world.granted("rita", "writer", scope="left"), world.granted("rita", "door")
    world.work()
    assert (status(bad), status(good)) == (GrantStatus.PROVISIONING, GrantStatus.ACTIVE)
    assert lease_of(bad).last_error == "There is no such thing here."


def test_a_connector_that_breaks_is_shown_and_tried_again(
    target: MemoryTarget, caplog: pytest.LogCaptureFixture
) -> None:
    grant = world.granted("rita", "door")
    target.faults.append(Fault.BROKEN)
    give()
    assert "broke (RuntimeError)" in lease_of(grant).last_error
    assert "A bug in the connector." in caplog.text
    with world.later(minutes=6):
        world.work()
    assert status(grant) == GrantStatus.ACTIVE


def test_a_target_whose_clock_is_wrong_is_given_nothing_and_relieved_of_all(target: MemoryTarget) -> None:
    held = door("remy")
    target.skew = timedelta(seconds=-3)
    with world.later(seconds=61):  # the check is a minute old
        waiting = world.granted("rita", "door")
        grants.hand_back(actor=world.person("remy"), grant=held)
        give()
        remove()
        assert (status(waiting), status(held)) == (GrantStatus.PROVISIONING, GrantStatus.ENDED)
        assert "-3.0 s from the portal's" in lease_of(waiting).last_error
    target.skew = timedelta()
    with world.later(seconds=70):
        world.work()
    assert status(waiting) == GrantStatus.ACTIVE


def test_its_health_is_asked_once_a_minute_and_not_for_each_grant(target: MemoryTarget) -> None:
    door("rita")
    door("remy")
    assert target.checks == 1
    with world.later(seconds=61):
        door("rosa")
    assert target.checks == 2


def test_a_target_that_left_the_policy_is_cleared_all_the_same(target: MemoryTarget) -> None:
    grant = door()
    text = POLICY.replace("migration, door]", "migration]").replace("writer, quick", "quick")
    text = text[: text.index("    rack:\n")] + text[text.index("  roles:\n") :]
    text = text[: text.index("    writer:\n")] + text[text.index("    quick:\n") :]
    world.apply_policy(text[: text.index("    door:\n")])
    assert rack().retired_at is not None
    with world.later(minutes=61):
        world.work()
    assert (target.held, status(grant)) == ({}, GrantStatus.ENDED)


# Workers that stand still


def test_a_claim_holds_against_a_second_worker(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    assert len(claim(rack(), GRANT, "first")) == 1
    assert claim(rack(), GRANT, "second") == []
    with world.at(clock.now() + CLAIM + SECOND):
        assert len(claim(rack(), GRANT, "second")) == 1
    assert lease_of(grant).claim == 2


def test_whoever_wakes_up_after_their_claim_calls_nobody(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    stalled = claim(rack(), GRANT, "stalled")
    with world.at(clock.now() + CLAIM + SECOND):
        give("other")
        assert status(grant) == GrantStatus.ACTIVE
        assert still_claimed(stalled) == []
    assert target.claims[lease_of(grant).handle] == 2


def test_whoever_wakes_up_and_was_not_replaced_goes_on(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    stalled = claim(rack(), GRANT, "stalled")
    with world.at(clock.now() + CLAIM + SECOND):
        called = still_claimed(stalled)
        assert [item.order for item in called] == [item.order for item in stalled]
        assert claim(rack(), GRANT, "other") == [], "the claim was renewed"
        confirm(called, carry_out(MemoryConnector(target), called, GRANT), fences=True)
    assert status(grant) == GrantStatus.ACTIVE


def test_a_call_that_arrives_late_is_fenced_off_and_its_answer_dropped(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    stalled = claim(rack(), GRANT, "stalled")
    with world.at(clock.now() + CLAIM + SECOND):
        grants.hand_back(actor=world.person("rita"), grant=grant)
        world.work()
        assert (target.held, status(grant)) == ({}, GrantStatus.ENDED)
        answers = carry_out(MemoryConnector(target), stalled, GRANT)
        confirm(stalled, answers, fences=True)
    assert target.held == {}
    assert lease_of(grant).presence == Presence.ABSENT
    assert lease_of(grant).last_error == ""


def test_a_late_call_to_a_target_that_can_not_fence_is_found_again(target: MemoryTarget) -> None:
    target.fences = False
    grant = world.granted("rita", "door")
    stalled = claim(rack(), GRANT, "stalled")
    with world.at(clock.now() + CLAIM + SECOND):
        grants.hand_back(actor=world.person("rita"), grant=grant)
        world.work(1)
        assert lease_of(grant).verify_again_at is not None
        answers = carry_out(MemoryConnector(target), stalled, GRANT)
        confirm(stalled, answers, fences=False)
        assert target.who_holds() != {}, "the late call was carried out"
        with world.at(lease_of(grant).verify_again_at or clock.now()):
            world.work(1)
    assert target.held == {}
    assert lease_of(grant).verify_again_at is None


# Problems, and who hears of them


def test_problems_show_late_removals_first(target: MemoryTarget) -> None:
    removing = door("remy")
    failing = world.granted("rita", "door")
    target.faults.append(Fault.REFUSED)
    give()
    grants.hand_back(actor=world.person("remy"), grant=removing)
    with world.later(seconds=2):
        target.faults.extend([Fault.REFUSED] * 3)
        give()
        remove()
    with world.later(seconds=5):
        found = problems.problems(clock.now())
        assert [(problem.removal, problem.late) for problem in found][:1] == [(True, False)]
    with world.later(seconds=90):
        found = problems.problems(clock.now())
        assert [(problem.removal, problem.late) for problem in found] == [(True, True), (False, False)]
        assert found[0].grants == (world.now_of(removing),)
        age = problems.overdue_removal_age(clock.now())
        assert age is not None
        assert age > 85 * SECOND
    assert status(failing) == GrantStatus.PROVISIONING


def test_where_nobody_operates_the_portal_now_those_who_could_are_paged(target: MemoryTarget) -> None:
    grant = door()
    target.log_in("rita")
    target.stubborn = 1
    grants.hand_back(actor=world.person("rita"), grant=grant)
    remove()
    with world.later(seconds=61):
        problems.page_late()
    pages = Notice.objects.filter(kind="removal.late").values_list("recipient__username", flat=True)
    assert set(pages) == {"otto", *world.TEAMS["platform"], *world.TEAMS["security"]}


def test_a_late_removal_pages_once_however_often_it_is_tried(target: MemoryTarget) -> None:
    grant = door()
    world.empower("sven", "operator")
    target.log_in("rita")
    target.stubborn = 1
    grants.hand_back(actor=world.person("rita"), grant=grant)
    remove()
    assert problems.page_late() == 0
    with world.later(seconds=61):
        for _ in range(3):
            problems.page_late()
            remove()
    pages = Notice.objects.filter(kind="removal.late")
    assert sorted(pages.values_list("recipient__username", flat=True)) == ["otto", "sven"]
    assert world.verbs(grant=grant).count("grant.late") == 1
    target.stubborn = 0
    with world.later(seconds=90):
        world.work()
    assert lease_of(grant).paged_at is None, "it may be late again another time"
    assert problems.problems(clock.now()) == []


def test_an_operator_has_it_tried_again_at_once(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    target.faults.append(Fault.UNREACHABLE)
    give()
    world.empower("sven", "operator")
    problems.retry(actor=world.person("sven"), lease=lease_of(grant))
    assert rack().pk in leases.due_targets(clock.now())
    give()
    assert status(grant) == GrantStatus.ACTIVE
    assert "lease.retried" in world.verbs(lease=lease_of(grant))


def test_a_late_removal_is_seen_however_much_waits_to_be_provisioned(target: MemoryTarget) -> None:
    late = door("rita")
    grants.hand_back(actor=world.person("rita"), grant=late)
    with world.later(minutes=2):
        for who, scopes in {"remy": ("left", "right"), "rosa": ("left", "right"), "rita": ("left",)}.items():
            for scope in scopes:
                world.granted(who, "writer", scope=scope)
    with world.later(minutes=3):
        (problem,) = problems.problems(clock.now(), limit=1)
    assert (problem.removal, problem.late) == (True, True)

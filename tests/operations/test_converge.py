"""Leases follow their grants on the target, one grant or several behind them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.connectors.base import Unreachable
from jitportal.models import Grant, Person
from jitportal.operations import clock, grants, leases
from jitportal.rules.vocabulary import EndReason, GrantStatus, Presence
from tests.operations import world
from tests.operations.memory_target import POLICY, Fault, MemoryConnector, MemoryTarget
from tests.operations.rack import door, give, lease_of, rack, remove, status

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

# There and back


def test_it_is_live_once_the_target_holds_it_up_to_its_end(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door", minutes=60)
    assert (grant.status, target.held) == (GrantStatus.PROVISIONING, {})
    world.work()
    grant = world.now_of(grant)
    assert (grant.status, grant.live_at is None) == (GrantStatus.ACTIVE, False)
    assert target.who_holds() == {"rita": grant.ends_at}
    lease = lease_of(grant)
    assert (lease.presence, lease.held_until, lease.due_at) == (
        Presence.PRESENT,
        grant.ends_at,
        grant.ends_at,
    )
    assert world.verbs(grant=grant) == ["grant.ready", "grant.started", "grant.live"]


def test_it_ends_by_itself_and_its_absence_is_verified(target: MemoryTarget) -> None:
    grant = door()
    target.log_in("rita")
    assert grant.ends_at is not None
    with world.at(grant.ends_at - SECOND):
        world.work()
        assert target.who_holds() == {"rita": grant.ends_at}
    with world.at(grant.ends_at + SECOND):
        world.work()
    grant = world.now_of(grant)
    assert target.held == {}
    assert (grant.status, grant.end_reason, grant.stopped_at) == (
        GrantStatus.ENDED,
        EndReason.EXPIRED,
        grant.ends_at,
    )
    assert grant.verified_absent_at is not None
    assert grant.verified_absent_at >= grant.ends_at  # type: ignore[operator]  # it has an end
    assert world.verbs(grant=grant)[-2:] == ["grant.expired", "grant.ended"]
    assert lease_of(grant).due_at is None


def test_it_is_removed_at_its_end_even_before_its_expiry_is_written_down(target: MemoryTarget) -> None:
    grant = door()
    with world.later(minutes=61):
        assert remove() == 1
        assert target.held == {}
        world.work()
    assert status(grant) == GrantStatus.ENDED


def test_nothing_is_granted_that_was_revoked_before_the_worker_came(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    grants.revoke(actor=world.person("mona"), grant=grant, reason="A mistake.")
    world.work()
    grant = world.now_of(grant)
    assert (grant.status, grant.live_at, [what for what, *_ in target.log]) == (
        GrantStatus.ENDED,
        None,
        ["revoke"],
    )


def test_what_it_was_made_for_is_not_undone_by_running_it_again(target: MemoryTarget) -> None:
    grant = door()
    before = list(target.log)
    for _ in range(3):
        assert give() == 0
        assert remove() == 0
    assert target.log == before
    assert status(grant) == GrantStatus.ACTIVE


# Several grants of one lease


def overlapping() -> tuple[Grant, Grant]:
    """Two roles that stand for one and the same privilege; the second one ends later."""
    world.apply_policy(
        world.changed(
            ("allowed_for: [migration, door]", "allowed_for: [migration, door, gate]"),
            (
                "    door:\n",
                "    gate: {target: rack, owner: otto, entitlement: rack door, eligible: {teams: [platform]}}\n    door:\n",
            ),
            text=POLICY,
        )
    )
    return door(minutes=30), world.live("rita", "gate", minutes=90)


def test_access_lasts_until_the_last_of_several_grants_ends(target: MemoryTarget) -> None:
    first, second = overlapping()
    assert lease_of(first) == lease_of(second)
    assert target.who_holds() == {"rita": second.ends_at}
    with world.later(minutes=31):
        world.work()
        assert target.who_holds() == {"rita": second.ends_at}
        ended = world.now_of(first)
        assert (ended.status, ended.verified_absent_at) == (GrantStatus.ENDED, None)
    with world.later(minutes=91):
        world.work()
    assert target.held == {}
    assert world.now_of(second).verified_absent_at is not None


def test_ending_the_longer_one_first_brings_the_end_forward(target: MemoryTarget) -> None:
    first, second = overlapping()
    grants.hand_back(actor=world.person("rita"), grant=second)
    world.work()
    assert target.who_holds() == {"rita": first.ends_at}
    assert (status(first), status(second)) == (GrantStatus.ACTIVE, GrantStatus.ENDED)


# What happens while the target is called


def test_revoked_while_it_was_being_given(target: MemoryTarget) -> None:
    grant = world.granted("rita", "door")
    mona = world.person("mona")
    target.faults.append(lambda: revoked(mona, grant))
    give()
    assert target.who_holds() != {}
    assert (status(grant), world.now_of(grant).live_at) == (GrantStatus.REMOVING, None)
    assert leases.due_targets(clock.now()) == [rack().pk], "at once"
    world.work()
    assert (target.held, status(grant)) == ({}, GrantStatus.ENDED)


def revoked(mona: Person, grant: Grant) -> None:
    grants.revoke(actor=mona, grant=grant, reason="A mistake.")


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REFUSED, Fault.REFUSED_FOR_GOOD])
def test_revoked_while_giving_it_failed(target: MemoryTarget, fault: Fault) -> None:
    """The target may hold it: nobody waits for the pause after a failure."""
    grant = world.granted("rita", "door")
    mona = world.person("mona")

    def revoke_and_fail() -> None:
        grants.revoke(actor=mona, grant=grant, reason="A mistake.")
        target.faults.appendleft(fault)
        MemoryConnector(target).grant([])
        raise Unreachable("The target's answer was lost.")

    target.faults.append(revoke_and_fail)
    give()
    assert lease_of(grant).due_at is not None
    assert (lease_of(grant).due_at or clock.now()) <= clock.now()
    remove()
    assert status(grant) == GrantStatus.ENDED


def test_a_new_grant_while_the_last_one_was_being_removed(target: MemoryTarget) -> None:
    first = door(minutes=30)
    grants.hand_back(actor=world.person("rita"), grant=first)
    again: list[Grant] = []
    target.faults.append(lambda: again.append(world.granted("rita", "door", minutes=45)))
    remove()
    assert status(first) == GrantStatus.ENDED
    world.work()
    assert target.who_holds() == {"rita": world.now_of(again[0]).ends_at}
    assert status(again[0]) == GrantStatus.ACTIVE


def test_sessions_that_are_left_are_cut_by_further_passes(target: MemoryTarget) -> None:
    grant = door()
    target.log_in("rita")
    target.stubborn = 1
    grants.hand_back(actor=world.person("rita"), grant=grant)
    moment, waits = clock.now(), []
    for _ in range(9):
        with world.at(moment):
            remove()
        lease = lease_of(grant)
        assert (status(grant), lease.open_sessions, lease.verified_absent_at) == (
            GrantStatus.REMOVING,
            1,
            None,
        )
        assert lease.due_at is not None
        waits.append(int((lease.due_at - moment).total_seconds()))
        moment = lease.due_at
    assert max(waits[:5]) < 1
    assert waits[5:] == [1, 2, 4, 8], "whoever keeps them is not asked three times a second for ever"
    target.stubborn = 0
    with world.at(moment):
        world.work()
    assert (target.held, status(grant)) == ({}, GrantStatus.ENDED)

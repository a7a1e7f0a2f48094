"""Manual targets: a person carries it out and confirms, and until then nothing is claimed."""

from __future__ import annotations

import pytest

from jitportal.connectors.base import Superseded
from jitportal.models import Grant, Lease, ManualTask, Notice, Target
from jitportal.operations import clock, grants, leases, manual, problems
from jitportal.operations.claims import GRANT, claim
from jitportal.operations.readers import ManualWork
from jitportal.operations.targets import plan_for
from jitportal.rules.errors import Conflict, Invalid, NotAllowed
from jitportal.rules.vocabulary import Enforcement, GrantStatus, Presence
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


def asked() -> tuple[Grant, ManualTask]:
    grant = world.live("rita", "door")
    return grant, ManualTask.objects.get()


def status(grant: Grant) -> str:
    return world.now_of(grant).status


def test_it_is_live_when_somebody_has_confirmed_it_and_gone_when_somebody_took_it_away() -> None:
    grant, task = asked()
    assert (status(grant), task.wanted) == (GrantStatus.PROVISIONING, True)
    assert world.now_of(grant).lease.presence == Presence.WAITING  # type: ignore[union-attr]  # it started
    world.carry_out("Gave her the key.")
    world.work()
    assert status(grant) == GrantStatus.ACTIVE
    with world.later(minutes=31):
        world.work()
        assert status(grant) == GrantStatus.REMOVING, "the end has come, and the key is still out"
        assert ManualTask.objects.filter(wanted=False, done_at__isnull=True).count() == 1
        with world.later(minutes=5):
            world.carry_out("Took it back.")
            world.work()
    grant = world.now_of(grant)
    assert grant.status == GrantStatus.ENDED
    assert grant.verified_absent_at is not None
    assert grant.ends_at is not None
    assert (grant.verified_absent_at - grant.ends_at).total_seconds() > 300
    assert world.verbs(grant=grant).count("manual_task.confirmed") == 2


def test_only_those_who_carry_it_out_confirm_it_and_never_the_holder() -> None:
    _grant, task = asked()
    world.joins("rita", "security")
    for username in ("rita", "remy", "mona", "dora", "sven"):
        with pytest.raises(NotAllowed):
            manual.confirm(actor=world.person(username), task=task)
    world.empower("rita", "operator")
    with pytest.raises(NotAllowed, match="your own access"):
        manual.confirm(actor=world.person("rita"), task=task)
    manual.confirm(actor=world.person("otto"), task=task)


@pytest.mark.parametrize("note", ["x" * 4001, "\x00", "\ud800"])
def test_a_note_that_is_no_text(note: str) -> None:
    _grant, task = asked()
    with pytest.raises(Invalid):
        manual.confirm(actor=world.person("carl"), task=task, note=note)
    task.refresh_from_db()
    assert task.done_at is None


def test_a_task_is_confirmed_once() -> None:
    _grant, task = asked()
    manual.confirm(actor=world.person("carl"), task=task)
    with pytest.raises(Conflict, match="Carl has confirmed"):
        manual.confirm(actor=world.person("otto"), task=task)


def test_what_is_revoked_before_anybody_gave_it_is_dropped() -> None:
    grant, task = asked()
    grants.revoke(actor=world.person("mona"), grant=grant, reason="A mistake.")
    world.work()
    assert status(grant) == GrantStatus.ENDED, "nobody gave it, so there is nothing to take away"
    task.refresh_from_db()
    assert task.dropped_at is not None
    with pytest.raises(Conflict, match="isn't wanted any more"):
        manual.confirm(actor=world.person("carl"), task=task)
    assert world.now_of(grant).live_at is None


def test_the_carriers_and_the_owner_are_asked_once_for_each_task() -> None:
    asked()
    for _ in range(3):
        with world.later(seconds=40):
            world.work()
    mails = Notice.objects.filter(kind="manual_task")
    assert sorted(mails.values_list("recipient__username", flat=True)) == ["carl", "otto"]


def test_an_order_that_comes_late_asks_nobody() -> None:
    grant = world.granted("rita", "door")
    rack = Target.objects.get(key="rack")
    (stalled,) = claim(rack, GRANT, "stalled")
    with world.later(seconds=30):
        grants.hand_back(actor=world.person("rita"), grant=grant)
        world.work()
    with pytest.raises(Superseded):
        ManualWork(rack).ask(stalled.order, wanted=True)
    assert not ManualTask.objects.exists()


def test_what_waits_for_a_person_is_shown_and_told_once_when_it_is_late() -> None:
    grant, _task = asked()
    world.carry_out()
    world.work()
    grants.hand_back(actor=world.person("rita"), grant=grant)
    world.work()
    with world.later(minutes=3):
        for _ in range(3):
            problems.page_late()
            world.work()
        (problem,) = problems.problems(clock.now())
        assert (problem.removal, problem.late) == (True, True)
        assert problems.overdue_removal_age(clock.now()) is None, "the portal has done its part"
    assert Notice.objects.filter(kind="removal.late", recipient__username="otto").count() == 1


def test_a_renewal_asks_nobody_to_give_it_again() -> None:
    grant, _task = asked()
    world.carry_out()
    world.work()
    renewal = world.approve_all(world.submit("rita", world.renewing(grant)))
    with world.at(renewal.opens_at):
        world.work()
    assert status(renewal) == GrantStatus.ACTIVE
    assert ManualTask.objects.count() == 1


def test_the_badge_is_honest_about_it() -> None:
    grant, _task = asked()
    plan = plan_for(grant.role, grant.scope)
    assert (plan.enforcement, plan.longest_residual) == (Enforcement.PORTAL_ONLY, None)


def test_a_confirmation_is_seen_at_once() -> None:
    grant, _task = asked()
    assert leases.due_targets(clock.now()) == []
    world.carry_out()
    assert leases.due_targets(clock.now()) == [Lease.objects.get(grants=grant).target_id]

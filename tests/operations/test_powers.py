"""The portal's own powers: elevated like any other, and read by the clock at every click."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.operations import clock, grants, people, power_holders
from jitportal.operations.facts import may, visible_grants, visible_requests
from jitportal.operations.targets import connector_for, plan_for
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import Enforcement, Power
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

SECOND = timedelta(seconds=1)


def held(who: str) -> dict[Power, object]:
    return dict(people.powers_of(world.person(who), clock.now()))


def test_a_power_is_held_from_its_start_to_its_end_whatever_the_worker_does() -> None:
    assert held("rita") == {}
    grant = world.granted("rita", "auditor")
    assert held("rita") == {Power.AUDITOR: grant.ends_at}, "the worker hasn't been here yet"
    assert may(Verb.RECORD_VIEW, world.person("rita"))
    assert grant.ends_at is not None
    with world.at(grant.ends_at - SECOND):
        assert may(Verb.RECORD_VIEW, world.person("rita"))
    with world.at(grant.ends_at):
        assert held("rita") == {}
        assert not may(Verb.RECORD_VIEW, world.person("rita"))


def test_a_power_stops_with_its_grant() -> None:
    grant = world.live("rita", "auditor")
    grants.revoke(actor=world.person("mona"), grant=grant, reason="Enough.")
    assert held("rita") == {}


def test_a_grant_that_is_ready_gives_no_power() -> None:
    world.approve_all(world.submit("rita", world.on_click("auditor", -SECOND, timedelta(hours=1))))
    assert held("rita") == {}


def test_the_longer_of_two_grants_of_one_power_counts() -> None:
    world.granted("rita", "auditor", minutes=10)
    longer = world.granted("rita", "boarded", minutes=40)
    assert held("rita") == {Power.AUDITOR: longer.ends_at}


def test_a_newer_policy_gives_those_who_hold_a_role_no_other_power() -> None:
    grant = world.live("rita", "auditor")
    old = "entitlement: auditor\n      eligible: {teams: [platform, security]}"
    world.apply_policy(world.changed((old, old.replace("auditor", "administrator"))))
    assert held("rita") == {Power.AUDITOR: grant.ends_at}
    portal = connector_for(world.now_of(grant).role.target)
    holders = portal.holders() or []
    assert [holder.entitlement for holder in holders if holder.account == "rita"] == ["auditor"]
    powers = (Power.OPERATOR, Power.ADMINISTRATOR)
    assert world.person("rita") not in power_holders.holders(powers, clock.now())


def test_an_auditor_sees_everything_and_others_what_concerns_them() -> None:
    request = world.ask("rita", "writer")
    grant = world.granted("remy", "writer")
    now = clock.now()

    def sees(who: str) -> tuple[bool, bool]:
        person = world.person(who)
        return (
            visible_requests(person, now).filter(pk=request.pk).exists(),
            visible_grants(person, now).filter(pk=grant.pk).exists(),
        )

    assert [sees(who) for who in ("rita", "remy", "mona", "otto", "dora")] == [
        (True, False),
        (False, True),
        (True, True),
        (True, True),
        (True, True),
    ]
    assert sees("sven") == (True, True), "the policy names security among those who may revoke it"
    assert sees("eve") == (False, False)
    quiet = world.ask("rosa", "quick")
    for who in world.CAST:
        person = world.person(who)
        assert (
            bool(may(Verb.REQUEST_VIEW, person, quiet))
            == visible_requests(person, now).filter(pk=quiet.pk).exists()
        ), who
    assert not visible_requests(world.person("sven"), now).filter(pk=quiet.pk).exists()
    world.empower("sven", "auditor")
    assert visible_requests(world.person("sven"), clock.now()).filter(pk=quiet.pk).exists()

    assert sees("sven") == (True, True)


def test_the_portal_itself_ends_its_powers() -> None:
    grant = world.granted("rita", "auditor")
    plan = plan_for(grant.role, grant.scope)
    assert (plan.enforcement, plan.longest_residual) == (Enforcement.TARGET_CUTS, timedelta(0))

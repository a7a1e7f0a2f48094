"""When a grant's clock starts: on approval, at a time, by a click; and what keeps it from starting."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import Grant, Notice
from jitportal.operations import clock, grants
from jitportal.operations.granting import begin
from jitportal.rules.errors import Conflict, NotAllowed, PolicyRefuses, TooLate
from jitportal.rules.vocabulary import EndReason, GrantStatus, StartMode
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


# At once


def test_at_once_starts_with_the_last_approval() -> None:
    request = world.ask("rita", "auditor", minutes=20)
    with world.later(minutes=59) as approved_at:
        grant = world.approve_all(request)
    assert grant.status == GrantStatus.PROVISIONING
    assert grant.starts_at is not None
    assert abs(grant.starts_at - approved_at) < timedelta(seconds=5)
    assert grant.ends_at == grant.starts_at + 20 * MINUTE == grant.latest_end_at
    assert grant.lease is not None
    assert grant.lease.handle == f"jit-{grant.lease.pk}"


# At a time


def test_a_planned_grant_waits_for_its_time_and_then_starts_by_itself() -> None:
    request = world.submit("rita", world.scheduled("auditor", 2 * HOUR, minutes=20))
    grant = world.approve_all(request)
    assert (grant.status, grant.starts_at) == (GrantStatus.READY, None)
    assert world.verbs(grant=grant) == ["grant.ready"]
    with world.later(minutes=119):
        assert grants.start_due() == 0
    with world.at(grant.opens_at + timedelta(seconds=1)):
        assert grants.start_due() == 1
        assert grants.start_due() == 0
    grant = world.now_of(grant)
    assert grant.starts_at is not None
    assert grant.starts_at >= grant.opens_at
    assert grant.ends_at == grant.starts_at + 20 * MINUTE


def test_a_start_in_a_few_seconds_is_not_brought_forward() -> None:
    request = world.submit("rita", world.scheduled("auditor", timedelta(seconds=20), minutes=20))
    grant = world.approve_all(request)
    assert grant.status == GrantStatus.READY
    with world.at(grant.opens_at):
        assert grants.start_due() == 1


def test_a_planned_start_that_is_approved_late_begins_on_approval() -> None:
    request = world.submit("rita", world.scheduled("auditor", HOUR, minutes=20))
    with world.later(minutes=65) as approved_at:
        grant = world.approve_all(request)
    assert grant.starts_at is not None
    assert grant.starts_at >= approved_at
    assert grant.ends_at == grant.starts_at + 20 * MINUTE


def test_a_portal_that_was_down_starts_it_late_with_all_its_minutes() -> None:
    grant = world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR, minutes=20)))
    with world.at(grant.opens_at + 10 * MINUTE):
        grants.pass_unused()
        grants.start_due()
    grant = world.now_of(grant)
    assert grant.starts_at is not None
    assert grant.ends_at == grant.starts_at + 20 * MINUTE
    assert grant.ends_at <= grant.latest_end_at


def test_a_planned_grant_that_nobody_started_in_time_ends_unused_and_says_so() -> None:
    grant = world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR, minutes=20)))
    with world.at(grant.closes_at):
        assert grants.start_due() == 0
        assert grants.pass_unused() == 1
        assert grants.pass_unused() == 0
    grant = world.now_of(grant)
    assert (grant.status, grant.end_reason, grant.starts_at) == (GrantStatus.ENDED, EndReason.UNUSED, None)
    assert world.verbs(grant=grant) == ["grant.ready", "grant.unused"]
    assert Notice.objects.filter(kind="grant.unused", recipient__username="rita").count() == 1


# By a click


def test_a_click_starts_it_inside_its_window_alone() -> None:
    grant = world.approve_all(world.submit("rita", world.on_click("auditor", HOUR, 3 * HOUR, minutes=20)))
    assert (grant.status, grant.latest_end_at) == (GrantStatus.READY, grant.closes_at + 20 * MINUTE)
    rita = world.person("rita")
    with pytest.raises(Conflict, match="opens at"):
        grants.start(actor=rita, grant=grant)
    with world.at(grant.closes_at), pytest.raises(TooLate, match="closed at"):
        grants.start(actor=rita, grant=grant)
    with world.later(hours=2) as clicked_at:
        assert grants.start_due() == 0
        grants.start(actor=rita, grant=grant)
        with pytest.raises(Conflict, match="already"):
            grants.start(actor=rita, grant=grant)
    grant = world.now_of(grant)
    assert grant.starts_at is not None
    assert grant.starts_at >= clicked_at
    assert grant.ends_at == grant.starts_at + 20 * MINUTE
    assert world.verbs(grant=grant) == ["grant.ready", "grant.started"]


def test_nobody_else_clicks() -> None:
    grant = world.approve_all(world.submit("rita", world.on_click("auditor", -HOUR, HOUR)))
    for username in ("remy", "mona", "otto"):
        with pytest.raises(NotAllowed, match="Only the holder"):
            grants.start(actor=world.person(username), grant=grant)


def test_what_starts_by_itself_takes_no_click() -> None:
    grant = world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR)))
    with pytest.raises(Conflict, match="starts by itself"):
        grants.start(actor=world.person("rita"), grant=grant)


def test_a_window_without_a_click_passes() -> None:
    grant = world.approve_all(world.submit("rita", world.on_click("auditor", -HOUR, HOUR)))
    with world.at(grant.closes_at):
        assert grants.pass_unused() == 1
    with world.later(hours=2), pytest.raises(Conflict, match="ended already"):
        grants.start(actor=world.person("rita"), grant=grant)


# What keeps it from starting


def planned() -> Grant:
    return world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR, minutes=50)))


def start(grant: Grant) -> Grant:
    with world.at(grant.opens_at + timedelta(seconds=1)):
        grants.start_due()
    return world.now_of(grant)


def assert_failed(grant: Grant, why: str) -> None:
    assert (grant.status, grant.end_reason, grant.starts_at) == (GrantStatus.ENDED, EndReason.FAILED, None)
    assert why in grant.end_note
    assert world.verbs(grant=grant) == ["grant.ready", "grant.failed"]
    mail = Notice.objects.get(kind="grant.failed", recipient__username="rita")
    assert why in mail.body


def test_eligibility_is_asked_again_at_the_start() -> None:
    grant = planned()
    world.leaves("rita", "platform")
    assert_failed(start(grant), "no longer eligible")


def test_a_click_after_eligibility_has_gone_is_refused_and_changes_nothing() -> None:
    grant = world.approve_all(world.submit("rita", world.on_click("auditor", -HOUR, HOUR)))
    world.leaves("rita", "platform")
    with pytest.raises(PolicyRefuses, match="no longer eligible"):
        grants.start(actor=world.person("rita"), grant=grant)
    assert world.now_of(grant).status == GrantStatus.READY


def test_a_role_that_the_policy_has_retired_does_not_start() -> None:
    grant = planned()
    first, rest = world.POLICY.split("    auditor:\n")
    world.apply_policy(
        first.replace("allowed_for: [auditor, ", "allowed_for: [") + rest[rest.index("    operator:\n") :]
    )
    assert_failed(start(grant), "no longer offers")


def test_a_scope_that_means_something_else_by_now_does_not_start() -> None:
    grant = planned()
    world.apply_policy(
        world.changed(
            (
                "entitlement: auditor\n      eligible: {teams: [platform, security]}",
                "entitlement: operator\n      eligible: {teams: [platform, security]}",
            )
        )
    )
    assert_failed(start(grant), "no longer offers scope")


def test_a_lower_cap_shortens_what_has_not_started() -> None:
    grant = planned()
    world.apply_policy(
        world.changed(
            (
                "max_total_minutes: 100",
                "max_total_minutes: 100\n      max_minutes: 15\n      recommended_minutes: 15",
            )
        )
    )
    grant = start(grant)
    assert grant.starts_at is not None
    assert grant.ends_at == grant.starts_at + 15 * MINUTE
    assert grant.minutes == 15


def test_a_higher_cap_lengthens_nothing() -> None:
    low = world.changed(
        (
            "max_total_minutes: 100",
            "max_total_minutes: 100\n      max_minutes: 20\n      recommended_minutes: 20",
        )
    )
    world.apply_policy(low)
    grant = world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR, minutes=20)))
    world.apply_policy(world.POLICY)
    grant = start(grant)
    assert grant.starts_at is not None
    assert grant.ends_at == grant.starts_at + 20 * MINUTE


def test_one_that_can_not_start_keeps_nobody_else_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    first = planned()
    second = world.approve_all(world.submit("remy", world.scheduled("auditor", HOUR)))

    def breaks_for_the_first(grant: Grant, *rest: object) -> None:
        if grant.pk == first.pk:
            raise Conflict("The portal is busy, so nothing was done. Try again in a moment.")
        begin(grant, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(grants, "begin", breaks_for_the_first)
    with world.at(second.opens_at + timedelta(seconds=1)):
        assert grants.start_due() == 1
    assert world.now_of(second).status == GrantStatus.PROVISIONING
    assert world.now_of(first).status == GrantStatus.READY, "it is tried again"


def test_the_start_mode_stays_as_asked() -> None:
    assert planned().start_mode == StartMode.SCHEDULED
    assert Grant.objects.filter(starts_at__lte=clock.now()).count() == 0

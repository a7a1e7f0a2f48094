"""Handed back, revoked, expired: entitlement stops at once, once, and for good."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.audit.system import system
from jitportal.models import Event, Grant, Notice
from jitportal.operations import clock, grants
from jitportal.rules.errors import Conflict, Invalid, NotAllowed
from jitportal.rules.vocabulary import EndReason, GrantStatus
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

SECOND = timedelta(seconds=1)


def test_handing_back_ends_it_at_once() -> None:
    grant = world.live("rita", "auditor")
    grants.hand_back(actor=world.person("rita"), grant=grant, note="Found it.")
    grant = world.now_of(grant)
    assert (grant.status, grant.end_reason, grant.end_note) == (
        GrantStatus.REMOVING,
        EndReason.HANDED_BACK,
        "Found it.",
    )
    assert not grant.entitles(clock.now())
    assert not Grant.objects.entitling(clock.now()).filter(pk=grant.pk).exists()
    world.work()
    grant = world.now_of(grant)
    assert grant.status == GrantStatus.ENDED
    assert grant.verified_absent_at is not None
    assert world.verbs(grant=grant)[-2:] == ["grant.handed_back", "grant.ended"]
    assert Notice.objects.filter(kind__startswith="grant.").count() == 0, "she knows"


def test_only_the_holder_hands_back() -> None:
    grant = world.live("rita", "auditor")
    for username in ("remy", "mona", "otto"):
        with pytest.raises(NotAllowed, match="Only the holder"):
            grants.hand_back(actor=world.person(username), grant=grant)


def test_those_whom_the_policy_names_revoke_with_a_reason() -> None:
    grant = world.live("rita", "writer", scope="left")
    for username in ("rita", "remy", "mona", "dora", "eve"):
        with pytest.raises(NotAllowed, match="doesn't name you"):
            grants.revoke(actor=world.person(username), grant=grant, reason="I say so.")
    for reason in ("", "   ", "x" * 4001, "\x00", "\ud800"):
        with pytest.raises(Invalid):
            grants.revoke(actor=world.person("otto"), grant=grant, reason=reason)
    assert world.now_of(grant).stopped_at is None
    grants.revoke(actor=world.person("sara"), grant=grant, reason="Wrong door.")
    grant = world.now_of(grant)
    assert (grant.end_reason, grant.end_note, grant.stopped_by) == (
        EndReason.REVOKED,
        "Wrong door.",
        world.person("sara"),
    )
    mail = Notice.objects.get(kind="grant.revoked")
    assert (mail.recipient, "Wrong door." in mail.body) == (world.person("rita"), True)


def test_an_administrator_revokes_anybodys_but_the_power_must_be_held() -> None:
    grant = world.live("rita", "auditor")
    with pytest.raises(NotAllowed):
        grants.revoke(actor=world.person("sven"), grant=grant, reason="Now.")
    world.empower("sven", "administrator")
    with world.later(minutes=61), pytest.raises((NotAllowed, Conflict)):
        grants.revoke(actor=world.person("sven"), grant=grant, reason="Now.")
    grants.revoke(actor=world.person("sven"), grant=grant, reason="Now.")
    assert world.now_of(grant).end_reason == EndReason.REVOKED


def test_a_grant_that_is_ready_ends_without_ever_starting() -> None:
    ready = world.approve_all(world.submit("rita", world.scheduled("auditor", timedelta(hours=1))))
    grants.revoke(actor=world.person("mona"), grant=ready, reason="Not needed.")
    ready = world.now_of(ready)
    assert (ready.status, ready.starts_at, ready.lease) == (GrantStatus.ENDED, None, None)
    other = world.approve_all(world.submit("remy", world.scheduled("auditor", timedelta(hours=1))))
    grants.hand_back(actor=world.person("remy"), grant=other)
    assert world.now_of(other).end_reason == EndReason.HANDED_BACK
    with world.later(minutes=61):
        assert (grants.start_due(), grants.pass_unused()) == (0, 0)


def test_what_has_ended_stays_as_it_ended() -> None:
    grant = world.live("rita", "auditor")
    grants.hand_back(actor=world.person("rita"), grant=grant)
    before = world.now_of(grant)
    with pytest.raises(Conflict, match="ended already: handed back"):
        grants.revoke(actor=world.person("mona"), grant=grant, reason="Too late.")
    with pytest.raises(Conflict, match="ended already"):
        grants.hand_back(actor=world.person("rita"), grant=grant)
    world.work()
    with world.later(hours=3):
        assert grants.expire_due() == 0
    after = world.now_of(grant)
    assert (after.stopped_at, after.end_reason, after.ends_at) == (
        before.stopped_at,
        before.end_reason,
        before.ends_at,
    )


def test_at_the_very_end_it_has_ended_by_itself_whoever_comes_with_whatever() -> None:
    grant = world.live("rita", "auditor")
    assert grant.ends_at is not None
    with world.at(grant.ends_at + SECOND):
        with pytest.raises(Conflict, match="ended by itself"):
            grants.hand_back(actor=world.person("rita"), grant=grant)
        with pytest.raises(Conflict, match="ended by itself"):
            grants.revoke(actor=world.person("mona"), grant=grant, reason="Late.")
        assert grants.expire_due() == 1
    grant = world.now_of(grant)
    assert (grant.end_reason, grant.stopped_at, grant.stopped_by) == (
        EndReason.EXPIRED,
        grant.ends_at,
        system(),
    )


def test_many_that_end_together_are_written_down_together_and_each_is_recorded() -> None:
    held = [world.granted(who, "auditor") for who in ("rita", "remy", "rosa")]
    with world.later(minutes=31):
        assert grants.expire_due() == 3
        assert grants.expire_due() == 0
    events = Event.objects.filter(verb="grant.expired")
    assert {event.grant for event in events} == set(held)
    assert {event.actor for event in events} == {system()}


def test_one_that_ended_before_it_was_ever_live_ends_too() -> None:
    grant = world.granted("rita", "auditor")
    with world.later(minutes=31):
        world.work()
    grant = world.now_of(grant)
    assert (grant.status, grant.live_at, grant.verified_absent_at is None) == (GrantStatus.ENDED, None, False)

"""Going on: a new request, approved again, without a gap, up to a cap in all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import Grant
from jitportal.operations import decisions, grants, requests
from jitportal.rules.errors import Conflict, InvalidInput, PolicyRefuses
from jitportal.rules.vocabulary import EndReason, GrantStatus, Pathway, RequestStatus, StartMode, Verdict
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def held(**said: int) -> Grant:
    return world.live("rita", "auditor", **{"minutes": 30, **said})


def renewed(grant: Grant, minutes: int = 30) -> Grant:
    return world.approve_all(world.submit("rita", world.renewing(grant, minutes=minutes)))


def test_a_renewal_starts_at_its_predecessors_end_without_a_gap() -> None:
    first = held()
    with world.later(minutes=10):
        second = renewed(first)
    assert (second.status, second.opens_at, second.renewal_of) == (GrantStatus.READY, first.ends_at, first)
    assert first.ends_at is not None
    with world.at(first.ends_at - 31 * SECOND):
        assert grants.start_due() == 0
    with world.at(first.ends_at - 20 * SECOND):
        assert grants.start_due() == 1
        world.work()
    second, first = world.now_of(second), world.now_of(first)
    assert (second.starts_at, second.lease) == (first.ends_at, first.lease)
    assert first.ends_at is not None
    assert second.ends_at == first.ends_at + 30 * MINUTE
    assert second.lease is not None
    assert second.lease.held_until == second.ends_at, "the target holds it before the first one ends"
    assert second.status == GrantStatus.PROVISIONING, "it is not in force yet"
    assert first.ends_at is not None
    with world.at(first.ends_at + SECOND):
        world.work()
        assert world.person("rita") in {holder.person for holder in Grant.objects.entitling(first.ends_at)}
    first = world.now_of(first)
    assert world.now_of(second).status == GrantStatus.ACTIVE
    assert (first.status, first.end_reason) == (GrantStatus.ENDED, EndReason.EXPIRED)
    assert first.verified_absent_at is None, "the target rightly still holds it"


def test_the_total_of_a_chain_is_capped() -> None:
    first = held(minutes=60)
    with pytest.raises(InvalidInput, match="Ask for 40 minutes or less"):
        world.submit("rita", world.renewing(first, minutes=41))
    second = renewed(first, 40)
    assert second.minutes == 40
    with world.at(second.opens_at + SECOND):
        world.work()
        with pytest.raises(InvalidInput, match="used up"):
            world.submit("rita", world.renewing(world.now_of(second), minutes=1))


def test_a_renewal_of_a_renewal_counts_the_whole_chain() -> None:
    first = held(minutes=30)
    second = renewed(first, 30)
    with world.at(second.opens_at + SECOND):
        world.work()
        with pytest.raises(InvalidInput, match="1 hour of it are used"):
            world.submit("rita", world.renewing(world.now_of(second), minutes=41))
        third = renewed(world.now_of(second), 40)
    assert third.opens_at == world.now_of(second).ends_at


def test_a_renewal_approved_after_the_end_starts_on_approval() -> None:
    first = held()
    request = world.submit("rita", world.renewing(first))
    with world.later(minutes=40) as approved_at:
        world.work()
        second = world.approve_all(request)
    assert second.starts_at is not None
    assert second.starts_at >= approved_at
    assert second.ends_at == second.starts_at + 30 * MINUTE


def test_what_can_be_renewed() -> None:
    first = held()
    with pytest.raises(PolicyRefuses, match="isn't yours"):
        world.submit("remy", world.renewing(first))
    with pytest.raises(PolicyRefuses, match="role and scope"):
        requests.submit(
            actor=world.person("rita"),
            ask=world.asking("operator", start_mode=StartMode.RENEWAL, renewal_of=first),
        )
    with pytest.raises(InvalidInput, match="pathway"):
        world.submit("rita", world.renewing(first, pathway=Pathway.TEMPORARY))
    with world.later(minutes=31), pytest.raises(PolicyRefuses, match="isn't in force"):
        world.submit("rita", world.renewing(first))
    renewed(first)
    with pytest.raises(PolicyRefuses, match="renewed already"):
        world.submit("rita", world.renewing(first))


def test_a_grant_that_ended_while_the_form_was_filled_in() -> None:
    first = held()
    ask = world.renewing(first)  # holds the grant as it was read with the form
    grants.hand_back(actor=world.person("rita"), grant=first)
    with pytest.raises(PolicyRefuses, match="isn't in force"):
        requests.submit(actor=world.person("rita"), ask=ask)


def test_a_renewal_asks_for_a_fresh_justification_under_the_same_rules() -> None:
    first = held()
    with pytest.raises(InvalidInput) as refusal:
        world.submit("rita", world.renewing(first, minutes=61, justification="more"))
    assert {problem.field for problem in refusal.value.problems} == {"minutes", "justification"}


def test_revoking_ends_the_renewal_too() -> None:
    first = held()
    second = renewed(first)
    grants.revoke(actor=world.person("mona"), grant=first, reason="The incident is over.")
    first, second = world.now_of(first), world.now_of(second)
    assert (first.end_reason, second.end_reason) == (EndReason.REVOKED, EndReason.REVOKED)
    assert second.status == GrantStatus.ENDED
    assert first.ends_at is not None
    with world.at(first.ends_at + SECOND):
        assert grants.start_due() == 0


def test_revoking_when_the_renewal_is_being_provisioned() -> None:
    first = held()
    second = renewed(first)
    with world.at(second.opens_at - 10 * SECOND):
        world.work()
        grants.revoke(actor=world.person("mona"), grant=first, reason="The incident is over.")
        world.work()
    second = world.now_of(second)
    assert (second.status, second.stopped_at) == (GrantStatus.ENDED, second.starts_at)


def test_revoking_after_the_renewal_was_handed_back_already() -> None:
    first = held()
    second = renewed(first)
    with world.at(second.opens_at - 10 * SECOND):
        grants.start_due()
        grants.hand_back(actor=world.person("rita"), grant=world.now_of(second))
        grants.revoke(actor=world.person("mona"), grant=first, reason="The incident is over.")
    assert world.now_of(first).end_reason == EndReason.REVOKED


def test_handing_back_leaves_an_approved_renewal_to_its_own_time() -> None:
    first = held()
    second = renewed(first)
    grants.hand_back(actor=world.person("rita"), grant=first)
    world.work()
    assert world.now_of(second).status == GrantStatus.READY
    with world.at(second.opens_at):
        world.work()
    assert world.now_of(second).status == GrantStatus.ACTIVE


def test_handing_both_back() -> None:
    first = held()
    second = renewed(first)
    grants.hand_back(actor=world.person("rita"), grant=first, note="Found it.", renewal=True)
    world.work()
    for grant in (first, second):
        ended = world.now_of(grant)
        assert (ended.status, ended.end_reason) == (GrantStatus.ENDED, EndReason.HANDED_BACK)
        assert (ended.stopped_by, ended.end_note) == (world.person("rita"), "Found it.")
    with world.at(second.opens_at):
        assert grants.start_due() == 0


def test_handing_back_takes_a_renewal_that_waits_with_it_unless_that_is_kept() -> None:
    """Approved after the hand-back it would begin at once, for somebody who has just said that they are done."""
    for renewal, left in ((True, RequestStatus.WITHDRAWN), (False, RequestStatus.PENDING)):
        first = held()
        waiting = world.submit("rita", world.renewing(first, minutes=10))
        grants.hand_back(actor=world.person("rita"), grant=first, renewal=renewal)
        waiting.refresh_from_db()
        assert waiting.status == left


def test_revoking_leaves_a_renewal_that_waits_to_its_deciders() -> None:
    first = held()
    waiting = world.submit("rita", world.renewing(first))
    grants.revoke(actor=world.person("mona"), grant=first, reason="The incident is over.")
    waiting.refresh_from_db()
    assert waiting.status == RequestStatus.PENDING


def test_what_was_revoked_meanwhile_goes_on_only_knowingly() -> None:
    """Whoever opened the page before the revocation hasn't seen it: their click doesn't count."""
    first = held()
    waiting = world.submit("rita", world.renewing(first))
    before = decisions.seen_digest(waiting)
    grants.revoke(actor=world.person("mona"), grant=first, reason="The incident is over.")
    with pytest.raises(Conflict, match="reads otherwise now"):
        decisions.decide(actor=world.person("mona"), request=waiting, verdict=Verdict.APPROVE, digest=before)
    assert not Grant.objects.filter(renewal_of=first).exists()

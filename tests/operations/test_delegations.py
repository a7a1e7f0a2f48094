"""Deciding for somebody who is away: both names, no chain, never one's own, one person once."""

from __future__ import annotations

from datetime import UTC, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Approval, Delegation, Event, Notice
from jitportal.operations import clock, decisions, delegations, due, facts, queue, submissions
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed, PolicyRefuses
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import RequestStatus, Verdict
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

DAY = timedelta(days=1)


def delegates(who: str, to: str, starts_in: timedelta = timedelta(), lasts: timedelta = DAY) -> Delegation:
    now = clock.now()
    return delegations.delegate(
        actor=world.person(who),
        to=world.person(to),
        starts_at=now + starts_in,
        ends_at=now + starts_in + lasts,
        reason="On leave.",
    )


def deciders(request: AccessRequest) -> set[str]:
    request = AccessRequest.objects.get(pk=request.pk)
    return {person.username for person in decisions.deciders(request)}


def queued(who: str) -> set[int]:
    rows = queue.queue_for(world.person(who), clock.now())
    return set(rows.values_list("pk", flat=True))


def test_a_delegate_decides_with_both_names_on_record() -> None:
    delegates("mona", "carl")
    request = world.ask("rita", "auditor")
    assert deciders(request) == {"mona", "carl"}
    assert queued("carl") == queued("mona") == {request.pk}
    told = Notice.objects.filter(request=request, kind="request.to_decide")
    assert set(told.values_list("recipient__username", flat=True)) == {"mona", "carl"}
    approval = world.approve("carl", request)
    assert approval.by == "Carl for Mona"
    assert approval.document["on_behalf_of"] == "mona"
    assert Event.objects.get(verb="request.approved", request=request).sentence.startswith("Carl for Mona")
    request.refresh_from_db()
    assert request.status == RequestStatus.APPROVED


def test_what_is_written_down_of_it_is_in_utc_wherever_its_maker_is() -> None:
    ends = (clock.now() + DAY).astimezone(ZoneInfo("Asia/Kolkata"))
    delegations.delegate(
        actor=world.person("mona"), to=world.person("carl"), starts_at=None, ends_at=ends, reason="On leave."
    )
    said = f"to {ends.astimezone(UTC):%d %b %Y %H:%M} UTC: On leave."
    assert said in Event.objects.get(verb="delegation.made").sentence


def test_it_counts_from_its_start_to_its_end_and_not_after_it_is_stopped() -> None:
    held = delegates("mona", "carl", starts_in=DAY, lasts=DAY)
    with world.later(hours=23):
        request = world.ask("rita", "auditor", minutes=5)
        assert deciders(request) == {"mona"}
        assert queued("carl") == set()
        with pytest.raises(NotAllowed):
            world.approve("carl", request)
    with world.later(hours=25):
        request = world.ask("remy", "auditor")
        assert deciders(request) == {"mona", "carl"}
        delegations.stop(actor=world.person("mona"), delegation=held)
        assert deciders(request) == {"mona"}
        with pytest.raises(NotAllowed):
            world.approve("carl", request)
        with pytest.raises(Conflict, match="ended already"):
            delegations.stop(actor=world.person("carl"), delegation=held)


def test_it_ends_by_itself() -> None:
    delegates("mona", "carl")
    with world.later(hours=24):
        request = world.ask("rita", "auditor")
        assert deciders(request) == {"mona"}
        assert queued("carl") == set()


def test_it_never_reaches_the_delegates_or_the_delegators_own_requests() -> None:
    delegates("mona", "rita")
    own = world.ask("rita", "auditor")
    assert deciders(own) == {"mona"}
    assert queued("rita") == set()
    with pytest.raises(NotAllowed, match="your own request"):
        world.approve("rita", own)
    delegates("mark", "remy")
    delegates("dora", "remy")
    world.joins("dora", "platform")
    request = world.ask("dora", "writer")  # her own team decides its second stage
    world.approve("otto", request)
    assert "remy" not in deciders(request), "Dora decides nothing here, so nobody does for her"


def test_it_does_not_chain() -> None:
    delegates("mona", "carl")
    delegates("carl", "eve")
    request = world.ask("rita", "auditor")
    assert deciders(request) == {"mona", "carl"}
    assert queued("eve") == set()
    with pytest.raises(NotAllowed):
        world.approve("eve", request)


def test_whose_delegate_has_decided_has_decided() -> None:
    delegates("dora", "carl")
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    world.approve("carl", request)
    assert deciders(request) == {"dean", "dina"}
    assert queued("dora") == set()
    with pytest.raises(Conflict, match="Your delegate has decided"):
        world.approve("dora", request)
    with pytest.raises(Conflict, match="counts once"):
        world.approve("carl", request)
    answer = decisions.why_not(world.person("dora"), AccessRequest.objects.get(pk=request.pk))
    assert "Carl has decided on this request for you" in getattr(answer, "reason", "")
    world.approve("dean", request)
    request.refresh_from_db()
    assert request.status == RequestStatus.APPROVED


def test_who_has_decided_is_decided_for_by_nobody() -> None:
    delegates("dora", "carl")
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    world.approve("dora", request)
    assert deciders(request) == {"dean", "dina"}
    assert queued("carl") == set()
    with pytest.raises(NotAllowed):
        world.approve("carl", request)


def test_who_decided_an_earlier_stage_for_somebody_decides_no_later_one() -> None:
    delegates("mona", "dora")
    request = world.ask("rita", "writer")
    world.approve("dora", request)
    assert deciders(request) == {"dean", "dina"}
    with pytest.raises(Conflict, match="counts once"):
        world.approve("dora", request)


def test_who_is_needed_in_a_later_stage_is_not_used_up_for_somebody_else() -> None:
    delegates("mona", "dora")
    request = world.ask("rita", "writer")
    world.leaves("dean", "dba")
    with pytest.raises(PolicyRefuses, match="needed in a later stage"):
        world.approve("dora", request)
    world.approve("mona", request)


def test_whoever_may_decide_in_person_does_so_in_their_own_name() -> None:
    delegates("dora", "dean")
    request = world.ask("rita", "writer")
    world.approve("mona", request)
    assert world.approve("dean", request).on_behalf_of is None
    assert "dora" in deciders(request)


def test_a_delegate_sees_what_they_may_decide_and_may_deny_it_among_several() -> None:
    request = world.ask("rita", "auditor")
    carl = world.person("carl")
    assert not facts.visible_requests(carl, clock.now()).exists()
    delegates("mona", "carl")
    assert facts.visible_requests(carl, clock.now()).get() == request
    wish = submissions.Wish(request, Verdict.DENY, decisions.seen_digest(request), reason="Not today.")
    submitted = submissions.submit(actor=carl, token=uuid4(), wishes=[wish])
    submissions.finish(actor=carl, submission=submitted)
    assert Approval.objects.get(request=request).on_behalf_of == world.person("mona")
    assert facts.visible_requests(carl, clock.now()).get() == request, "what one has decided stays to see"


def test_whoever_leaves_delegates_nothing_and_stands_in_for_nobody() -> None:
    first, second = delegates("mona", "carl"), delegates("mark", "eve")
    world.deactivate("mona")
    world.deactivate("eve")
    for held in (first, second):
        held.refresh_from_db()
        assert held.stopped_by == system()
    stopped = Event.objects.filter(verb="delegation.stopped")
    assert stopped.count() == 2


def test_what_can_not_be_delegated() -> None:
    mona, carl, now = world.person("mona"), world.person("carl"), clock.now()
    world.deactivate("eve")
    for to, starts_at, ends_at, reason, field in (
        (mona, None, now + DAY, "Leave.", "to"),
        (world.person("eve"), None, now + DAY, "Leave.", "to"),
        (system(), None, now + DAY, "Leave.", "to"),
        (carl, None, now - DAY, "Leave.", "ends_at"),
        (carl, now + DAY, now + DAY, "Leave.", "ends_at"),
        (carl, None, now + 91 * DAY, "Leave.", "ends_at"),
        (carl, now + 400 * DAY, now + 401 * DAY, "Leave.", "starts_at"),
        (carl, None, now + DAY, " ", "reason"),
        (carl, None, now + DAY, "\x00", "reason"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            delegations.delegate(actor=mona, to=to, starts_at=starts_at, ends_at=ends_at, reason=reason)
        assert {problem.field for problem in refusal.value.problems} == {field}
    assert not Delegation.objects.exists()


def test_one_delegate_at_a_time() -> None:
    first = delegates("mona", "carl")
    with pytest.raises(Conflict, match="Carl decides for you"):
        delegates("mona", "eve", starts_in=timedelta(hours=23))
    delegates("mona", "eve", starts_in=DAY)
    delegations.stop(actor=world.person("carl"), delegation=first)
    delegates("mona", "otto", lasts=timedelta(hours=23))
    with pytest.raises(NotAllowed):
        delegations.stop(
            actor=world.person("sven"), delegation=Delegation.objects.get(delegate__username="otto")
        )
    world.empower("sven", "administrator")
    assert facts.may(Verb.DELEGATION_STOP, world.person("sven"), first)
    kinds = Notice.objects.filter(kind__startswith="delegation.").values_list("kind", "recipient__username")
    assert set(kinds) == {
        ("delegation.made", "mona"),
        ("delegation.made", "carl"),
        ("delegation.made", "eve"),
        ("delegation.made", "otto"),
        ("delegation.stopped", "mona"),
    }


def told(kind: str, who: str) -> list[str]:
    return list(Notice.objects.filter(kind=kind, recipient__username=who).values_list("body", flat=True))


def test_what_waited_already_is_told_when_the_delegation_is_made() -> None:
    world.ask("rita", "auditor")
    delegates("mona", "carl")
    assert "One request waits already: it is in your queue." in told("delegation.made", "carl")[0]
    assert delegations.begin_due() == 0


def test_what_waits_is_told_when_a_later_delegation_begins_once() -> None:
    held = delegates("mona", "carl", starts_in=DAY)
    stopped = delegates("otto", "carl", starts_in=DAY)
    delegations.stop(actor=world.person("otto"), delegation=stopped)
    world.ask("rita", "auditor")
    world.ask("remy", "auditor")
    assert delegations.begin_due() == 0
    assert not due.work_due(clock.now()).timely
    with world.later(days=1, minutes=1):
        assert due.work_due(clock.now()).timely
        assert (delegations.begin_due(), delegations.begin_due()) == (1, 0)
    (said,) = told("delegation.begun", "carl")
    assert said.startswith("Until ")
    assert "you decide for Mona." in said
    held.refresh_from_db()
    assert held.tell_at is None


def test_a_queue_says_for_whom_one_would_decide() -> None:
    mine, hers = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    delegates("mona", "carl")
    carl, now = world.person("carl"), clock.now()
    for request in (mine, hers):
        assert facts.on_behalf_of(carl, request) == world.person("mona")
    assert queue.stood_in_for(carl, [mine, hers], now) == dict.fromkeys(
        (mine.pk, hers.pk), world.person("mona")
    )
    assert queue.stood_in_for(world.person("mona"), [mine], now) == {}

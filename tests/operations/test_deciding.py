"""Verdicts: who may give one, when, on what; and the stages that they fill."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Approval, Grant
from jitportal.operations import clock, decisions, people, requests
from jitportal.operations.queue import queue_count, queue_for
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed, PolicyRefuses, TooLate
from jitportal.rules.vocabulary import GrantStatus, RequestStatus, Verdict
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


def fresh(request: AccessRequest) -> AccessRequest:
    return AccessRequest.objects.get(pk=request.pk)


def usernames(request: AccessRequest) -> set[str]:
    return {person.username for person in decisions.deciders(fresh(request))}


def queues(request: AccessRequest) -> set[str]:
    now = clock.now()
    return {who for who in world.CAST if queue_for(world.person(who), now).filter(pk=request.pk).exists()}


# Who


def test_the_manager_decides_and_nobody_else() -> None:
    request = world.ask("rita", "auditor")
    assert usernames(request) == queues(request) == {"mona"}
    for username in ("remy", "mark", "otto", "dora", "eve"):
        with pytest.raises(NotAllowed, match="aren't among those"):
            world.approve(username, request)
    world.approve("mona", request)
    assert fresh(request).status == RequestStatus.APPROVED
    assert Grant.objects.get(request=request).status == GrantStatus.PROVISIONING
    assert usernames(request) == queues(request) == set()


def test_nobody_decides_on_their_own_request() -> None:
    for username, power in (("sven", "administrator"), ("sara", "operator")):
        world.empower(username, power)
    own = world.ask("sven", "policy-editor")
    for verdict in Verdict:
        with pytest.raises(NotAllowed, match="your own request"):
            world.decide("sven", own, verdict, reason="Because.")
    with pytest.raises(NotAllowed, match="aren't among those"):
        world.approve("sara", own)
    assert Approval.objects.filter(request=own).count() == 0
    assert not decisions.why_not(world.person("sven"), fresh(own))


def test_the_system_decides_nothing_that_no_rule_gives_it() -> None:
    request = world.ask("rita", "auditor")
    with pytest.raises(NotAllowed):
        decisions.decide(
            actor=system(),
            request=fresh(request),
            verdict=Verdict.APPROVE,
            digest=decisions.seen_digest(fresh(request)),
        )


def test_who_decides_is_asked_when_the_decision_is_made() -> None:
    request = world.ask("rita", "auditor")
    people.set_manager(actor=system(), person=world.person("rita"), manager=world.person("mark"))
    with pytest.raises(NotAllowed):
        world.approve("mona", request)
    world.approve("mark", request)
    assert fresh(request).status == RequestStatus.APPROVED


def test_a_deactivated_approver_decides_nothing() -> None:
    request = fresh(world.ask("rita", "auditor"))
    mona, digest = world.person("mona"), decisions.seen_digest(request)  # her page was open
    world.deactivate("mona")
    with pytest.raises(NotAllowed, match="deactivated"):
        decisions.decide(actor=mona, request=request, verdict=Verdict.APPROVE, digest=digest)
    assert usernames(request) == {"mark"}, "who managed her, manages her people now"


# What


def test_a_decision_is_on_exactly_what_was_seen() -> None:
    request = fresh(world.ask("rita", "auditor", minutes=20))
    seen = decisions.seen_digest(request)
    requests.edit(
        actor=world.person("rita"), request=request, ask=world.asking("auditor", minutes=60), revision=1
    )
    with pytest.raises(Conflict, match="reads otherwise"):
        world.decide("mona", request, Verdict.APPROVE, digest=seen)
    assert fresh(request).status == RequestStatus.PENDING
    approval = world.approve("mona", request)
    assert approval.document["revision"] == fresh(request).asked.document
    assert (approval.document["verdict"], approval.document["minutes"]) == ("approve", 60)
    assert len(approval.digest) == 64


@pytest.mark.parametrize("digest", ["", "0" * 64, "\x00", "é" * 10])
def test_a_forged_digest(digest: str) -> None:
    with pytest.raises(Conflict):
        world.decide("mona", world.ask("rita", "auditor"), Verdict.APPROVE, digest=digest)


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.SEND_BACK])
@pytest.mark.parametrize("reason", ["", "  \n", "x" * 4001, "\x00", "\udfff"])
def test_turning_something_down_takes_a_reason(verdict: Verdict, reason: str) -> None:
    request = world.ask("rita", "auditor")
    with pytest.raises(InvalidInput) as refusal:
        world.decide("mona", request, verdict, reason=reason)
    assert [problem.field for problem in refusal.value.problems] == ["reason"]
    assert fresh(request).status == RequestStatus.PENDING


def test_denied_is_closed_and_sent_back_is_open() -> None:
    first, second = world.ask("rita", "auditor"), world.ask("remy", "auditor")
    world.deny("mona", first, "Use the read replica.")
    world.send_back("mona", second)
    first, second = fresh(first), fresh(second)
    assert (first.status, first.closed_at is None) == (RequestStatus.DENIED, False)
    assert (second.status, second.closed_at) == (RequestStatus.SENT_BACK, None)
    for request in (first, second):
        with pytest.raises(Conflict, match="Mona was faster"):
            world.approve("mona", request)
        assert queues(request) == set()
    assert world.verbs(request=first)[-1] == "request.denied"
    assert world.verbs(request=second)[-1] == "request.sent_back"


# When


def test_a_decision_after_the_deadline_is_too_late_without_any_sweeper() -> None:
    request = world.ask("rita", "auditor")
    with world.at(request.lapses_at):
        for verdict in Verdict:
            with pytest.raises(TooLate, match="had to be decided by"):
                world.decide("mona", request, verdict, reason="Late.")
        assert queue_count(world.person("mona"), clock.now()) == 0
        assert not decisions.why_not(world.person("mona"), fresh(request))
    assert fresh(request).status == RequestStatus.PENDING
    with world.at(request.lapses_at - timedelta(seconds=2)):
        world.approve("mona", request)


# Shortening


def test_minutes_only_fall_and_later_stages_see_the_lowest() -> None:
    request = world.ask("rita", "writer", minutes=50)
    for minutes in (0, -1, 51, 10**9):
        with pytest.raises(InvalidInput, match="only shorten"):
            world.approve("mona", request, minutes=minutes)
    world.approve("mona", request, minutes=40)
    assert fresh(request).minutes == 40
    with pytest.raises(InvalidInput, match="from 1 to 40"):
        world.approve("dora", request, minutes=41)
    world.approve("dora", request, minutes=25)
    world.approve("dean", request)
    grant = Grant.objects.get(request=request)
    assert grant.minutes == 25
    assert grant.starts_at is not None
    assert grant.ends_at == grant.starts_at + timedelta(minutes=25)
    assert fresh(request).asked.number == 1, "shortening is no revision"


def test_a_form_opened_before_the_minutes_fell_is_out_of_date() -> None:
    request = world.ask("rita", "writer", minutes=50)
    world.approve("mona", request)
    seen = decisions.seen_digest(fresh(request))
    world.approve("dora", request, minutes=10)
    with pytest.raises(Conflict, match="reads otherwise"):
        world.decide("dean", request, Verdict.APPROVE, digest=seen)
    world.approve("dean", request)
    assert Grant.objects.get(request=request).minutes == 10


# Stages


def test_stages_are_filled_in_order_by_different_people() -> None:
    request = world.ask("rita", "writer")
    assert usernames(request) == queues(request) == {"mona", "otto"}
    with pytest.raises(NotAllowed):
        world.approve("dora", request)
    world.approve("otto", request)
    assert usernames(request) == queues(request) == {"dora", "dean", "dina"}
    with pytest.raises(Conflict, match="Otto was faster"):
        world.approve("mona", request)
    world.approve("dina", request)
    assert fresh(request).status == RequestStatus.PENDING
    assert usernames(request) == queues(request) == {"dora", "dean"}
    with pytest.raises(Conflict, match="one person counts once"):
        world.approve("dina", request)
    world.approve("dora", request)
    assert fresh(request).status == RequestStatus.APPROVED
    assert world.verbs(request=request, grant=None) == ["request.submitted", *["request.approved"] * 3]


def test_one_person_counts_once_across_all_stages() -> None:
    world.joins("otto", "dba")
    request = world.ask("rita", "writer")
    world.approve("otto", request)
    assert "otto" not in usernames(request) | queues(request)
    with pytest.raises(Conflict, match="You have decided on this request already: one person counts once"):
        world.approve("otto", request)
    for username in ("dora", "dean"):
        world.approve(username, request)
    people_who_approved = Approval.objects.filter(request=request).values_list("person__username", flat=True)
    assert list(people_who_approved) == ["otto", "dora", "dean"]


def test_one_person_in_two_deciding_groups_counts_once() -> None:
    world.joins("mona", "board")
    request = world.ask("rita", "boarded")
    world.approve("mona", request)
    assert Approval.objects.filter(request=request).count() == 1
    assert fresh(request).status == RequestStatus.APPROVED


def test_whoever_a_later_stage_can_not_do_without_leaves_the_earlier_one_to_others() -> None:
    for username in ("dean", "dina"):
        world.leaves(username, "dba")
    world.joins("mona", "dba")
    request = world.ask("rita", "writer")  # Mona or Otto first; then Dora and Mona
    with pytest.raises(PolicyRefuses, match="Leave this stage to Otto"):
        world.approve("mona", request)
    for username in ("otto", "mona", "dora"):
        world.approve(username, request)
    assert fresh(request).status == RequestStatus.APPROVED


def test_whoever_comes_after_the_last_one_needed_is_told_who_was_faster() -> None:
    request = world.ask("rita", "writer")
    for username in ("mona", "dora", "dean"):
        world.approve(username, request)
    with pytest.raises(Conflict, match="Dean was faster"):
        world.approve("dina", request)


def test_a_new_revision_voids_what_was_approved() -> None:
    request = world.ask("rita", "writer", minutes=30)
    world.approve("mona", request)
    requests.edit(
        actor=world.person("rita"),
        request=fresh(request),
        ask=world.asking("writer", minutes=45),
        revision=1,
    )
    assert (fresh(request).stage, fresh(request).minutes) == (0, 45)
    assert usernames(request) == {"mona", "otto"}
    for username in ("mona", "dora", "dean"):
        world.approve(username, request)
    assert Grant.objects.get(request=request).minutes == 45


# A policy that has changed meanwhile


def test_a_newer_policy_may_narrow_what_still_waits() -> None:
    waits, capped = world.ask("rita", "auditor", minutes=50), world.ask("remy", "operator", minutes=50)
    world.apply_policy(
        world.changed(
            (
                "entitlement: auditor\n      eligible: {teams: [platform, security]}",
                "entitlement: auditor\n      eligible: {teams: [security]}",
            ),
            (
                "entitlement: operator\n      eligible: {teams: [platform, security]}",
                "entitlement: operator\n      max_minutes: 10\n      recommended_minutes: 5\n      eligible: {teams: [platform, security]}",
            ),
        )
    )
    with pytest.raises(PolicyRefuses, match="no longer eligible"):
        world.approve("mona", waits)
    assert fresh(waits).status == RequestStatus.PENDING
    world.deny("mona", waits)
    world.approve("mona", capped)
    assert Grant.objects.get(request=capped).minutes == 10


def test_the_stages_are_those_of_the_policy_that_the_request_was_made_under() -> None:
    request = world.ask("rita", "writer")
    world.apply_policy(
        world.changed(
            (
                "- {name: second, decides: {team: dba}, people: 2}",
                "- {name: second, decides: {team: security}}",
            )
        )
    )
    world.approve("mona", request)
    assert usernames(request) == {"dora", "dean", "dina"}

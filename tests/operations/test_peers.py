"""Bugs that other access portals have had, each told as the test that would have found it.

The systems are named so that the story can be looked up; issue numbers are those of their trackers.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from jitportal.models import AccessRequest, Approval, Event, Grant
from jitportal.operations import clock, decisions, grants, problems, requests
from jitportal.operations.facts import visible_requests
from jitportal.operations.queue import queue_for
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed, PolicyRefuses, TooLate
from jitportal.rules.vocabulary import EndReason, GrantStatus, RequestStatus, Verdict
from tests.operations import races, world
from tests.operations.memory_target import POLICY, Fault, MemoryTarget
from tests.operations.rack import door

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

small_portal = pytest.mark.usefixtures("small_portal")


@pytest.fixture
def settled_portal(db: None) -> None:
    """Made anew for each: other tests here commit."""
    world.settle()


@pytest.fixture
def settled_with_memory(db: None) -> None:
    """Made anew for each: other tests here commit."""
    world.settle(POLICY)


def fresh(request: AccessRequest) -> AccessRequest:
    return AccessRequest.objects.get(pk=request.pk)


# 1. discord/access: eight parallel approvals gave eight memberships; eight creations, up to eight requests


def test_1_discord_access_parallel_approvals_make_one_grant(shared_portal: None) -> None:
    races.eight_approvers_of_one_request()
    races.eight_approvals_by_one_person()


def test_1_discord_access_parallel_submissions_make_one_request(shared_portal: None) -> None:
    races.eight_submissions()


# 2. hoop: one person in two reviewer groups was two approvals; == for >=; administrators approved their own


@small_portal
def test_2_hoop_one_person_in_two_groups_is_one_approval() -> None:
    for key in ("dba", "board", "security"):
        world.joins("otto", key)
    request = world.ask("rita", "writer")
    world.approve("otto", request)
    with pytest.raises(Conflict, match="one person counts once"):
        world.approve("otto", request)
    assert fresh(request).status == RequestStatus.PENDING


@small_portal
def test_2_hoop_a_stage_is_filled_by_at_least_as_many_as_it_needs() -> None:
    """Approvals of an earlier revision, of others who have left since, and of the system don't confuse
    the count; the threshold is passed and not hit by chance.
    """
    request = world.ask("rita", "writer")
    world.approve("otto", request)
    world.approve("dora", request)
    world.leaves("dora", "dba")  # her verdict stands: she could decide when she did
    world.approve("dina", request)
    assert fresh(request).status == RequestStatus.APPROVED


def test_2_hoop_two_who_cross_the_threshold_together_leave_nothing_stuck(shared_portal: None) -> None:
    races.three_who_each_could_be_the_second_of_two()


@small_portal
def test_2_hoop_administrators_do_not_approve_their_own() -> None:
    world.empower("sven", "administrator")
    own = world.ask("sven", "operator")
    with pytest.raises(NotAllowed, match="your own request"):
        world.approve("sven", own)


# 3. authentik: no row lock, two bindings, revoke ended one; deletion cascaded; no policy meant pass


def test_3_authentik_two_crossing_approvals_make_one_grant_that_revoking_ends(shared_portal: None) -> None:
    races.three_who_each_could_be_the_second_of_two()
    grant = Grant.objects.get(role__key="writer")
    grants.revoke(actor=world.person("otto"), grant=grant, reason="Enough.")
    assert not Grant.objects.entitling(clock.now()).filter(person=grant.person).exists()


@small_portal
def test_3_authentik_history_outlives_its_people() -> None:
    grant = world.live("rita", "auditor")
    rita = world.person("rita")
    with pytest.raises((DatabaseError, Exception), match=r"protect|kept|deleted"), transaction.atomic():
        rita.delete()
    world.deactivate("rita")
    assert Grant.objects.filter(pk=grant.pk, person=rita).exists()
    assert Event.objects.filter(person=rita).exists()
    assert Approval.objects.filter(requester=rita).exists()


@small_portal
def test_3_authentik_without_a_rule_nothing_passes() -> None:
    with pytest.raises(InvalidInput, match="doesn't offer"):
        world.ask("rita", "unheard-of")
    request = world.ask("rita", "auditor")
    first, rest = world.POLICY.split("    auditor:\n")
    world.apply_policy(
        first.replace("allowed_for: [auditor, ", "allowed_for: [") + rest[rest.index("    operator:\n") :]
    )
    with pytest.raises(PolicyRefuses, match="no longer offers"):
        world.approve("mona", request)


# 4. JumpServer: a sole assignee approved their own ticket


@small_portal
def test_4_jumpserver_the_only_approver_does_not_approve_their_own() -> None:
    world.apply_policy(
        world.changed(
            (
                "      eligible: {teams: [platform]}\n      stages: [{name: board, decides: [manager, team: board]}]",
                "      eligible: {teams: [platform, board]}\n      stages: [{name: board, decides: [manager, team: board]}]",
            )
        )
    )
    world.joins("mark", "board")
    with pytest.raises(InvalidInput, match="nobody other than you"):
        world.ask("mark", "boarded")


# 5. GatePlane: an approval named the requester, and the pending request was swapped under the approver


@small_portal
def test_5_gateplane_an_approval_is_of_exactly_what_was_shown() -> None:
    request = world.ask("rita", "writer", scope="left", minutes=5)
    seen = decisions.seen_digest(fresh(request))
    requests.edit(
        actor=world.person("rita"),
        request=fresh(request),
        ask=world.asking("writer", scope="right", minutes=60),
        revision=1,
    )
    with pytest.raises(Conflict, match="reads otherwise"):
        world.decide("mona", request, Verdict.APPROVE, digest=seen)
    assert not Approval.objects.exists()


@small_portal
def test_5_gateplane_nor_can_a_new_request_take_the_place_of_the_one_shown() -> None:
    shown = world.ask("rita", "auditor", minutes=5)
    seen = decisions.seen_digest(fresh(shown))
    requests.withdraw(actor=world.person("rita"), request=fresh(shown))
    other = world.ask("rita", "auditor", minutes=60)
    with pytest.raises(Conflict, match="withdrawn"):
        world.decide("mona", shown, Verdict.APPROVE, digest=seen)
    with pytest.raises(Conflict, match="reads otherwise"):
        world.decide("mona", other, Verdict.APPROVE, digest=seen)


# 6. AWS TEAM: the duration was tested against any policy; one session's end revoked another (#279);
#    a future grant fired after eligibility was gone (jit-groups#145)


@small_portal
def test_6_aws_team_the_duration_is_capped_by_the_role_that_is_asked_for() -> None:
    """Rita may have ``migration`` for days; that lengthens no other role of hers."""
    with pytest.raises(InvalidInput, match="1 hour at most"):
        world.ask("rita", "auditor", minutes=61)
    assert world.ask("rita", "migration", minutes=24 * 60).minutes == 24 * 60


def test_6_aws_team_279_the_first_end_leaves_the_overlapping_one_alone(target: MemoryTarget) -> None:
    text = world.changed(
        ("allowed_for: [migration, door]", "allowed_for: [migration, door, gate]"),
        (
            "    door:\n",
            "    gate: {target: rack, owner: otto, entitlement: rack door, eligible: {teams: [platform]}}\n    door:\n",
        ),
        (
            "      connector: manual\n      settings: {carriers: carl}\n",
            "      connector: postgres\n      settings: {host: memory.example}\n",
        ),
    )
    world.apply_policy(text)
    first = door(minutes=20)
    second = world.live("rita", "gate", minutes=50)
    with world.at((first.ends_at or clock.now()) + SECOND):
        world.work()
        assert target.who_holds() == {"rita": second.ends_at}
    with world.at((second.ends_at or clock.now()) + SECOND):
        world.work()
        assert target.held == {}


@small_portal
def test_6_jit_groups_145_a_future_grant_does_not_fire_once_eligibility_is_gone() -> None:
    grant = world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR)))
    world.leaves("rita", "platform")
    with world.at(grant.opens_at + SECOND):
        world.work()
    grant = world.now_of(grant)
    assert (grant.status, grant.end_reason, grant.live_at) == (GrantStatus.ENDED, EndReason.FAILED, None)


# 7. k8s-breakglass: late approval before the sweeper (#866); a sibling policy's approver (#840);
#    an empty approver set let anyone approve (#1212); a scheduled approval that couldn't be cancelled (#945)


@small_portal
def test_7_k8s_breakglass_866_no_late_approval_before_a_sweeper_has_run() -> None:
    request = world.ask("rita", "auditor")
    with world.at(request.lapses_at + SECOND), pytest.raises(TooLate):
        world.approve("mona", request)
    assert fresh(request).status == RequestStatus.PENDING, "no sweeper has run"


@small_portal
def test_7_k8s_breakglass_840_an_approver_of_another_role_is_none_of_this_one() -> None:
    """The database administrators decide on ``writer`` (its second stage), not on ``boarded``."""
    boarded = world.ask("rita", "boarded")
    writer = world.ask("rita", "writer")
    for username in ("dora", "sven"):
        with pytest.raises(NotAllowed):
            world.approve(username, boarded)
    with pytest.raises(NotAllowed):
        world.approve("dora", writer)


@small_portal
def test_7_k8s_breakglass_1212_an_empty_set_of_approvers_lets_nobody_approve() -> None:
    request = world.ask("rita", "boarded")
    for manager in ("mark", "mona"):  # team board is empty, and now nobody is above the requester
        world.deactivate(manager)
    assert decisions.deciders(fresh(request)) == []
    now = clock.now()
    for username in world.CAST:
        assert not queue_for(world.person(username), now).exists(), username
        with pytest.raises(NotAllowed):
            world.approve(username, request)
    with pytest.raises(InvalidInput, match="nobody other than you"):
        world.ask("remy", "boarded")


@small_portal
def test_7_k8s_breakglass_945_what_is_approved_for_later_can_be_cancelled() -> None:
    for username, stop in (("rita", "holder"), ("remy", "manager")):
        grant = world.approve_all(world.submit(username, world.scheduled("auditor", HOUR)))
        if stop == "holder":
            grants.hand_back(actor=world.person(username), grant=grant)
        else:
            grants.revoke(actor=world.person("mona"), grant=grant, reason="Not this time.")
        with world.at(grant.opens_at + SECOND):
            assert grants.start_due() == 0
        assert world.now_of(grant).starts_at is None


# 8. Teleport: time ran from the request (#50011); expired requests vanished (#68308); approvers hidden (#57379)


@small_portal
def test_8_teleport_50011_the_clock_starts_at_the_approval() -> None:
    request = world.ask("rita", "auditor", minutes=60)
    with world.later(minutes=59):
        grant = world.approve_all(request)
    assert grant.starts_at is not None
    assert grant.ends_at == grant.starts_at + HOUR


@small_portal
def test_8_teleport_68308_history_keeps_what_lapsed_and_what_expired() -> None:
    lapsed = world.ask("rita", "auditor")
    grant = world.live("rita", "operator")
    with world.at(lapsed.lapses_at):
        world.work()
        seen = visible_requests(world.person("rita"), clock.now())
        assert {request.status for request in seen} == {RequestStatus.LAPSED, RequestStatus.APPROVED}
    assert fresh(lapsed).asked.justification == world.WHY
    assert world.now_of(grant).end_reason == EndReason.EXPIRED


@small_portal
def test_8_teleport_57379_who_can_decide_is_shown() -> None:
    request = fresh(world.ask("rita", "writer"))
    assert [person.username for person in decisions.deciders(request)] == ["mona", "otto"]
    world.approve("mona", request)
    assert {person.username for person in decisions.deciders(fresh(request))} == {"dora", "dean", "dina"}


# 9. discord/access: a refused self-approval returned the request as if it had worked


@small_portal
def test_9_discord_access_a_refusal_is_an_error_and_leaves_no_trace() -> None:
    own = world.ask("sven", "operator")
    events = Event.objects.count()
    with pytest.raises(NotAllowed):
        world.approve("sven", own)
    assert fresh(own).status == RequestStatus.PENDING
    assert (Approval.objects.count(), Grant.objects.count(), Event.objects.count()) == (0, 0, events)


# 10. Lithnet: access stayed for six days after its expiry (#166)


def test_10_lithnet_166_a_removal_that_fails_is_tried_until_it_is_done_and_somebody_is_told(
    target: MemoryTarget,
) -> None:
    grant = door()
    assert grant.ends_at is not None
    moment = grant.ends_at + SECOND
    for _ in range(20):
        target.faults.append(Fault.UNREACHABLE)
        with world.at(moment):
            world.work(1)
            problems.page_late()
        moment += 16 * SECOND
    assert "grant.late" in world.verbs(grant=grant)
    assert world.now_of(grant).status == GrantStatus.REMOVING, "never said to be gone"
    target.faults.clear()
    with world.at(moment + 16 * SECOND):
        world.work()
    assert (target.held, world.now_of(grant).status) == ({}, GrantStatus.ENDED)

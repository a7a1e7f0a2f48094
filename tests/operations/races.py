"""What happens when several people click at the same moment, each over a connection of their own.

Each race is a story that can be told again and again: whoever asks in it is somebody new.
"""

from __future__ import annotations

from datetime import timedelta

from jitportal.models import (
    AccessRequest,
    Approval,
    Grant,
    Lease,
    ManualTask,
    Person,
    RequestRevision,
)
from jitportal.operations import (
    grants,
    manual,
    requests,
)
from jitportal.operations.claims import GRANT, REMOVAL
from jitportal.operations.leases import converge
from jitportal.rules.errors import Conflict, JitportalError
from jitportal.rules.vocabulary import EndReason, GrantStatus, RequestStatus, Verdict
from tests.operations import world
from tests.operations.races_beside import BESIDE
from tests.operations.races_of_delegates import OF_DELEGATES
from tests.operations.races_of_reviews import OF_REVIEWS
from tests.operations.races_of_submissions import OF_SUBMISSIONS
from tests.operations.racing import (
    HOUR,
    MANY,
    Act,
    deciding,
    newcomer,
    now_of,
    race,
    submitting,
    together,
    until,
)

# Approvals


def eight_approvers_of_one_request() -> None:
    if not Person.objects.filter(username=world.BOARD[0]).exists():
        world.seat_board()
    request = requests.submit(actor=newcomer(), ask=world.asking("boarded"))
    race(deciding(request, world.BOARD))
    assert now_of(request).status == RequestStatus.APPROVED
    assert Approval.objects.filter(request=request).count() == 1
    assert Grant.objects.filter(request=request).count() == 1


def eight_approvals_by_one_person() -> None:
    request = requests.submit(actor=newcomer(), ask=world.asking("auditor"))
    race(deciding(request, ["mona"] * MANY))
    assert Approval.objects.filter(request=request).count() == 1
    assert Grant.objects.filter(request=request).count() == 1


def three_who_each_could_be_the_second_of_two() -> None:
    request = requests.submit(actor=newcomer(), ask=world.asking("writer"))
    world.approve("mona", request)
    race(deciding(now_of(request), ["dora", "dean", "dina"]), winners=2)
    assert Approval.objects.filter(request=request).count() == 3
    assert Grant.objects.filter(request=request).count() == 1


def approving_and_denying() -> None:
    request = requests.submit(actor=newcomer(), ask=world.asking("writer"))
    race([*deciding(request, ["mona"]), *deciding(request, ["otto"], Verdict.DENY)], winners=1)
    request = now_of(request)
    assert Approval.objects.filter(request=request).count() == 1
    assert request.status in (RequestStatus.PENDING, RequestStatus.DENIED)


def approving_and_withdrawing() -> None:
    person = newcomer()
    request = requests.submit(actor=person, ask=world.asking("auditor"))
    race([*deciding(request, ["mona"]), lambda: requests.withdraw(actor=person, request=request)])
    approved = now_of(request).status == RequestStatus.APPROVED
    assert Grant.objects.filter(request=request).exists() == approved
    assert Approval.objects.filter(request=request).exists() == approved


def approving_and_editing() -> None:
    person = newcomer()
    request = requests.submit(actor=person, ask=world.asking("auditor", minutes=5))
    longer = world.asking("auditor", minutes=60)
    edit: Act = lambda: requests.edit(actor=person, request=request, ask=longer, revision=1)  # noqa: E731
    race([*deciding(request, ["mona"]), edit])
    request = now_of(request)
    if request.status == RequestStatus.APPROVED:
        assert (request.minutes, Grant.objects.get(request=request).minutes) == (5, 5)
    else:
        assert (request.minutes, request.approvals.count()) == (60, 0)


def approving_and_the_deadline() -> None:
    person = newcomer()
    request = requests.submit(actor=person, ask=world.asking("auditor"))
    with world.at(request.lapses_at - timedelta(milliseconds=30)):
        lapse: Act = lambda: until(requests.lapse_due, lambda: now_of(request).closed_at is not None)  # noqa: E731
        outcomes = together([*deciding(request, ["mona"]), lapse])
    assert not isinstance(outcomes[0], Exception) or isinstance(outcomes[0], Conflict)
    approved = now_of(request).status == RequestStatus.APPROVED
    assert now_of(request).status in (RequestStatus.APPROVED, RequestStatus.LAPSED)
    assert Grant.objects.filter(request=request).exists() == approved


# Submissions


def eight_submissions() -> None:
    person, ask = newcomer(), world.asking("writer")
    race([submitting(person, ask)] * MANY)
    assert AccessRequest.objects.open().filter(requester=person).count() == 1
    assert RequestRevision.objects.filter(request__requester=person).count() == 1


def eight_submissions_that_the_system_approves() -> None:
    person, ask = newcomer(), world.asking("quick", ticket="INC-1", minutes=10)
    race([submitting(person, ask)] * MANY, losers_say=JitportalError)
    assert Grant.objects.filter(person=person).count() == 1


def eight_edits_of_one_revision() -> None:
    person = newcomer()
    request = requests.submit(actor=person, ask=world.asking("auditor"))

    def edit(minutes: int) -> Act:
        ask = world.asking("auditor", minutes=minutes)
        return lambda: requests.edit(actor=person, request=request, ask=ask, revision=1)

    race([edit(minutes) for minutes in range(10, 10 + MANY)])
    assert RequestRevision.objects.filter(request=request).count() == 2


def two_renewals_of_one_grant() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.asking("auditor")))
    renewal = world.renewing(grant)
    race([submitting(person, renewal)] * 4)
    assert AccessRequest.objects.filter(renewal_of=grant).count() == 1


# Grants


def eight_clicks_to_start() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.on_click("auditor", -HOUR, HOUR)))
    race([lambda: grants.start(actor=person, grant=grant)] * MANY)
    assert world.verbs(grant=grant) == ["grant.ready", "grant.started"]


def clicking_as_the_window_closes() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.on_click("auditor", -HOUR, HOUR)))
    with world.at(grant.closes_at - timedelta(milliseconds=30)):
        passing: Act = lambda: until(grants.pass_unused, lambda: world.now_of(grant).status != "ready")  # noqa: E731
        together([lambda: grants.start(actor=person, grant=grant), passing])
    assert world.verbs(grant=grant) in (["grant.ready", "grant.started"], ["grant.ready", "grant.unused"])


def four_workers_start_what_is_planned() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.scheduled("auditor", HOUR)))
    with world.at(grant.opens_at + timedelta(seconds=1)):
        outcomes = together([grants.start_due] * 4)
    assert sum(outcome for outcome in outcomes if isinstance(outcome, int)) == 1, outcomes
    assert world.verbs(grant=grant) == ["grant.ready", "grant.started"]


def revoking_handing_back_and_expiring() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.asking("auditor")))
    assert grant.ends_at is not None
    with world.at(grant.ends_at - timedelta(milliseconds=40)):
        mona = world.person("mona")
        together(
            [
                lambda: grants.revoke(actor=mona, grant=grant, reason="Enough."),
                lambda: grants.hand_back(actor=person, grant=grant),
                lambda: until(grants.expire_due, lambda: world.now_of(grant).stopped_at is not None),
            ]
        )
    stops = [verb for verb in world.verbs(grant=grant) if verb not in ("grant.ready", "grant.started")]
    grant = world.now_of(grant)
    assert stops == [f"grant.{grant.end_reason}"], stops
    assert grant.end_reason in (EndReason.EXPIRED, EndReason.HANDED_BACK, EndReason.REVOKED)


def eight_revocations() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.asking("auditor")))
    mona = world.person("mona")
    race([lambda: grants.revoke(actor=mona, grant=grant, reason="Enough.")] * MANY)
    assert world.verbs(grant=grant).count("grant.revoked") == 1


def revoking_and_renewing() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.asking("auditor")))
    renewal, mona = requests.submit(actor=person, ask=world.renewing(grant)), world.person("mona")
    approve = deciding(renewal, ["mona"])
    together([*approve, lambda: grants.revoke(actor=mona, grant=grant, reason="Enough.")])
    assert world.now_of(grant).end_reason == EndReason.REVOKED
    follower = Grant.objects.filter(renewal_of=grant).first()
    if follower is not None and follower.end_reason != EndReason.REVOKED:
        # Approved after the revocation, by somebody who could see it: a decision of its own.
        assert follower.created_at >= (world.now_of(grant).stopped_at or follower.created_at)


def two_convergers_of_one_lease() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.asking("auditor")))
    target_id = grant.role.target_id
    claimed = together([lambda: converge(target_id=target_id, lane=GRANT, worker="w")] * 4)
    assert sum(number for number in claimed if isinstance(number, int)) == 1, claimed
    assert world.verbs(grant=grant).count("grant.live") == 1
    grants.hand_back(actor=person, grant=grant)
    claimed = together([lambda: converge(target_id=target_id, lane=REMOVAL, worker="w")] * 4)
    assert sum(number for number in claimed if isinstance(number, int)) == 1, claimed
    assert world.now_of(grant).status == GrantStatus.ENDED
    assert Lease.objects.get(grants=grant).claim == 2


def one_lease_for_two_roles() -> None:
    """Two roles that stand for one privilege, approved at the same moment."""
    person = newcomer()
    first = requests.submit(actor=person, ask=world.asking("operator"))
    second = requests.submit(actor=person, ask=world.asking("migration"))
    race([*deciding(first, ["mona"]), *deciding(second, ["mona"])], winners=2)
    assert Lease.objects.filter(account=person.username, entitlement="operator").count() == 1


def eight_confirmations_of_one_task() -> None:
    person = newcomer()
    grant = world.approve_all(requests.submit(actor=person, ask=world.asking("door")))
    world.work()
    task, carl = ManualTask.objects.get(lease__grants=grant), world.person("carl")
    race([lambda: manual.confirm(actor=carl, task=task)] * MANY)
    world.work()
    assert world.now_of(grant).status == GrantStatus.ACTIVE


RACES = [
    eight_approvers_of_one_request,
    eight_approvals_by_one_person,
    three_who_each_could_be_the_second_of_two,
    approving_and_denying,
    approving_and_withdrawing,
    approving_and_editing,
    approving_and_the_deadline,
    eight_submissions,
    eight_submissions_that_the_system_approves,
    eight_edits_of_one_revision,
    two_renewals_of_one_grant,
    eight_clicks_to_start,
    clicking_as_the_window_closes,
    four_workers_start_what_is_planned,
    revoking_handing_back_and_expiring,
    eight_revocations,
    revoking_and_renewing,
    two_convergers_of_one_lease,
    one_lease_for_two_roles,
    eight_confirmations_of_one_task,
    *BESIDE,
    *OF_SUBMISSIONS,
    *OF_DELEGATES,
    *OF_REVIEWS,
]

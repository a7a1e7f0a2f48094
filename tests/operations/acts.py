"""Every verb there is, ready to be done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from jitportal.models import (
    AccessRequest,
    AfterUseReview,
    DecisionSubmission,
    Delegation,
    Grant,
    ManualTask,
    Person,
    PolicyVersion,
    Team,
)
from jitportal.operations import (
    clock,
    decisions,
    delegations,
    grants,
    manual,
    people,
    people_sync,
    policies,
    problems,
    profile,
    requests,
    reviews,
    submissions,
    targets,
)
from jitportal.operations.claims import GRANT, REMOVAL
from jitportal.operations.leases import converge
from jitportal.operations.submissions import Wish
from jitportal.rules.people_file import FileKind
from jitportal.rules.vocabulary import Verdict
from tests.operations import world

HOUR = timedelta(hours=1)
Verb = Callable[[], object]


@dataclass(frozen=True)
class Act:
    """A verb: who does it, what must be so beforehand, and which event tells of it."""

    who: str
    event: str
    prepare: Callable[[], Verb]
    later: timedelta = timedelta()
    beside: str = "system"  # who else acts in the same click

    def __str__(self) -> str:
        return f"{self.event} by {self.who}"


def simply(verb: Callable[..., object], *said: Any, **also: Any) -> Callable[[], Verb]:
    return lambda: lambda: verb(*said, **also)


def on_request(verb: Callable[[str, AccessRequest], object], who: str) -> Callable[[], Verb]:
    def prepare() -> Verb:
        request = world.ask("rita", "writer")
        return lambda: verb(who, request)

    return prepare


def edit(who: str, request: AccessRequest) -> object:
    ask = world.asking("writer", minutes=9)
    return requests.edit(actor=world.person(who), request=request, ask=ask, revision=1)


def withdraw(who: str, request: AccessRequest) -> object:
    return requests.withdraw(actor=world.person(who), request=request)


def verdicts(request: AccessRequest) -> list[Wish]:
    seen = decisions.seen_digest(request)
    return [Wish(request, Verdict.APPROVE, seen, minutes=request.minutes)]


def submit_verdicts() -> Verb:
    wishes = verdicts(world.ask("rita", "writer"))
    return lambda: submissions.submit(actor=world.person("mona"), token=uuid4(), wishes=wishes)


def finish_verdicts() -> Verb:
    submit_verdicts()()
    submission = DecisionSubmission.objects.get()
    return lambda: submissions.finish(actor=world.person("mona"), submission=submission)


def refuse_verdict() -> Verb:
    verb = finish_verdicts()
    world.approve("otto", AccessRequest.objects.get())
    return verb


def on_grant(verb: Callable[[Grant], object], role: str = "auditor") -> Callable[[], Verb]:
    def prepare() -> Verb:
        grant = world.live("rita", role)
        return lambda: verb(grant)

    return prepare


def hand_back(grant: Grant) -> object:
    return grants.hand_back(actor=world.person("rita"), grant=grant)


def revoke(grant: Grant) -> object:
    return grants.revoke(actor=world.person("mona"), grant=grant, reason="Enough.")


def click() -> Verb:
    grant = world.approve_all(world.submit("rita", world.on_click("auditor", -HOUR, HOUR)))
    return lambda: grants.start(actor=world.person("rita"), grant=grant)


def planned() -> Verb:
    world.approve_all(world.submit("rita", world.scheduled("auditor", HOUR)))
    return grants.start_due


def unused() -> Verb:
    world.approve_all(world.submit("rita", world.on_click("auditor", -HOUR, HOUR)))
    return grants.pass_unused


def failing_start() -> Verb:
    verb = planned()
    world.leaves("rita", "platform")
    return verb


def ended(role: str = "migration") -> Grant:
    grant = world.live("rita", role)
    hand_back(grant)
    return grant


def state_review() -> Verb:
    ended()
    world.work()
    review = AfterUseReview.objects.get()
    return lambda: reviews.state(actor=world.person("rita"), review=review, statement="I moved them.")


def on_review(verb: Callable[[AfterUseReview], object]) -> Callable[[], Verb]:
    def prepare() -> Verb:
        state_review()()
        review = AfterUseReview.objects.get()
        return lambda: verb(review)

    return prepare


def close_review(review: AfterUseReview) -> object:
    return reviews.determine(actor=world.person("mona"), review=review, determination="Fine.")


def return_review(review: AfterUseReview) -> object:
    return reviews.return_to_holder(actor=world.person("mona"), review=review, note="More.")


def converged(lane: str, role: str = "auditor") -> Callable[[], Verb]:
    def prepare() -> Verb:
        grant = ended(role) if lane == REMOVAL else world.granted("rita", role)
        return lambda: converge(target_id=grant.role.target_id, lane=lane, worker="test")

    return prepare


def confirm_task() -> Verb:
    world.live("rita", "door")
    task = ManualTask.objects.get()
    return lambda: manual.confirm(actor=world.person("carl"), task=task)


def retry() -> Verb:
    world.empower("sven", "operator")
    lease = world.live("rita", "auditor").lease
    assert lease is not None
    return lambda: problems.retry(actor=world.person("sven"), lease=lease)


def check_target() -> Verb:
    world.empower("sven", "operator")
    target = world.granted("rita", "door").role.target
    return lambda: targets.check(actor=world.person("sven"), target=target)


def late_removal() -> Verb:
    grant = world.live("rita", "door")
    world.carry_out()
    world.work()
    hand_back(grant)
    world.work()
    return problems.page_late


def proposed() -> PolicyVersion:
    for username in ("sven", "sara"):
        world.empower(username, "policy-editor")
    text = world.changed(("max_total_minutes: 100", "max_total_minutes: 90"))
    return policies.propose(actor=world.person("sven"), text=text)


def propose() -> Verb:
    for username in ("sven", "sara"):
        world.empower(username, "policy-editor")
    text = world.changed(("max_total_minutes: 100", "max_total_minutes: 90"))
    return lambda: policies.propose(actor=world.person("sven"), text=text)


def on_policy(verb: Callable[[PolicyVersion], object], *, approved: bool = False) -> Callable[[], Verb]:
    def prepare() -> Verb:
        version = proposed()
        if approved:
            policies.approve(actor=world.person("sara"), version=version)
        return lambda: verb(version)

    return prepare


def approve_policy(version: PolicyVersion) -> object:
    return policies.approve(actor=world.person("sara"), version=version)


def reject_policy(version: PolicyVersion) -> object:
    return policies.reject(actor=world.person("sara"), version=version, reason="No.")


def apply_policy(version: PolicyVersion) -> object:
    return policies.apply(actor=world.person("sara"), version=version)


def manages(verb: Callable[[Person, Person, Team], object]) -> Callable[[], Verb]:
    def prepare() -> Verb:
        world.empower("sven", "administrator")
        sven, rita, dba = world.person("sven"), world.person("rita"), world.team("dba")
        return lambda: verb(sven, rita, dba)

    return prepare


def delegated() -> Delegation:
    return delegations.delegate(
        actor=world.person("mona"),
        to=world.person("carl"),
        ends_at=clock.now() + HOUR,
        reason="On leave.",
    )


def sync(actor: Person) -> object:
    text = "username,name,teams\nrita,Rita Falk,dba\nnora,Nora,\n"
    digest = people_sync.plan(text, FileKind.CSV).digest
    return people_sync.sync(actor=actor, text=text, kind=FileKind.CSV, digest=digest)


def stop_delegation() -> Verb:
    held = delegated()
    return lambda: delegations.stop(actor=world.person("carl"), delegation=held)


def decide_for_mona() -> Verb:
    delegated()
    request = world.ask("rita", "writer")
    return lambda: world.approve("carl", request)


def rejoin(sven: Person, rita: Person, dba: Team) -> object:
    people.join_team(actor=sven, person=rita, team=dba)
    return people.leave_team(actor=sven, person=rita, team=dba)


def reactivate(sven: Person, rita: Person, _dba: Team) -> object:
    people.deactivate(actor=sven, person=rita, reason="Away.")
    return people.reactivate(actor=sven, person=rita)


ACTS = [
    Act("rita", "request.submitted", simply(world.ask, "rita", "auditor")),
    Act("rita", "request.edited", on_request(edit, "rita")),
    Act("rita", "request.withdrawn", on_request(withdraw, "rita")),
    Act("mona", "request.approved", on_request(world.approve, "mona")),
    Act("mona", "request.denied", on_request(world.deny, "mona")),
    Act("mona", "request.sent_back", on_request(world.send_back, "mona")),
    Act("mona", "verdicts.submitted", submit_verdicts),
    Act("mona", "verdicts.finished", finish_verdicts),
    Act("mona", "verdicts.refused", refuse_verdict),
    Act("system", "request.lapsed", simply(requests.lapse_due), timedelta(days=40)),
    Act(
        "system", "grant.ready", simply(world.ask, "rita", "quick", ticket="INC-1", minutes=5), beside="rita"
    ),
    Act("rita", "grant.started", click),
    Act("system", "grant.started", planned, HOUR),
    Act("system", "grant.unused", unused, 2 * HOUR),
    Act("system", "grant.failed", failing_start, HOUR),
    Act("system", "grant.live", converged(GRANT)),
    Act("rita", "grant.handed_back", on_grant(hand_back)),
    Act("mona", "grant.revoked", on_grant(revoke)),
    Act("system", "grant.expired", on_grant(lambda _grant: grants.expire_due()), HOUR),
    Act("system", "grant.ended", converged(REMOVAL)),
    Act("system", "review.opened", converged(REMOVAL, "migration")),
    Act("rita", "review.stated", state_review),
    Act("mona", "review.closed", on_review(close_review)),
    Act("mona", "review.returned", on_review(return_review)),
    Act("carl", "manual_task.confirmed", confirm_task),
    Act("system", "grant.late", late_removal, HOUR),
    Act("sven", "lease.retried", retry),
    Act("sven", "policy.proposed", propose),
    Act("sara", "policy.approved", on_policy(approve_policy)),
    Act("sara", "policy.rejected", on_policy(reject_policy)),
    Act("sara", "policy.applied", on_policy(apply_policy, approved=True)),
    Act(
        "sven",
        "person.created",
        manages(lambda sven, *_: people.create_person(actor=sven, username="n", name="N")),
    ),
    Act("sven", "team.created", manages(lambda sven, *_: people.create_team(actor=sven, key="n", name="N"))),
    Act("sven", "team.joined", manages(rejoin)),
    Act("sven", "team.left", manages(rejoin)),
    Act(
        "sven",
        "person.manager_set",
        manages(lambda sven, rita, _: people.set_manager(actor=sven, person=rita, manager=sven)),
    ),
    Act(
        "sven",
        "person.deactivated",
        manages(lambda sven, rita, _: people.deactivate(actor=sven, person=rita, reason="Left.")),
    ),
    Act(
        "rita",
        "person.time_zone_set",
        lambda: lambda: profile.set_time_zone(actor=world.person("rita"), time_zone="Asia/Tokyo"),
    ),
    Act(
        "sven",
        "person.changed",
        manages(lambda sven, rita, _: people.change_person(actor=sven, person=rita, name="Rita Falk")),
    ),
    Act("sven", "people.synced", manages(lambda sven, *_: sync(sven))),
    Act("mona", "delegation.made", simply(delegated)),
    Act("carl", "delegation.stopped", stop_delegation),
    Act("carl", "request.approved", decide_for_mona),
    Act("sven", "person.reactivated", manages(reactivate)),
]


def prepared(act: Act) -> Verb:
    if act.event == "request.lapsed":
        world.ask("rita", "auditor")
    return act.prepare()

"""What a person is to an object, and so what they may do with it: the one way to ask permission."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import singledispatch

from django.db.models import Exists, OuterRef, Q, QuerySet

from jitportal.models import (
    AccessRequest,
    Activation,
    ActivationAlert,
    AfterUseReview,
    Approval,
    DecisionSubmission,
    Delegation,
    EmergencyAccount,
    FollowUp,
    Grant,
    Lease,
    ManualTask,
    Membership,
    Notice,
    Person,
    PolicyVersion,
    PostIncidentReview,
    Recording,
    Role,
    StageDecider,
    Target,
)
from jitportal.operations import clock, policies
from jitportal.operations.delegated import counted_on, delegated_to, stand_ins_for
from jitportal.operations.directory import actor_facts, live_deciders, person_facts
from jitportal.operations.emergency_people import (
    Desk,
    account_relations,
    activation_relations,
    desk_relations,
    role_relations,
)
from jitportal.operations.post_incident_people import is_security, took_part
from jitportal.rules.deciders import DeciderRules
from jitportal.rules.errors import NotAllowed
from jitportal.rules.notices import ESCALATED
from jitportal.rules.permissions import (
    NOBODY,
    OVERSEERS,
    Answer,
    Relation,
    Subject,
    Verb,
    allowed,
)
from jitportal.rules.vocabulary import Decider, Pathway, Power, RequestStatus, Verdict


def may(verb: Verb, person: Person, thing: object = None, now: datetime | None = None) -> Answer:
    """Whether this person may do this to the object now, or the sentence that says why not."""
    now = now or clock.now()
    return allowed(verb, actor_facts(person, now), relations(person, thing))


def require(verb: Verb, person: Person, thing: object = None, now: datetime | None = None) -> None:
    """Let the person pass, or raise ``NotAllowed`` with the reason."""
    insist(may(verb, person, thing, now))


def insist(answer: Answer) -> None:
    """Raise ``NotAllowed`` with the reason where the answer is no."""
    if not answer:
        raise NotAllowed(getattr(answer, "reason", ""))


def relations(person: Person, thing: object) -> Subject:
    """What the person is to the object."""
    return NOBODY if thing is None else Subject(frozenset(_relations(thing, person)))


@singledispatch
def _relations(thing: object, _person: Person) -> Iterable[Relation]:
    raise TypeError(f"Nothing is known about relations to a {type(thing).__name__}.")


@_relations.register
def _of_request(request: AccessRequest, person: Person) -> Iterable[Relation]:
    yield from _about(person, request.requester, request.role)
    if StageDecider.objects.filter(revision__request=request).filter(_decider_rows(person, request)).exists():
        yield Relation.DECIDER
    if Approval.objects.filter(request=request, person=person).exists():
        yield Relation.DECIDED
    if person.username in open_deciders(request):
        yield Relation.OPEN_STAGE
        yield Relation.DECIDER
    if _revokes(person, request):
        yield Relation.REVOKER
    if Notice.objects.filter(request=request, recipient=person, kind=ESCALATED).exists():
        yield Relation.TOLD


@_relations.register
def _of_submission(submission: DecisionSubmission, person: Person) -> Iterable[Relation]:
    if submission.approver_id == person.pk:
        yield Relation.SUBMITTER


@_relations.register
def _of_grant(grant: Grant, person: Person) -> Iterable[Relation]:
    return _relations(grant.request or grant.activation, person)


@_relations.register
def _of_activation(activation: Activation, person: Person) -> Iterable[Relation]:
    yield from _about(person, activation.person, activation.role)
    yield from activation_relations(activation, person)


@_relations.register
def _of_desk(_desk: Desk, person: Person) -> Iterable[Relation]:
    return desk_relations(person)


@_relations.register
def _of_emergency_account(account: EmergencyAccount, person: Person) -> Iterable[Relation]:
    return account_relations(account, person)


@_relations.register
def _of_review(review: AfterUseReview, person: Person) -> Iterable[Relation]:
    return _about(person, review.holder, review.grant.role)


@_relations.register
def _of_incident_review(review: PostIncidentReview, person: Person) -> Iterable[Relation]:
    if review.responder is not None:
        yield from _whose(person, review.responder)
    if review.activation is not None and review.activation.role.owner_id == person.pk:
        yield Relation.ROLE_OWNER
    if review.sign_in_id is not None and _owns_break_glass_on(review.account.target, person):
        yield Relation.ROLE_OWNER
    if is_security(person, review):
        yield Relation.SECURITY
    if person.username in review.account.custodians:
        yield Relation.CUSTODIAN
    if person.username in took_part(review):
        yield Relation.TOOK_PART
    if review.reviewer_id == person.pk:
        yield Relation.REVIEWER


@_relations.register
def _of_recording(recording: Recording, person: Person) -> Iterable[Relation]:
    """As of the review of what was done: its responder and whoever may review it."""
    grant = recording.grant
    if grant.activation is not None:
        return _relations(grant.activation.review, person)
    return _about(person, grant.person, grant.role)


@_relations.register
def _of_follow_up(follow_up: FollowUp, person: Person) -> Iterable[Relation]:
    if follow_up.owner_id == person.pk:
        yield Relation.OWNER
    if follow_up.review.reviewer_id == person.pk:
        yield Relation.REVIEWER


@_relations.register
def _of_role(role: Role, person: Person) -> Iterable[Relation]:
    if role.owner_id == person.pk:
        yield Relation.ROLE_OWNER
    yield from role_relations(role, person)


@_relations.register
def _of_target(target: Target, person: Person) -> Iterable[Relation]:
    if target.roles.filter(owner=person, retired_at__isnull=True).exists():
        yield Relation.ROLE_OWNER


@_relations.register
def _of_lease(lease: Lease, person: Person) -> Iterable[Relation]:
    for grant in lease.grants.select_related("person", "role"):
        yield from _about(person, grant.person, grant.role)


@_relations.register
def _of_task(task: ManualTask, person: Person) -> Iterable[Relation]:
    yield from _relations(task.lease, person)
    if person.username in task.lease.target.settings.get("carriers", "").replace(",", " ").split():
        yield Relation.CARRIER


@_relations.register
def _of_delegation(delegation: Delegation, person: Person) -> Iterable[Relation]:
    if delegation.delegator_id == person.pk:
        yield Relation.HOLDER
    if delegation.delegate_id == person.pk:
        yield Relation.DELEGATE


@_relations.register
def _of_policy(version: PolicyVersion, person: Person) -> Iterable[Relation]:
    if version.proposed_by_id == person.pk:
        yield Relation.PROPOSER


def _owns_break_glass_on(target: Target, person: Person) -> bool:
    roles = target.roles.filter(pathway=Pathway.BREAK_GLASS, retired_at__isnull=True)
    return roles.filter(owner=person).exists()


def _whose(person: Person, holder: Person) -> Iterable[Relation]:
    if holder.pk == person.pk:
        yield Relation.HOLDER
    if holder.manager_id == person.pk:
        yield Relation.MANAGER


def _about(person: Person, holder: Person, role: Role) -> Iterable[Relation]:
    yield from _whose(person, holder)
    if role.owner_id == person.pk:
        yield Relation.ROLE_OWNER


def _decider_rows(person: Person, request: AccessRequest) -> Q:
    """The stages' rows that name this person, for one request."""
    rows = Q(person=person) | Q(team__in=_team_ids(person))
    return rows | Q(kind=Decider.MANAGER) if request.requester.manager_id == person.pk else rows


def _team_ids(person: Person) -> QuerySet[Membership, int]:
    return Membership.objects.filter(person=person, ended_at__isnull=True).values_list("team_id", flat=True)


def open_deciders(request: AccessRequest) -> frozenset[str]:
    """The usernames of those who can decide the open stage now: live facts, this request's own stage.

    Whoever has given a verdict on this revision already, or for whom one was given, is left out: one
    person counts once. Delegates stand beside those who delegated to them.
    """
    own, standing_in = open_seats(request)
    return own | frozenset(standing_in)


def on_behalf_of(person: Person, request: AccessRequest) -> Person | None:
    """For whom this person would decide the open stage now; None: in their own right, or not at all."""
    _own, standing_in = open_seats(request)
    delegator = standing_in.get(person.username)
    return Person.objects.get(username=delegator) if delegator else None


def open_seats(request: AccessRequest) -> tuple[frozenset[str], dict[str, str]]:
    """Who can decide the open stage now in their own right; and who for somebody else, and for whom."""
    if request.status != RequestStatus.PENDING or request.current is None:
        return frozenset(), {}
    if request.stage >= len(request.asked.stages):
        return frozenset(), {}
    rules, owner = stage_rules(request)
    entitled = live_deciders(rules, request.requester, owner)
    said = counted_on(request)
    return entitled - said, stand_ins_for(entitled, request, said)


def stage_rules(request: AccessRequest, index: int | None = None) -> tuple[list[DeciderRules], str]:
    """Who decides a stage (the open one, unless another is named), as the pinned policy wrote it, and
    the role's owner there.
    """
    stage = request.asked.stages[request.stage if index is None else index]
    rules = [DeciderRules(Decider(rule["kind"]), rule["team"]) for rule in stage["deciders"]]
    return rules, stage["owner"]


def _revokes(person: Person, request: AccessRequest) -> bool:
    rules = policies.current_rules(request.role.key)
    if rules is None and request.current is not None:
        rules = policies.role_rules(request.asked.policy_version, request.role.key)
    if rules is None:
        return False
    return person.username in live_deciders(rules.revokers, request.requester, rules.owner, by_own_hands=True)


def visible_requests(person: Person, now: datetime) -> QuerySet[AccessRequest]:
    """Those that this person may see, by the relations that a query can tell."""
    if _sees_all(person, now):
        return AccessRequest.objects.all()
    return AccessRequest.objects.filter(_own_requests(person, _roles_to_revoke(person), now))


def visible_activations(person: Person, now: datetime) -> QuerySet[Activation]:
    """Those that this person may see, by the relations that a query can tell."""
    if _sees_all(person, now):
        return Activation.objects.all()
    return Activation.objects.filter(_own_activations(person, _roles_to_revoke(person)))


def visible_grants(person: Person, now: datetime) -> QuerySet[Grant]:
    """The grants of the requests and activations that this person may see."""
    if _sees_all(person, now):
        return Grant.objects.all()
    roles = _roles_to_revoke(person)
    requests = AccessRequest.objects.filter(_own_requests(person, roles, now))
    activations = Activation.objects.filter(_own_activations(person, roles))
    return Grant.objects.filter(Q(request__in=requests) | Q(activation__in=activations))


def _sees_all(person: Person, now: datetime) -> bool:
    return bool(actor_facts(person, now).powers & (OVERSEERS | {Power.OPERATOR}))


def _own_requests(person: Person, roles: list[str], now: datetime) -> Q:
    return (
        Q(requester=person)
        | Q(requester__manager=person)
        | Q(role__owner=person)
        | Q(role__key__in=roles)
        | Exists(Approval.objects.filter(request=OuterRef("pk"), person=person))
        | Exists(Notice.objects.filter(request=OuterRef("pk"), recipient=person, kind=ESCALATED))
        | Exists(
            StageDecider.objects.filter(revision__request=OuterRef("pk")).filter(
                Q(person=person) | Q(team__in=_team_ids(person))
            )
        )
        | Q(status=RequestStatus.PENDING) & delegated_to(person, now)
    )


def _own_activations(person: Person, roles: list[str]) -> Q:
    return (
        Q(person=person)
        | Q(person__manager=person)
        | Q(role__owner=person)
        | Q(role__key__in=roles)
        | Q(Exists(ActivationAlert.objects.filter(activation=OuterRef("pk"), person=person)))
    )


def _roles_to_revoke(person: Person) -> list[str]:
    """The roles whose grants the policy in force lets a team of this person revoke."""
    version = policies.current_version()
    if version is None:
        return []
    teams = person_facts(person).teams
    return [
        key
        for key, rules in policies.document_of(version).roles.items()
        if any(rule.kind is Decider.TEAM and rule.team in teams for rule in rules.revokers)
    ]


def queue_for(person: Person, now: datetime) -> QuerySet[AccessRequest]:
    """Pending requests whose open stage this person decides, in their own right or for somebody who has
    delegated to them; their own and those on which they have had their say left out.
    """
    if not person.is_active:
        return AccessRequest.objects.none()
    said = Approval.objects.filter(
        Q(person=person) | Q(on_behalf_of=person),
        revision=OuterRef("current"),
        by_system=False,
        verdict=Verdict.APPROVE,
    )
    own = decided_in_own_right(person)
    # Few are delegates, and the condition costs each page more than the question.
    stands_in = Delegation.objects.in_force(now).filter(delegate=person).exists()
    return (
        AccessRequest.objects.pending()
        .exclude(requester=person)
        .filter(own | delegated_to(person, now) if stands_in else own)
        .exclude(Exists(said))
    )


def decided_in_own_right(person: Person) -> Q:
    """Requests whose open stage names this person, a team of theirs, or the manager that they are: a
    condition of ``AccessRequest``.
    """
    decides = StageDecider.objects.filter(revision=OuterRef("current"), stage=OuterRef("stage")).filter(
        Q(person=person)
        | Q(team__in=_team_ids(person))
        | Q(kind=Decider.MANAGER, revision__request__requester__manager=person)
    )
    return Q(Exists(decides))

"""What is delegated, as reads: who stands in for whom on a request, and whose queue is somebody's too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q

from jitportal.models import AccessRequest, Approval, Delegation, Membership, StageDecider
from jitportal.models.people import Person
from jitportal.operations import clock
from jitportal.operations.own_hands import barred
from jitportal.rules.delegation import stand_ins
from jitportal.rules.vocabulary import Decider


def counted(approvals: Iterable[Approval]) -> frozenset[str]:
    """Who has had their say by these verdicts of people, in person or by a delegate."""
    rows = [one for one in approvals if not one.by_system]
    said = {one.person.username for one in rows}
    return frozenset(said | {one.on_behalf_of.username for one in rows if one.on_behalf_of})


def counted_on(request: AccessRequest) -> frozenset[str]:
    """Who has had their say on the request's current revision."""
    return counted(request.asked.approvals.filter(by_system=False).select_related("person", "on_behalf_of"))


def stand_ins_for(entitled: frozenset[str], request: AccessRequest, said: frozenset[str]) -> dict[str, str]:
    """Who can decide the request now for one of those who are entitled: delegate's username, delegator's."""
    if not entitled - said:
        return {}
    rows = list(
        Delegation.objects.filter(
            delegator__username__in=entitled - said,
            stopped_at__isnull=True,
            delegator__is_active=True,
            delegate__is_active=True,
        ).select_related("delegator", "delegate")
    )
    if not rows:
        return {}
    now = clock.now()
    in_force = [
        (row.delegator.username, row.delegate.username) for row in rows if row.starts_at <= now < row.ends_at
    ]
    found = stand_ins(entitled, in_force, requester=request.requester.username, counted=said)
    kept_out = barred(request.requester, found, now)
    return {delegate: delegator for delegate, delegator in found.items() if delegate not in kept_out}


def delegated_to(person: Person, now: datetime, delegator: Person | None = None) -> Q:
    """Pending requests whose open stage somebody decides who has delegated to this person: a condition
    of ``AccessRequest``. ``delegator``: that one alone.
    """
    of_delegator = Membership.objects.current().filter(person=OuterRef(OuterRef("delegator")))
    decides = StageDecider.objects.filter(
        Q(person=OuterRef("delegator"))
        | Exists(of_delegator.filter(team=OuterRef("team")))
        | Q(kind=Decider.MANAGER, revision__request__requester__manager=OuterRef("delegator")),
        revision=OuterRef(OuterRef("current")),
        stage=OuterRef(OuterRef("stage")),
    )
    said = Approval.objects.filter(revision=OuterRef(OuterRef("current")), by_system=False).filter(
        Q(person=OuterRef("delegator")) | Q(on_behalf_of=OuterRef("delegator"))
    )
    delegations = (
        Delegation.objects.in_force(now)
        .filter(delegate=person, delegator__is_active=True)
        .exclude(delegator=OuterRef("requester"))
    )
    if delegator is not None:
        delegations = delegations.filter(delegator=delegator)
    return Q(Exists(delegations.filter(Exists(decides)).exclude(Exists(said))))


def now_delegated(person: Person, now: datetime) -> list[Delegation]:
    """What is in force or to come: what this person has delegated, and what is delegated to them."""
    rows = Delegation.objects.to_come(now).filter(Q(delegator=person) | Q(delegate=person))
    return list(rows.select_related("delegator", "delegate").order_by(F("starts_at"), "pk"))

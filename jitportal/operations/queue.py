"""An approver's queue: reads alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from jitportal.models import AccessRequest, Delegation, Person, Target
from jitportal.operations.delegated import delegated_to
from jitportal.operations.facts import decided_in_own_right, visible_requests
from jitportal.operations.facts import queue_for as undecided_for
from jitportal.rules.vocabulary import RequestStatus

#: Beyond so many waiting requests nobody wants to know how many more, and counting them costs each page.
MOST_COUNTED = 99


@dataclass(frozen=True, slots=True)
class Sought:
    """Which requests somebody looks for in the queue; what is empty restricts nothing.

    ``role`` and ``who`` are a key or a username, or a part of the name.
    """

    pathway: str = ""
    risk: str = ""
    target: Target | None = None
    role: str = ""
    who: str = ""

    def __bool__(self) -> bool:
        return any((self.pathway, self.risk, self.target, self.role, self.who))


def queue_for(person: Person, now: datetime) -> QuerySet[AccessRequest]:
    """What waits for this person's decision and can still be decided, as ``in_order``."""
    return in_order(_timely(undecided_for(person, now), now))


def stood_in_for(person: Person, requests: Iterable[AccessRequest], now: datetime) -> dict[int, Person]:
    """Of these requests of the person's queue those that they would decide for somebody else, by id, and
    for whom; of several the first by username, as ``rules.delegation`` has it.
    """
    delegations = Delegation.objects.in_force(now).filter(delegate=person, delegator__is_active=True)
    delegators = [
        one.delegator for one in delegations.select_related("delegator").order_by("delegator__username")
    ]
    if not delegators:
        return {}
    listed = AccessRequest.objects.filter(pk__in={request.pk for request in requests})
    listed = listed.exclude(decided_in_own_right(person))
    return {
        pk: delegator
        for delegator in reversed(delegators)
        for pk in listed.filter(delegated_to(person, now, delegator)).values_list("pk", flat=True)
    }


def others_for(person: Person, now: datetime) -> QuerySet[AccessRequest]:
    """What this person may see and others decide, as ``in_order``: their own requests too."""
    theirs = undecided_for(person, now).values("pk")
    pending = visible_requests(person, now).filter(status=RequestStatus.PENDING)
    return in_order(_timely(pending, now).exclude(pk__in=theirs))


def in_order(rows: QuerySet[AccessRequest]) -> QuerySet[AccessRequest]:
    """Who needs it soonest first."""
    return rows.order_by("wanted_at", "pk")


def _timely(rows: QuerySet[AccessRequest], now: datetime) -> QuerySet[AccessRequest]:
    """Those that can still be decided.

    Said with NOT, because SQLite, which knows nothing of the values, reads the index of deadlines for
    ``lapses_at > now``, and sorts all that waits; so it reads the one that has the queue's order.
    """
    return rows.exclude(lapses_at__lte=now)


def sought(rows: QuerySet[AccessRequest], wanted: Sought) -> QuerySet[AccessRequest]:
    """Those of the requests that are looked for."""
    filters = [
        Q(pathway=wanted.pathway) if wanted.pathway else None,
        Q(role__risk=wanted.risk) if wanted.risk else None,
        Q(role__target=wanted.target) if wanted.target else None,
        Q(role__key=wanted.role) | Q(role__name__icontains=wanted.role) if wanted.role else None,
        _named(wanted.who) if wanted.who else None,
    ]
    return rows.filter(*(one for one in filters if one is not None))


def _named(who: str) -> Q:
    return Q(requester__username__icontains=who) | Q(requester__name__icontains=who)


def queue_count(person: Person, now: datetime) -> int:
    """How many wait for this person, up to one more than ``MOST_COUNTED``: every page asks."""
    return _timely(undecided_for(person, now), now).values("pk")[: MOST_COUNTED + 1].count()

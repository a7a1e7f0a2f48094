"""What one's own pages show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jitportal.models import Delegation, Membership, Person
from jitportal.operations.delegated import now_delegated

MOST_COLLEAGUES = 100
MOST_PAST = 10


@dataclass(frozen=True, slots=True)
class Delegations:
    """``mine``: who decides for the viewer, now or later; ``to_me``: for whom the viewer does; ``past``."""

    mine: Sequence[Delegation]
    to_me: Sequence[Delegation]
    past: Sequence[Delegation]


@dataclass(frozen=True, slots=True)
class You:
    memberships: Sequence[Membership]
    delegations: Delegations


def you_page(person: Person, now: datetime) -> You:
    memberships = Membership.objects.current().filter(person=person).select_related("team")
    return You(list(memberships.order_by("team__name")), delegations_of(person, now, past=0))


def delegations_of(person: Person, now: datetime, past: int = MOST_PAST) -> Delegations:
    rows = now_delegated(person, now)
    over = Delegation.objects.filter(Q(delegator=person) | Q(delegate=person)).filter(
        Q(stopped_at__isnull=False) | Q(ends_at__lte=now)
    )
    return Delegations(
        mine=[row for row in rows if row.delegator_id == person.pk],
        to_me=[row for row in rows if row.delegate_id == person.pk],
        past=list(over.select_related("delegator", "delegate").order_by("-made_at", "-pk")[:past]),
    )


def colleagues(person: Person) -> list[Person]:
    """Whom the form suggests: those of the same teams, the manager, and whom this person manages."""
    teams = Membership.objects.current().filter(person=person).values("team")
    near = Q(manager=person) | Q(pk=person.manager_id or 0)
    near |= Q(memberships__team__in=teams, memberships__ended_at__isnull=True)
    rows = Person.objects.active().filter(near).exclude(pk=person.pk)
    return list(rows.distinct().order_by("name", "pk")[:MOST_COLLEAGUES])

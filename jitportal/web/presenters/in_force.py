"""Who has elevated access now: everybody's grants in force, why, until when, and what ends each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jitportal.models import Grant, Person
from jitportal.operations import targets
from jitportal.operations.facts import visible_grants
from jitportal.rules.vocabulary import EnforcementPlan

MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One grant in force. ``why`` is for those who may open the grant, as its page is."""

    grant: Grant
    plan: EnforcementPlan
    visible: bool
    why: str


@dataclass(frozen=True, slots=True)
class InForce:
    """``people`` counts those who hold something of all that was found; ``more``: not all are shown."""

    lines: Sequence[Line]
    found: int
    people: int
    more: bool


def in_force(words: str, viewer: Person, now: datetime) -> InForce:
    """What entitles by the clock, the first to end first; each word is in a name of person, role or place."""
    held = Grant.objects.in_force(now).filter(*_each_word(words))
    grants = list(
        held.select_related("person", "role__target__health", "scope__entitlement", "lease")
        .select_related("request__current", "activation")
        .order_by("ends_at", "pk")[: MOST + 1]
    )
    shown = grants[:MOST]
    if len(grants) > MOST:
        found, people = held.count(), held.order_by().values("person").distinct().count()
    else:
        found, people = len(shown), len({grant.person_id for grant in shown})
    visible = set(
        visible_grants(viewer, now).filter(pk__in=[grant.pk for grant in shown]).values_list("pk", flat=True)
    )
    plans: dict[tuple[int, int], EnforcementPlan] = {}
    lines = [_line(grant, grant.pk in visible, plans) for grant in shown]
    return InForce(lines, found, people, len(grants) > MOST)


def _line(grant: Grant, visible: bool, plans: dict[tuple[int, int], EnforcementPlan]) -> Line:
    place = (grant.role_id, grant.scope_id)
    if place not in plans:
        plans[place] = targets.plan_for(grant.role, grant.scope)
    return Line(grant, plans[place], visible, _why(grant) if visible else "")


def _why(grant: Grant) -> str:
    if grant.activation:
        return grant.activation.broken
    return grant.request.asked.justification if grant.request else ""


def _each_word(words: str) -> list[Q]:
    return [
        Q(person__name__icontains=word)
        | Q(person__username__icontains=word)
        | Q(role__name__icontains=word)
        | Q(role__key__icontains=word)
        | Q(scope__name__icontains=word)
        | Q(role__target__name__icontains=word)
        for word in words.split()[:8]
    ]

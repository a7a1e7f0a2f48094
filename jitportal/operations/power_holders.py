"""Who holds the portal's own powers, and who could ask for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q

from jitportal.models import Grant, Person, StandingPower
from jitportal.operations import policies
from jitportal.rules.policy import RoleRules
from jitportal.rules.vocabulary import Power

PORTAL = "portal"


def holding(powers: Collection[Power], now: datetime) -> Q:
    """Those who hold one of the powers by the clock, by a grant or a standing power: a condition of
    ``Person``.
    """
    held = Grant.objects.in_force(now).filter(role__target__connector=PORTAL, lease__entitlement__in=powers)
    standing = StandingPower.objects.filter(power__in=powers, removed_at__isnull=True)
    return Q(pk__in=held.values("person_id")) | Q(pk__in=standing.values("person_id"))


def holders(powers: Collection[Power], now: datetime) -> list[Person]:
    """The same, active and by name."""
    return list(Person.objects.active().filter(holding(powers, now)).order_by("name", "pk"))


def roles_giving(powers: Collection[Power]) -> list[RoleRules]:
    """The roles in force that give one of the powers, in the policy's order."""
    version = policies.current_version()
    if version is None:
        return []
    document = policies.document_of(version)
    portals = {key for key, target in document.targets.items() if target.connector == PORTAL}
    return [
        role
        for role in document.roles.values()
        if role.target in portals and any(scope.entitlement in powers for scope in role.scopes.values())
    ]


def could_ask(powers: Collection[Power]) -> list[Person]:
    """The active people who are eligible for a role that gives one of the powers, by name."""
    roles = roles_giving(powers)
    people = {username for role in roles for username in role.eligible_people}
    teams = {key for role in roles for key in role.eligible_teams}
    members = Q(memberships__team__key__in=teams, memberships__ended_at__isnull=True)
    rows = Person.objects.active().filter(Q(username__in=people) | members)
    return list(rows.distinct().order_by("name", "pk"))

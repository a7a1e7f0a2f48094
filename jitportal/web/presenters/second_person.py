"""Who can be the second person of a change of the policy: by a power that they hold, or may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from jitportal.models import Person, Role, Team
from jitportal.operations.power_holders import holding, roles_giving
from jitportal.rules.policy import RoleRules
from jitportal.rules.vocabulary import Power

#: So many are named; of more it is enough to know that there are.
NAMED = 8


@dataclass(frozen=True, slots=True)
class Seconds:
    """``now``: names of those who hold the power; ``by_asking``: who may ask for ``role``, which gives it."""

    now: Sequence[str]
    more: int
    role: Role | None
    by_asking: Sequence[str]

    @property
    def nobody(self) -> bool:
        return not self.now and not self.by_asking


def second_people(proposer: Person, now: datetime) -> Seconds:
    """Everybody but the proposer, whom the rules refuse."""
    others = Person.objects.active().exclude(pk=proposer.pk).order_by("name")
    people = others.filter(holding([Power.POLICY_EDITOR], now))
    names = list(people.values_list("name", flat=True))
    rules = roles_giving([Power.POLICY_EDITOR])
    roles = {role.key: role for role in Role.objects.filter(key__in=[one.key for one in rules])}
    asking = next((one for one in rules if one.key in roles), None)
    return Seconds(
        now=names[:NAMED],
        more=max(0, len(names) - NAMED),
        role=roles[asking.key] if asking else None,
        by_asking=_who_may_ask(asking, others.exclude(pk__in=people.values("pk"))) if asking else [],
    )


def _who_may_ask(rules: RoleRules, others: QuerySet[Person]) -> list[str]:
    people = others.filter(username__in=rules.eligible_people).values_list("name", flat=True)
    teams = Team.objects.filter(key__in=rules.eligible_teams).order_by("name")
    named = teams.values_list("name", flat=True)
    return [*people[:NAMED], *(f"team {name}" for name in named[:NAMED])]

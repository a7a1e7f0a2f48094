"""Finding a role by what one wants to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse

from jitportal.models import Person, Role, RoleScope
from jitportal.operations import policies
from jitportal.operations.directory import person_facts
from jitportal.rules.deciders import PersonFacts
from jitportal.rules.policy import RoleRules, eligibility_reason
from jitportal.rules.vocabulary import Pathway

#: More than a person reads; what doesn't fit is found with another word.
SHOWN = 50
MOST_WORDS = 8
REQUEST_FORMS = {Pathway.TEMPORARY: "request_temporary", Pathway.JIT: "request_jit"}


@dataclass(frozen=True, slots=True)
class Found:
    """One role as the finder lists it. ``url`` is empty where the person isn't eligible."""

    role: Role
    scopes: list[str]
    rules: RoleRules | None
    eligible: str  # why; empty: not eligible
    url: str


@dataclass(frozen=True, slots=True)
class Finding:
    roles: list[Found]
    more: bool


def find(person: Person, words: str) -> Finding:
    """The roles that any of the words speaks of, best first; every role without words.

    Break-glass has its own entrance, and is never offered here.
    """
    wanted = [word.casefold() for word in words.split()[:MOST_WORDS]]
    version = policies.current_version()
    rules = policies.document_of(version).roles if version else {}
    facts = person_facts(person)
    found = [_found(role, rules.get(role.key), facts) for role in _rows(wanted)]
    found.sort(key=lambda one: (-_matches(one, wanted), not one.eligible, one.role.name.casefold()))
    best = _matches(found[0], wanted) if found else 0
    kept = [one for one in found if _matches(one, wanted) * 2 > best or not wanted]
    return Finding(kept[:SHOWN], len(kept) > SHOWN)


def form_address(role: Role) -> str:
    """The address of the form on the role's own pathway; empty for break-glass."""
    name = REQUEST_FORMS.get(Pathway(role.pathway))
    return reverse(name, args=[role.key]) if name else ""


def _rows(words: Sequence[str]) -> Iterable[Role]:
    current = RoleScope.objects.filter(retired_at__isnull=True).order_by("name")
    wanted = reduce(or_, (_speaks_of(word, current) for word in words), Q())
    return (
        Role.objects.offered()
        .exclude(pathway=Pathway.BREAK_GLASS)
        .filter(wanted)
        .select_related("target", "owner")
        .prefetch_related(Prefetch("scopes", queryset=current, to_attr="current_scopes"))
    )


def _speaks_of(word: str, scopes: QuerySet[RoleScope]) -> Q:
    named = scopes.filter(Q(name__icontains=word) | Q(key__icontains=word), role=OuterRef("pk"))
    own = Q(name__icontains=word) | Q(key__icontains=word) | Q(description__icontains=word)
    return own | Q(target__name__icontains=word) | Q(Exists(named))


def _found(role: Role, rules: RoleRules | None, facts: PersonFacts) -> Found:
    eligible = (eligibility_reason(facts, rules) or "") if rules else ""
    scopes = [scope.name for scope in getattr(role, "current_scopes", [])]
    return Found(role, scopes, rules, eligible, form_address(role) if eligible else "")


def _matches(found: Found, words: Sequence[str]) -> int:
    """How many of the words the role speaks of."""
    role = found.role
    text = " ".join([role.name, role.key, role.description, role.target.name, *found.scopes]).casefold()
    return sum(word in text for word in words)

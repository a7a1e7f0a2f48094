"""Who needs a second factor by the policy in force and has none: they can't do their part without it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Q

from jitportal.models import Grant, Membership, Person, StandingPower
from jitportal.operations import policies
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.policy_requirements import NOBODY_NAMED, NamedPeople
from jitportal.rules.vocabulary import Decider, Pathway, Risk

EMERGENCY = "may use emergency access"
DECIDES = "decides on requests"
REVIEWS = "reviews emergencies"
POWER = "holds a power of the portal"
ASKS = "may ask for a role of high risk"
#: So many are found by their name at once.
MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class Needing:
    """Somebody who needs one, and why."""

    person: Person
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Needs:
    """``lacking`` by name; ``held``: how many others need one and have it."""

    lacking: list[Needing]
    held: int


def needs(now: datetime) -> Needs:
    """All who need one. Where signing in at the provider counts, an emergency needs one all the same: the
    provider may be what is down.
    """
    version = policies.current_version()
    found = dict(_reasons(policies.document_of(version))) if version else {}
    for username in _powerful(now):
        found.setdefault(username, set()).add(POWER)
    if settings.STEP_UP_BY_PROVIDER:
        found = {username: {EMERGENCY} for username, why in found.items() if EMERGENCY in why}
    people = Person.objects.active().filter(username__in=found).order_by("name", "pk")
    holding = _holding()
    rows = [Needing(person, sorted(found[person.username])) for person in people]
    lacking = [row for row in rows if row.person.pk not in holding]
    return Needs(lacking, len(rows) - len(lacking))


def found(words: str) -> list[Person]:
    """People who have one, by a part of their name or username; none for no words."""
    said = words.strip()
    if not said:
        return []
    named = Q(name__icontains=said) | Q(username__icontains=said)
    held = Person.objects.active().filter(named, pk__in=_holding())
    return list(held.order_by("name", "pk")[:MOST_FOUND])


def _holding() -> set[int]:
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return set(Authenticator.objects.filter(type__in=kinds).values_list("user_id", flat=True))


def _powerful(now: datetime) -> Iterator[str]:
    yield from StandingPower.objects.filter(removed_at__isnull=True).values_list(
        "person__username", flat=True
    )
    held = Grant.objects.in_force(now).filter(role__target__connector="portal")
    yield from held.values_list("person__username", flat=True)


def _reasons(document: PolicyDocument) -> Iterable[tuple[str, set[str]]]:
    teams: dict[str, set[str]] = defaultdict(set)
    members = Membership.objects.current().filter(person__is_active=True)
    for team, username in members.values_list("team__key", "person__username"):
        teams[team].add(username)
    managed = Person.objects.active().filter(manager__isnull=False)
    managers = dict(managed.values_list("username", "manager__username"))
    why: dict[str, set[str]] = defaultdict(set)

    def say(usernames: Iterable[str], reason: str) -> None:
        for username in usernames:
            why[username].add(reason)

    def named(people: NamedPeople) -> set[str]:
        return set(people.people).union(*(teams[key] for key in people.teams))

    for role in document.roles.values():
        eligible = named(NamedPeople(role.eligible_people, role.eligible_teams))
        if role.pathway is Pathway.BREAK_GLASS:
            say(eligible, EMERGENCY)
            say([role.owner], REVIEWS)
            continue
        if role.risk is Risk.HIGH:
            say(eligible, ASKS)
        say(_deciders(role, eligible, teams, managers), DECIDES)
    contacts = document.break_glass.contacts if document.break_glass else NOBODY_NAMED
    say(named(contacts), REVIEWS)
    return why.items()


def _deciders(
    role: RoleRules, eligible: Iterable[str], teams: dict[str, set[str]], managers: dict[str, str]
) -> Iterator[str]:
    for decider in (one for stage in role.stages for one in stage.deciders):
        if decider.kind is Decider.TEAM:
            yield from teams[decider.team]
        elif decider.kind is Decider.ROLE_OWNER:
            yield role.owner
        else:
            yield from (managers[username] for username in eligible if username in managers)

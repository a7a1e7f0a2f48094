"""People as the rules see them: facts gathered from rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from jitportal.models import Grant, Membership, Person, StandingPower
from jitportal.operations import clock
from jitportal.operations.own_hands import barred
from jitportal.rules.deciders import DeciderRules, Directory, PersonFacts, deciders_of
from jitportal.rules.permissions import ActorFacts
from jitportal.rules.vocabulary import Decider, Power

_POWERS = {power.value for power in Power}


def person_facts(person: Person) -> PersonFacts:
    """Teams and manager as they are now."""
    teams = Membership.objects.filter(person=person, ended_at__isnull=True).values_list(
        "team__key", flat=True
    )
    manager = person.manager.username if person.manager_id and person.manager else None
    return PersonFacts(person.username, person.is_active and not person.is_system, frozenset(teams), manager)


def directory_for(deciders: Iterable[DeciderRules], people: Iterable[str | None]) -> Directory:
    """Those teams that the rules name, and which of all these people are active."""
    keys = {decider.team for decider in deciders if decider.kind is Decider.TEAM}
    teams: dict[str, set[str]] = {key: set() for key in keys}
    rows = Membership.objects.filter(team__key__in=keys, ended_at__isnull=True, person__is_active=True)
    for key, username in rows.values_list("team__key", "person__username"):
        teams[key].add(username)
    named = {username for username in people if username}
    active = Person.objects.active().filter(username__in=named).values_list("username", flat=True)
    members = {username for usernames in teams.values() for username in usernames}
    return Directory(
        {key: frozenset(usernames) for key, usernames in teams.items()}, frozenset(active) | members
    )


def live_deciders(
    deciders: Iterable[DeciderRules], requester: Person, owner: str, *, by_own_hands: bool = False
) -> frozenset[str]:
    """The usernames of those whom the rules name at this moment, the requester left out; and whoever would be
    a second person in name alone, unless ``by_own_hands`` (to take access away needs no second person).
    """
    rules = list(deciders)
    facts = person_facts(requester)
    named = deciders_of(rules, facts, owner, directory_for(rules, [facts.manager, owner]))
    return named if by_own_hands or not named else named - barred(requester, named, clock.now())


def powers_of(person: Person, now: datetime) -> dict[Power, datetime | None]:
    """The portal's powers that this person holds by the clock, and until when (None: standing)."""
    held: dict[Power, datetime | None] = {}
    grants = Grant.objects.entitling(now).filter(person=person, role__target__connector="portal")
    # The lease's own entitlement: a newer policy may have given the scope another one meanwhile.
    for name, ends_at in grants.values_list("lease__entitlement", "ends_at"):
        if name in _POWERS:
            known = held.get(Power(name))
            held[Power(name)] = max(known, ends_at) if known and ends_at else ends_at
    standing = StandingPower.objects.filter(person=person, removed_at__isnull=True)
    held.update({Power(power): None for power in standing.values_list("power", flat=True)})
    return held


def actor_facts(person: Person, now: datetime) -> ActorFacts:
    """Who asks, as the permission rules see it.

    Whether they are active is read anew: they may have been deactivated since their page was opened.
    """
    powers = frozenset() if person.is_system else frozenset(powers_of(person, now))
    active = Person.objects.filter(pk=person.pk, is_active=True).exists()
    return ActorFacts(person.username, active, powers, system=person.is_system)

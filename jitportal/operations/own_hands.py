"""Nobody decides by themselves through accounts that they made, or by a place that they gave themselves.

Whoever manages people could otherwise make an account, be its manager, and approve what it asks for. Read
from the record, which they can't change; docs/adr/0009 has the rule and its reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from jitportal.models import Event, Person, PolicyVersion
from jitportal.rules.errors import NotAllowed

#: Acts that put an account into the hands of whoever did them.
_MAKING = ("person.created", "person.reactivated", "person.password_set")
#: Acts that say who may ask, and who decides.
_PLACING = ("team.joined", "person.manager_set")


@dataclass(slots=True)
class _Hands:
    """``own``: the person, and who made their account. ``placed_by``: who gave them a team or a manager."""

    own: set[str]
    placed_by: set[str] = field(default_factory=set)
    joined_by: set[str] = field(default_factory=set)


def barred(requester: Person, usernames: Iterable[str], now: datetime) -> frozenset[str]:
    """Those of these people who may not decide on what the requester asks for."""
    named = set(usernames)
    if not named:
        return frozenset()
    hands = _hands({requester.username, *named}, now)
    if hands is None:
        return frozenset()
    theirs = hands[requester.username]
    return frozenset(username for username in named if _same(hands[username], theirs))


def among(usernames: Iterable[str], now: datetime) -> Among:
    """The same for many requests at once: what was done to all of these people, read once."""
    return Among(_hands(set(usernames), now))


@dataclass(frozen=True, slots=True)
class Among:
    """Of people whose acts on each other were read together."""

    _read: Mapping[str, _Hands] | None

    def barred(self, requester: str, usernames: Iterable[str]) -> frozenset[str]:
        """Those of these people who may not decide on what the requester asks for."""
        if self._read is None:
            return frozenset()
        read, theirs = self._read, self._read[requester]
        return frozenset(username for username in usernames if _same(read[username], theirs))


def refuse(actor: Person, other: Person, now: datetime) -> None:
    """Raise ``NotAllowed`` where the one would be a second person in name alone."""
    if barred(other, [actor.username], now):
        raise NotAllowed(sentence())


def sentence() -> str:
    """Why somebody is barred."""
    return (
        "One of you made the other's account, or put either of you in place, within the last "
        f"{settings.OWN_ACTS_DAYS} days. Somebody else has to decide."
    )


def _same(decider: _Hands, requester: _Hands) -> bool:
    return bool(
        decider.own & (requester.own | requester.placed_by)
        or decider.joined_by & (decider.own | requester.own)
    )


def _hands(usernames: set[str], now: datetime) -> dict[str, _Hands] | None:
    """None where nothing was done by hand to any of them."""
    about = _acts(now).filter(person__username__in=usernames).order_by()
    rows = list(about.values_list("verb", "person__username", "actor__username"))
    if not rows:
        return None
    hands = {username: _Hands({username}) for username in usernames}
    for verb, username, actor in rows:
        if verb in _MAKING:
            hands[username].own.add(actor)
        else:
            hands[username].placed_by.add(actor)
        if verb == "team.joined":
            hands[username].joined_by.add(actor)
    return hands


def _acts(now: datetime) -> QuerySet[Event]:
    """What people did to people lately. What was done to set the portal up, before a policy was in force,
    is left out; and what the company's directory says.
    """
    first_policy = PolicyVersion.objects.filter(applied_at__isnull=False).order_by("applied_at")
    by_directory = Event.objects.filter(verb="people.synced", correlation_id=OuterRef("correlation_id"))
    return (
        Event.objects.filter(verb__in=(*_MAKING, *_PLACING), actor__is_system=False)
        .filter(at__gt=now - timedelta(days=settings.OWN_ACTS_DAYS))
        .filter(at__gt=Subquery(first_policy.values("applied_at")[:1]))
        .exclude(Exists(by_directory))
    )

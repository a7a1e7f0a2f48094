"""The demo's people, each with what they are."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch

from jitportal.models import Membership, Person


@dataclass(frozen=True, slots=True)
class Member:
    username: str
    name: str
    described: str


def cast_of_the_demo() -> list[Member]:
    current = Membership.objects.current().select_related("team").order_by("team__name")
    people = Person.objects.active().prefetch_related(
        Prefetch("memberships", queryset=current, to_attr="current_memberships"), "reports", "owned_roles"
    )
    return [Member(person.username, person.name, _described(person)) for person in people.order_by("id")]


def _described(person: Person) -> str:
    """ "Platform; manages 2 people; owns 3 roles" """
    memberships: list[Membership] = getattr(person, "current_memberships", [])
    words = [", ".join(membership.team.name for membership in memberships)]
    if reports := len(person.reports.all()):
        words.append(f"manages {reports} {'person' if reports == 1 else 'people'}")
    if roles := len(person.owned_roles.all()):
        words.append(f"owns {roles} role{'' if roles == 1 else 's'}")
    return "; ".join(word for word in words if word)

"""Who works at the demo's company."""

from __future__ import annotations

from dataclasses import dataclass

from jitportal.audit.system import system
from jitportal.models import Person, Team
from jitportal.operations import people

TEAMS = {
    "platform": "Platform",
    "payments": "Payments",
    "support": "Support",
    "dba": "Database administrators",
    "security": "Security",
}


@dataclass(frozen=True, slots=True)
class Member:
    username: str
    name: str
    team: str
    manager: str
    time_zone: str = "UTC"


#: The first two are whom the demo says to be.
CAST = (
    Member("lena", "Lena Vogt", "platform", "maya"),
    Member("maya", "Maya Lindqvist", "platform", "ruth"),
    Member("omar", "Omar Haddad", "payments", "maya"),
    Member("nina", "Nina Petrova", "platform", "maya"),
    Member("dana", "Dana Okafor", "dba", "ruth"),
    Member("tom", "Tom Becker", "dba", "dana"),
    Member("priya", "Priya Raman", "support", "ruth"),
    Member("sofia", "Sofia Marchetti", "security", "ruth"),
    Member("samir", "سمير الخطيب", "security", "ruth"),
    Member("aiko", "Aiko Tanaka", "", "ruth"),
    Member("ruth", "Ruth Abernathy", "", ""),
)
#: Those who have a login of their own on the demo's database server.
WITH_LOGIN = tuple(
    member.username for member in CAST if member.team in ("platform", "payments", "support", "dba")
)


def load() -> dict[str, Person]:
    """Make the people and teams; gives the people by username."""
    actor = system()
    teams = {key: people.create_team(actor=actor, key=key, name=name) for key, name in TEAMS.items()}
    cast = {member.username: _person(actor, member) for member in CAST}
    for member in CAST:
        if member.manager:
            people.set_manager(actor=actor, person=cast[member.username], manager=cast[member.manager])
        if member.team:
            _join(actor, cast[member.username], teams[member.team])
    return {person.username: person for person in Person.objects.humans()}


def _person(actor: Person, member: Member) -> Person:
    return people.create_person(
        actor=actor,
        username=member.username,
        name=member.name,
        email=f"{member.username}@demo.example",
        time_zone=member.time_zone,
    )


def _join(actor: Person, person: Person, team: Team) -> None:
    people.join_team(actor=actor, person=person, team=team)

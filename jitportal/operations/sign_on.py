"""Somebody arrives by single sign-on: whom of the portal's people they are, and what the provider changes.

Matched by issuer and subject alone. Whom the portal knows otherwise becomes theirs only as the operator says,
so that nobody comes into somebody else's account by choosing a username at the provider.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Membership, Person, ProviderIdentity, Team
from jitportal.operations import clock, people
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Invalid, InvalidInput
from jitportal.rules.people_file import Listed
from jitportal.rules.people_plan import Entry, Known, plan
from jitportal.rules.sign_on import Arrival, Linking, Unwanted
from jitportal.sign_on_settings import SignOn

_GONE = "This account is deactivated. Ask an administrator of the portal."


@dataclass(frozen=True, slots=True)
class Refused:
    """Who doesn't come in, as far as they are known, and why."""

    person: Person | None
    sentence: str


def arrive(*, sign_on: SignOn, arrival: Arrival) -> Person:
    """The person, brought into step with what the provider says.

    Who has left, as the provider says, is deactivated at once. Raises ``Unwanted``, with that done; and
    ``Conflict`` where two such sign-ins met.
    """
    actor = system()
    with operation(actor):
        now = clock.now()
        found = _person(sign_on, arrival, now)
        if isinstance(found, Person):
            found = _welcomed(found, sign_on, arrival, now)
        if isinstance(found, Refused):
            record(
                verb="sign_in.refused",
                actor=actor,
                sentence=f"{found.person or arrival.username} didn't get in: {found.sentence}",
                now=now,
                person=found.person,
                data={"issuer": sign_on.issuer, "subject": arrival.subject, "username": arrival.username},
            )
    if isinstance(found, Refused):
        raise Unwanted(found.sentence)
    return found


def _person(sign_on: SignOn, arrival: Arrival, now: datetime) -> Person | Refused:
    identity = ProviderIdentity.objects.filter(issuer=sign_on.issuer, subject=arrival.subject).first()
    if identity is not None:
        return lock_person(identity.person_id)
    if arrival.gone:
        return Refused(None, arrival.gone)
    known = Person.objects.filter(username=arrival.username).first()
    person = _newcomer(sign_on, arrival) if known is None else _linked(known, sign_on, arrival)
    if isinstance(person, Person):
        _keep(person, sign_on, arrival, now)
    return person


def _newcomer(sign_on: SignOn, arrival: Arrival) -> Person | Refused:
    if not sign_on.makes_people:
        return Refused(None, "The portal doesn't know you yet. Ask an administrator to add you.")
    person = Person(username=arrival.username, name=arrival.name, email=arrival.mail or "")
    mail = "" if people.shape_problems(person, "email") else person.email
    try:
        return people.create_person(actor=system(), username=arrival.username, name=arrival.name, email=mail)
    except InvalidInput as error:
        return Refused(None, f"You can't be added: {error}")


def _linked(known: Person, sign_on: SignOn, arrival: Arrival) -> Person | Refused:
    """Somebody known by another way, if the operator's rule lets the provider speak for them."""
    person = lock_person(known.pk)
    by_rule = sign_on.linking is Linking.ANYBODY or (
        sign_on.linking is Linking.DIRECTORY and person.from_directory
    )
    taken = ProviderIdentity.objects.filter(issuer=sign_on.issuer, person=person).exists()
    if person.is_system or taken or not by_rule:
        return Refused(
            person,
            f"The username {arrival.username} is somebody's already, and isn't known to be yours. Ask an "
            "administrator of the portal.",
        )
    return person


def _keep(person: Person, sign_on: SignOn, arrival: Arrival, now: datetime) -> None:
    if not person.is_active:
        return
    ProviderIdentity.objects.create(
        person=person, issuer=sign_on.issuer, subject=arrival.subject, linked_at=now
    )
    record(
        verb="person.linked",
        actor=system(),
        sentence=f"{person} signs in by single sign-on from now on.",
        now=now,
        person=person,
        data={"issuer": sign_on.issuer, "subject": arrival.subject},
    )


def _welcomed(person: Person, sign_on: SignOn, arrival: Arrival, now: datetime) -> Person | Refused:
    if not person.is_active:
        return Refused(person, _GONE)
    if arrival.gone:
        people.deactivate(actor=system(), person=person, reason=arrival.gone)
        return Refused(person, f"{arrival.gone} The account is deactivated here too.")
    _bring_into_step(person, sign_on, arrival, now)
    return Person.objects.get(pk=person.pk)


def _bring_into_step(person: Person, sign_on: SignOn, arrival: Arrival, now: datetime) -> None:
    """The same plan as for the directory's file, of one person; only the teams of the mapping are touched."""
    known = _known(person)
    governed = sign_on.claims.governed
    teams = None if arrival.teams is None else (known.teams - governed) | arrival.teams
    listed = Listed(
        line=0,
        username=person.username,
        name=arrival.name,
        mail=_usable_mail(person, arrival.mail),
        manager=_usable_manager(person, arrival.manager),
        teams=teams,
    )
    planned = plan([listed], {person.username: replace(known, brought=True)}, _teams_there_are())
    for key in planned.new_teams:
        people.create_team(actor=system(), key=key, name=key)
    for entry in planned.entries:
        _carry_out(entry, person)
        record(
            verb="person.synced",
            actor=system(),
            sentence=f"{person} was brought into step with what the provider says at sign-in.",
            now=now,
            person=person,
            data={
                "changed": [one.what for one in entry.differences],
                "joined": list(entry.joins),
                "left": list(entry.leaves),
            },
        )


def _carry_out(entry: Entry, person: Person) -> None:
    actor = system()
    name, mail, manager = (entry.difference(what) for what in ("name", "mail", "manager"))
    if name or mail:
        with suppress(InvalidInput):  # what the provider calls somebody can't be stored; they come in
            people.change_person(
                actor=actor,
                person=person,
                name=name.after if name else None,
                email=mail.after if mail else None,
            )
    teams = {team.key: team for team in Team.objects.filter(key__in=[*entry.joins, *entry.leaves])}
    for key in entry.joins:
        people.join_team(actor=actor, person=person, team=teams[key])
    if manager:
        with suppress(Invalid):  # a circle of managers: the provider's to mend
            above = Person.objects.active().filter(username=manager.after).first()
            people.set_manager(actor=actor, person=person, manager=above)
    for key in entry.leaves:
        people.leave_team(actor=actor, person=person, team=teams[key])


def _known(person: Person) -> Known:
    teams = Membership.objects.current().filter(person=person).values_list("team__key", flat=True)
    manager = person.manager.username if person.manager else ""
    return Known(person.username, person.name, person.email, manager, frozenset(teams), person.time_zone)


def _usable_mail(person: Person, mail: str | None) -> str | None:
    """None, which leaves what is known, for what can't be an address."""
    if mail is None:
        return None
    tried = Person(username=person.username, name=person.name, email=mail)
    return None if people.shape_problems(tried, "email") else mail


def _usable_manager(person: Person, manager: str | None) -> str | None:
    """None, which leaves what is known, for somebody who isn't here."""
    if not manager or manager == person.username:
        return None
    return manager if Person.objects.active().filter(username=manager).exists() else None


def _teams_there_are() -> frozenset[str]:
    return frozenset(Team.objects.values_list("key", flat=True))

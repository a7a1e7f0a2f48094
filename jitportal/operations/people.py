"""People and teams, and the first administrator."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Membership, Person, StandingPower, Team
from jitportal.operations import clock
from jitportal.operations.directory import actor_facts, person_facts, powers_of
from jitportal.operations.facts import require
from jitportal.operations.leaving import deactivate, remove_power_locked
from jitportal.operations.rerouting import decided_by, reroute, waiting_for_manager_of
from jitportal.operations.time_zones import check_time_zone
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Conflict, Invalid, InvalidInput
from jitportal.rules.permissions import Verb
from jitportal.rules.plain_text import is_plain
from jitportal.rules.vocabulary import Power

__all__ = ["actor_facts", "deactivate", "person_facts", "powers_of"]

_NO_TEXT = "The text holds characters that aren't text. Type it again."


def create_person(
    *,
    actor: Person,
    username: str,
    name: str,
    email: str = "",
    manager: Person | None = None,
    password: str | None = None,
    time_zone: str = "UTC",
) -> Person:
    """Add somebody. Without a password they can't sign in by one.

    Raises ``InvalidInput`` with everything that is wrong, and ``NotAllowed``.
    """
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        person = Person(
            username=username, name=name.strip(), email=email, manager=manager, time_zone=time_zone
        )
        _check_new(person, password)
        person.set_password(password)
        person.save()
        record(
            verb="person.created",
            actor=actor,
            sentence=f"{actor} added {person} ({username}).",
            now=clock.now(),
            person=person,
        )
        return person


def create_team(*, actor: Person, key: str, name: str) -> Team:
    """Add a team, whose key policies name. Raises ``Conflict`` where the key is taken."""
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        if Team.objects.filter(key=key).exists():
            raise Conflict(f"There is a team {key} already. Choose another key.")
        team = Team(key=key, name=name)
        refuse_problems(team, "key", "name")
        team.save()
        record(verb="team.created", actor=actor, sentence=f"{actor} added team {name}.", now=clock.now())
        return team


def join_team(*, actor: Person, person: Person, team: Team) -> Membership:
    """Put somebody into a team. Raises ``Conflict`` where they are in it."""
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        lock_person(person.pk)
        if Membership.objects.current().filter(person=person, team=team).exists():
            raise Conflict(f"{person} is in team {team} already.")
        now = clock.now()
        membership = Membership.objects.create(person=person, team=team, since=now)
        record(
            verb="team.joined",
            actor=actor,
            sentence=f"{actor} put {person} into team {team}.",
            now=now,
            person=person,
        )
        return membership


def leave_team(*, actor: Person, person: Person, team: Team) -> Membership:
    """Take somebody out of a team. Raises ``Conflict`` where they aren't in it."""
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        lock_person(person.pk)
        membership = Membership.objects.current().filter(person=person, team=team).first()
        if membership is None:
            raise Conflict(f"{person} isn't in team {team}.")
        now = clock.now()
        waiting = decided_by(person)
        membership.ended_at = now
        membership.save(update_fields=["ended_at"])
        record(
            verb="team.left",
            actor=actor,
            sentence=f"{actor} took {person} out of team {team}.",
            now=now,
            person=person,
        )
        reroute(waiting, actor, f"{person} left team {team}", now)
        return membership


def set_manager(*, actor: Person, person: Person, manager: Person | None) -> Person:
    """Say who manages somebody. Raises ``Invalid`` for oneself or a circle."""
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        person = lock_person(person.pk)
        _refuse_circle(person, manager)
        return set_manager_locked(person, manager, actor)


def set_manager_locked(person: Person, manager: Person | None, actor: Person) -> Person:
    """Set the manager of somebody who is locked already, where it is known that there is no circle."""
    now = clock.now()
    person.manager = manager
    person.save(update_fields=["manager"])
    record(
        verb="person.manager_set",
        actor=actor,
        sentence=f"{actor} made {manager or 'nobody'} the manager of {person}.",
        now=now,
        person=person,
    )
    reroute(waiting_for_manager_of(person), actor, f"{manager or 'Nobody'} manages {person} now", now)
    return person


def change_person(
    *, actor: Person, person: Person, name: str | None = None, email: str | None = None
) -> Person:
    """Change what somebody is called, or their mail address; None stays. Raises ``InvalidInput``."""
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        person = lock_person(person.pk)
        before = (person.name, person.email)
        person.name = person.name if name is None else name.strip()
        person.email = person.email if email is None else email
        refuse_problems(person, "name", "email")
        if (person.name, person.email) != before:
            person.save(update_fields=["name", "email"])
            record(
                verb="person.changed",
                actor=actor,
                sentence=f"{actor} changed what is known of {person}: {_said_change(before, person)}.",
                now=clock.now(),
                person=person,
            )
        return person


def _said_change(before: tuple[str, str], person: Person) -> str:
    name, email = before
    said = [f"{name} is called {person.name}"] if person.name != name else []
    if person.email != email:
        said.append(f"mail goes to {person.email or 'nowhere'} instead of {email or 'nowhere'}")
    return ", ".join(said)


def reactivate(*, actor: Person, person: Person) -> Person:
    """Somebody comes back, with nothing that they had: no password and no second factor of before, which
    others may know by now. Raises ``Conflict`` where they are active.
    """
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        person = lock_person(person.pk)
        if person.is_active:
            raise Conflict(f"{person} is active already.")
        person.is_active, person.deactivated_at = True, None
        person.set_unusable_password()
        person.save(update_fields=["is_active", "deactivated_at", "password"])
        Authenticator.objects.filter(user=person).delete()
        record(
            verb="person.reactivated",
            actor=actor,
            sentence=f"{actor} reactivated {person}, without their password and second factors of before.",
            now=clock.now(),
            person=person,
        )
        return person


def first_administrator(*, username: str, name: str, email: str = "", password: str) -> Person:
    """Make the first administrator, once: recorded, and shown to them until the power is removed.

    Raises ``Conflict`` where there has been one, ``InvalidInput`` for a weak password and the like.
    """
    actor = system()
    with operation(actor):
        lock_person(actor.pk)  # so that two such commands at once make one
        if StandingPower.objects.exists():
            raise Conflict(
                "There has been a first administrator already. Further powers are requested in the portal."
            )
        person = create_person(actor=actor, username=username, name=name, email=email, password=password)
        now = clock.now()
        StandingPower.objects.create(
            person=person,
            power=Power.ADMINISTRATOR,
            reason="The first administrator, to set the portal up.",
            given_at=now,
        )
        record(
            verb="power.standing_given",
            actor=actor,
            sentence=f"{person} was made the first administrator, with a standing power, by command.",
            now=now,
            person=person,
        )
        return person


def remove_standing_power(*, actor: Person, standing_power: StandingPower) -> StandingPower:
    """End a standing power: its holder may, and an administrator. Raises ``Conflict`` if it has gone."""
    with operation(actor):
        if standing_power.person_id != actor.pk:
            require(Verb.PERSON_MANAGE, actor)
        power = StandingPower.objects.select_for_update(of=("self",)).get(pk=standing_power.pk)
        if power.removed_at is not None:
            raise Conflict("This standing power has been removed already.")
        return remove_power_locked(power, actor, clock.now())


def _check_new(person: Person, password: str | None) -> None:
    problems = [
        Invalid(sentence, field=field)
        for field, sentences in model_problems(person, "username", "name", "email").items()
        for sentence in sentences
    ]
    problems += check_time_zone(person.time_zone)
    if password is not None:
        try:
            validate_password(password, person)
        except ValidationError as error:
            problems += [Invalid(message, field="password") for message in error.messages]
    if problems:
        raise InvalidInput(problems)


def refuse_problems(row: Person | Team, *fields: str) -> None:
    """Raise ``InvalidInput`` with what the model says is wrong with these fields."""
    problems = model_problems(row, *fields)
    if problems:
        raise InvalidInput(
            [Invalid(sentence, field=field) for field, said in problems.items() for sentence in said]
        )


def model_problems(row: Person | Team, *fields: str) -> dict[str, list[str]]:
    """What the model says is wrong with these fields, by field; characters that aren't text first."""
    odd = {field: [_NO_TEXT] for field in fields if not is_plain(getattr(row, field))}
    if odd:
        return odd
    try:
        row.full_clean(exclude={field.name for field in row._meta.fields} - set(fields))
    except ValidationError as error:
        return error.message_dict
    return {}


def shape_problems(row: Person | Team, *fields: str) -> dict[str, list[str]]:
    """What is wrong with these fields by themselves, by field, without asking the database."""
    try:
        row.clean_fields(exclude={field.name for field in row._meta.fields} - set(fields))
    except ValidationError as error:
        return error.message_dict
    return {}


def _refuse_circle(person: Person, manager: Person | None) -> None:
    above = manager
    seen: set[int] = set()
    while above is not None and above.pk not in seen:
        if above.pk == person.pk:
            raise Invalid(
                f"{person} would come to manage themselves. Choose another manager.", field="manager"
            )
        seen.add(above.pk)
        above = above.manager

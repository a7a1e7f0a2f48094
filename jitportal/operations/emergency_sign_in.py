"""Signing in with a password though there is single sign-on: for emergencies, for whom the policy names."""

from __future__ import annotations

from jitportal.audit import context
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Person
from jitportal.operations import clock, notices, policies, webhooks
from jitportal.operations.emergency_people import own_roles, people_of
from jitportal.operations.problems import operators
from jitportal.operations.transaction import operation
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.vocabulary import Pathway


def may_use_password(person: Person) -> bool:
    """Whether they are eligible for a break-glass role of the policy in force: the emergency population."""
    return person.is_active and bool(own_roles(person))


def used(person: Person) -> None:
    """They gave their password at the emergency address: it is recorded, and those who watch are alerted."""
    with operation(person):
        now = clock.now()
        where = context.current().address or "an unknown address"
        sentence = f"{person} gave the right password at the emergency sign-in, from {where}."
        event = record(verb="sign_in.emergency", actor=person, sentence=sentence, now=now, person=person)
        notices.notify(
            recipients=_watchers(person),
            kind="sign_in.emergency",
            key=str(event.pk),
            subject=f"Emergency sign-in of {person}",
            body=f"{sentence} Single sign-on was passed by. If nobody expects this, end their sessions.",
            path=f"/record/{event.pk}/",
            now=now,
            actor=person,
        )
        webhooks.enqueue(
            kind="sign_in.emergency",
            data={"username": person.username, "name": person.name, "address": where},
            endpoints=_receivers(),
            now=now,
            actor=person,
            event=event,
        )


def refused(person: Person) -> None:
    """The password was theirs, and this door isn't."""
    with operation(system()):
        record(
            verb="sign_in.refused",
            actor=system(),
            sentence=f"{person} tried to sign in with a password, which is for emergencies alone.",
            now=clock.now(),
            person=person,
        )


def _document() -> PolicyDocument | None:
    version = policies.current_version()
    return policies.document_of(version) if version else None


def _receivers() -> tuple[str, ...]:
    """The webhook receivers that the policy has told of emergencies."""
    document = _document()
    return document.break_glass.webhooks if document and document.break_glass else ()


def _watchers(person: Person) -> list[Person]:
    """The security contacts of the policy, the owners of its break-glass roles, and whoever operates."""
    document = _document()
    told = {one.pk: one for one in operators(clock.now())}
    if document is not None and document.break_glass is not None:
        owners = {role.owner for role in document.roles_on(Pathway.BREAK_GLASS).values()}
        named = Person.objects.active().filter(username__in=owners)
        told |= {one.pk: one for one in (*named, *people_of(document.break_glass.contacts))}
    return [one for one in told.values() if one.pk != person.pk]

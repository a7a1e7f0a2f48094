"""What people change of themselves."""

from __future__ import annotations

from jitportal.audit.events import record
from jitportal.models import Person
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.time_zones import check_time_zone
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import InvalidInput
from jitportal.rules.permissions import Verb


def set_time_zone(*, actor: Person, time_zone: str) -> Person:
    """Choose the zone in which the actor reads times. Raises ``InvalidInput`` for what is no zone."""
    with operation(actor):
        person = lock_person(actor.pk)
        require(Verb.PROFILE_EDIT, person)
        problems = check_time_zone(time_zone)
        if problems:
            raise InvalidInput(problems)
        if person.time_zone != time_zone:
            before, person.time_zone = person.time_zone, time_zone
            person.save(update_fields=["time_zone"])
            record(
                verb="person.time_zone_set",
                actor=person,
                sentence=f"{person} reads times in {time_zone} now, and no longer in {before}.",
                now=clock.now(),
                person=person,
            )
        return person

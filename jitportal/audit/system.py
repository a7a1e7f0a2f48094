"""The system as an actor with a name: the one person's row that nobody signs in to."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password

from jitportal.models import Person
from jitportal.models.people import SYSTEM_USERNAME


def system() -> Person:
    """The system's row. A migration makes it; where it is missing it is made again.

    ``bulk_create`` sends no signals: an entry about the system's row would need the system as its
    actor first. Two makers at once agree, since the database holds one such row at most.
    """
    found = Person.objects.filter(is_system=True).first()
    if found is not None:
        return found
    row = Person(username=SYSTEM_USERNAME, name="The system", is_system=True, password=make_password(None))
    Person.objects.bulk_create([row], ignore_conflicts=True)
    return Person.objects.get(is_system=True)

"""An approver's queue: reads alone."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from jitportal.models import AccessRequest, Person
from jitportal.operations.facts import queue_for as undecided_for


def queue_for(person: Person, now: datetime) -> QuerySet[AccessRequest]:
    """What waits for this person's decision and can still be decided, oldest first."""
    return undecided_for(person).filter(lapses_at__gt=now).order_by("created_at", "id")


def queue_count(person: Person, now: datetime) -> int:
    """How many wait for this person."""
    return queue_for(person, now).count()

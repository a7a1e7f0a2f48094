"""What every operation runs in: the actor bound for the record, and one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, models, transaction

from jitportal.audit.context import acting
from jitportal.models import AccessRequest, Grant, Person
from jitportal.rules.errors import Conflict

M = TypeVar("M", bound=models.Model)

#: SQLSTATEs of PostgreSQL that mean "try again": deadlock, serialization, lock not available.
_BUSY = {"40P01", "40001", "55P03"}


@contextmanager
def operation(actor: Person) -> Iterator[None]:
    """One transaction on behalf of the actor.

    Locks are always taken in the order person, request, grant, lease, so that no two operations
    wait for each other. What slips past the checks and meets a constraint is a ``Conflict``: two people
    did the same thing at once, and the database kept one.
    """
    with acting(actor):
        try:
            with transaction.atomic():
                yield
        except IntegrityError as error:
            raise Conflict(
                "Something changed at the same moment, so nothing was done. Reload the page and try again."
            ) from error
        except OperationalError as error:
            if not _busy(error):
                raise
            raise Conflict("The portal is busy, so nothing was done. Try again in a moment.") from error


def _busy(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in _BUSY or "locked" in str(error)


def lock_person(person_id: int) -> Person:
    """Serialises what is decided about one person. Rows that refer to the person aren't held up."""
    return Person.objects.select_for_update(no_key=True).get(pk=person_id)


def lock_request(request: AccessRequest) -> AccessRequest:
    """The request as it is now, with its requester locked before it."""
    lock_person(request.requester_id)
    return (
        AccessRequest.objects.select_for_update(of=("self",), no_key=True)
        .select_related("current", "role", "role__target", "role__owner", "scope", "scope__entitlement")
        .select_related("requester", "requester__manager", "current__policy_version", "renewal_of")
        .get(pk=request.pk)
    )


def lock_grant(grant: Grant) -> Grant:
    """The grant as it is now, with its holder locked before it."""
    lock_person(grant.person_id)
    return (
        Grant.objects.select_for_update(of=("self",), no_key=True)
        .select_related("person", "person__manager", "role", "role__target", "role__owner", "scope")
        .select_related("scope__entitlement", "request", "request__current__policy_version", "lease")
        .select_related("activation", "activation__policy_version")
        .select_related("renewal_of", "renewal_of__lease")
        .get(pk=grant.pk)
    )

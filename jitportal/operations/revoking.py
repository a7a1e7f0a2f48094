"""Several grants revoked at once: all that somebody holds, or all of a role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitportal.audit.events import record
from jitportal.models import Grant, Person, Role, StepUpProof
from jitportal.operations import clock, confirmation_words, step_up
from jitportal.operations.directory import actor_facts
from jitportal.operations.facts import relations, require, visible_grants
from jitportal.operations.grants import revoke_locked
from jitportal.operations.transaction import lock_grant, operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb, allowed
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import GrantStatus

#: More than this at once is a change of policy.
MOST_GRANTS = 200
_OPEN = (GrantStatus.READY, GrantStatus.PROVISIONING, GrantStatus.ACTIVE)


@dataclass(frozen=True, slots=True)
class Revocable:
    """What somebody may revoke at once. ``cut``: there may be more, for another time."""

    grants: list[Grant]
    cut: bool


def revocable(actor: Person, *, person: Person | None = None, role: Role | None = None) -> Revocable:
    """What this person may revoke of what somebody holds, or of a role."""
    now = clock.now()
    rows = visible_grants(actor, now).filter(status__in=_OPEN, stopped_at__isnull=True)
    rows = rows.filter(person=person) if person is not None else rows
    rows = rows.filter(role=role) if role is not None else rows
    listed = rows.select_related("person", "role__target", "role__owner", "scope", "request__current")
    looked_at = list(listed.order_by("person__name", "role__name", "pk")[: MOST_GRANTS + 1])
    found, facts = looked_at[:MOST_GRANTS], actor_facts(actor, now)
    if not allowed(Verb.GRANT_REVOKE, facts):  # by a power, whatever they are to each of them
        found = [grant for grant in found if allowed(Verb.GRANT_REVOKE, facts, relations(actor, grant))]
    return Revocable(found, cut=len(looked_at) > MOST_GRANTS)


def revoke_several(
    *, actor: Person, grants: Sequence[Grant], reason: str, proof: StepUpProof | None = None
) -> list[Grant]:
    """Revoke them all, or none; those that have ended meanwhile need it no more, and are left out.

    It takes a fresh second factor: raises ``StepUpNeeded``; ``NotAllowed`` where one of them isn't the
    actor's to revoke, ``Conflict`` where all have ended, ``Invalid`` without a reason.
    """
    chosen = sorted({grant.pk: grant for grant in grants}.values(), key=lambda one: (one.person_id, one.pk))
    with operation(actor):
        now = clock.now()
        if not chosen or len(chosen) > MOST_GRANTS:
            raise Invalid(f"Choose from 1 to {MOST_GRANTS} grants.", field="grants")
        locked = [lock_grant(grant) for grant in chosen]
        for grant in locked:
            require(Verb.GRANT_REVOKE, actor, grant, now)
        reason = words(reason, "reason", needed="Say why, for the record and for the holders.")
        taken = step_up.require(
            actor=actor,
            act=Act.REVOKE_SEVERAL,
            about={"grants": [grant.pk for grant in locked], "reason": reason},
            sentence=confirmation_words.of_revocation(locked, reason),
            proof=proof,
        )
        standing = [grant for grant in locked if grant.status in _OPEN and grant.stopped_at is None]
        for grant in standing:
            grant.refresh_from_db(fields=["status", "stopped_at"])  # a renewal ended with the one before it
            if grant.stopped_at is None:
                revoke_locked(grant, actor, reason, now)
        if not standing:
            raise Conflict("All of them have ended already.")
        record(
            verb="grants.revoked",
            actor=actor,
            sentence=f"{actor} revoked {_counted(len(standing))} at once: {reason}",
            now=now,
            data={"grants": [grant.pk for grant in standing], **step_up.traced(taken)},
        )
        return standing


def _counted(number: int) -> str:
    return "1 grant" if number == 1 else f"{number} grants"

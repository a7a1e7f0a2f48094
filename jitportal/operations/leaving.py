"""Somebody leaves: everything that they hold, wait for, decide or manage ends or goes to others, at once."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from jitportal.audit.bulk import change_many
from jitportal.audit.events import record
from jitportal.models import AccessRequest, Delegation, Grant, Membership, Notice, Person, StandingPower
from jitportal.operations import clock, reviews
from jitportal.operations.delegations import stop_locked as stop_locked_delegation
from jitportal.operations.facts import require
from jitportal.operations.grants import stop_locked
from jitportal.operations.requests import withdraw_locked
from jitportal.operations.rerouting import decided_by, reroute
from jitportal.operations.transaction import lock_grant, lock_person, lock_request, operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import EndReason

__all__ = ["deactivate", "heir_of", "remove_power_locked"]


def deactivate(*, actor: Person, person: Person, reason: str) -> Person:
    """Somebody leaves: what they hold and wait for ends, and sign-in stops, all at once.

    Their grants in force are revoked and those to come cancelled, their open requests withdrawn, their
    standing powers and memberships ended. Whom they managed goes to the manager above them; what waited
    for their decision is asked of those who can decide it now, and what nobody can decide is said so.
    Reviews of what they did go on without their words.
    """
    with operation(actor):
        require(Verb.PERSON_MANAGE, actor)
        reason = words(reason, "reason", needed="Say why, for the record.")
        person = lock_person(person.pk)
        if person.is_system:
            raise Invalid("The system can't be deactivated.")
        if not person.is_active:
            raise Conflict(f"{person} is deactivated already.")
        now = clock.now()
        waiting = decided_by(person)
        person.is_active, person.deactivated_at = False, now
        person.session_epoch += 1  # whoever comes back signs in again
        person.save(update_fields=["is_active", "deactivated_at", "session_epoch"])
        record(
            verb="person.deactivated",
            actor=actor,
            sentence=f"{actor} deactivated {person}: {reason}",
            now=now,
            person=person,
        )
        _end_what_they_have(person, actor, now)
        _hand_on_reports(person, actor, now)
        reroute(waiting, actor, f"{person} was deactivated", now)
        return person


def heir_of(person: Person) -> Person | None:
    """The nearest active manager above somebody: who manages those whom they managed once they leave."""
    above, seen = person.manager, {person.pk}
    while above is not None and not above.is_active and above.pk not in seen:
        seen.add(above.pk)
        above = above.manager
    return above if above is not None and above.is_active else None


def remove_power_locked(power: StandingPower, actor: Person, now: datetime) -> StandingPower:
    """End a standing power that is locked already."""
    power.removed_at = now
    power.save(update_fields=["removed_at"])
    record(
        verb="power.standing_removed",
        actor=actor,
        sentence=f"{actor} removed the standing power {power.power} of {power.person}.",
        now=now,
        person=power.person,
    )
    return power


def _end_what_they_have(person: Person, actor: Person, now: datetime) -> None:
    why = f"{person} was deactivated."
    for request in AccessRequest.objects.open().filter(requester=person).order_by("pk"):
        withdraw_locked(lock_request(request), actor, now, why)
    for power in StandingPower.objects.filter(person=person, removed_at__isnull=True):
        remove_power_locked(power, actor, now)
    for grant in Grant.objects.filter(person=person, stopped_at__isnull=True).order_by("pk"):
        held = lock_grant(grant)
        if held.ends_at is None or held.ends_at > now:
            stop_locked(held, actor, EndReason.REVOKED, why, now)
    for membership in Membership.objects.current().filter(person=person).select_related("team"):
        membership.ended_at = now
        membership.save(update_fields=["ended_at"])
        record(
            verb="team.left",
            actor=actor,
            sentence=f"{person} left team {membership.team}, having been deactivated.",
            now=now,
            person=person,
        )
    for delegation in Delegation.objects.to_come(now).filter(Q(delegator=person) | Q(delegate=person)):
        stop_locked_delegation(delegation, actor, now, why)
    reviews.go_on_without(person, actor, now)
    unsent = Notice.objects.unsent().filter(recipient=person)
    change_many([(notice, {"given_up_at": now, "last_error": why}) for notice in unsent], actor)


def _hand_on_reports(person: Person, actor: Person, now: datetime) -> None:
    """Nobody is left with a manager who can't decide any more. See ``docs/adr/0008``."""
    heir = heir_of(person)
    reports = []
    for key in Person.objects.filter(manager=person).order_by("pk").values_list("pk", flat=True):
        report = lock_person(key)
        report.manager = heir
        report.save(update_fields=["manager"])
        reports.append(report)
        record(
            verb="person.manager_set",
            actor=actor,
            sentence=(
                f"{person}, who managed {report}, was deactivated: {heir or 'nobody'} manages {report} now."
            ),
            now=now,
            person=report,
        )
    if heir is not None:
        reviews.hand_on(reports, heir, actor, now)

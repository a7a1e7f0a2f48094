"""Grants: started, handed back, revoked, expired, passed unused."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from jitportal.audit.bulk import change_many
from jitportal.audit.events import draft, record_many
from jitportal.audit.system import system
from jitportal.models import AccessRequest, Event, Grant, Lease, Person, StepUpProof
from jitportal.operations import (
    clock,
    emergency_ends,
    notices,
    requests,
    risks,
    rooms,
    step_up,
    wants,
)
from jitportal.operations.connecting import instructions, reveal
from jitportal.operations.facts import require
from jitportal.operations.granting import RENEWAL_LEAD, begin, say
from jitportal.operations.spoken_times import moment
from jitportal.operations.transaction import lock_grant, lock_request, operation
from jitportal.operations.wording import words
from jitportal.rules.durations import spoken
from jitportal.rules.errors import Conflict, JitportalError, PolicyRefuses, TooLate
from jitportal.rules.lifecycle import check_transition, spoken_state
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import EndReason, GrantStatus, StartMode

__all__ = ["expire_due", "hand_back", "instructions", "pass_unused", "reveal", "revoke", "start", "start_due"]

log = logging.getLogger(__name__)

BATCH = 500
_PLANNED = [StartMode.SCHEDULED, StartMode.RENEWAL, StartMode.AT_ONCE]


def start(*, actor: Person, grant: Grant, proof: StepUpProof | None = None) -> Grant:
    """The holder's own click starts the clock; of a role of high risk it takes a fresh second factor.

    Raises ``StepUpNeeded``, ``TooLate`` after the window, ``Conflict`` before it or where it runs already,
    and ``PolicyRefuses`` where the holder isn't eligible any more.
    """
    with operation(actor):
        grant = lock_grant(grant)
        now = clock.now()
        require(Verb.GRANT_START, actor, grant, now)
        if grant.status != GrantStatus.READY:
            raise Conflict(f"This grant is {spoken_state(grant.status)} already.")
        if grant.start_mode != StartMode.ON_CLICK:
            raise Conflict(f"This grant starts by itself at {moment(grant.opens_at)}.")
        if now < grant.opens_at:
            raise Conflict(f"Its window opens at {moment(grant.opens_at)}. Start it then.")
        if now >= grant.closes_at:
            raise TooLate(f"Its window closed at {moment(grant.closes_at)}. Ask again.")
        taken = None
        if risks.is_high_grant(grant):
            taken = step_up.require(
                actor=actor,
                act=Act.START,
                about={"grant": grant.pk, "role": grant.role.key, "scope": grant.scope.key},
                sentence=(
                    f"Start {grant.role} ({grant.scope}) on {grant.role.target} for {spoken(grant.minutes)}."
                ),
                proof=proof,
                own=risks.grant_wants_own_factor(grant),
            )
        begin(grant, actor, now, **step_up.traced(taken))
        return grant


def hand_back(*, actor: Person, grant: Grant, note: str = "", renewal: bool = False) -> Grant:
    """The holder ends it early; with ``renewal``, what goes on from it too: a grant ends, a request that is
    still open is withdrawn (approved after the end, it would begin at once).

    Raises ``Conflict`` where it has ended.
    """
    with operation(actor):
        grant = lock_grant(grant)
        now = clock.now()
        require(Verb.GRANT_HAND_BACK, actor, grant, now)
        note = words(note, "note")
        stop_locked(grant, actor, EndReason.HANDED_BACK, note, now)
        if renewal:
            _stop_renewal(grant, actor, EndReason.HANDED_BACK, note, now)
            _withdraw_renewal(grant, actor, now)
        return grant


def revoke(*, actor: Person, grant: Grant, reason: str) -> Grant:
    """Somebody else ends it, with a reason; a renewal that goes on from it ends too.

    Raises ``Invalid`` without a reason, and ``Conflict`` where it has ended.
    """
    with operation(actor):
        grant = lock_grant(grant)
        now = clock.now()
        require(Verb.GRANT_REVOKE, actor, grant, now)
        reason = words(reason, "reason", needed="Say why, for the record and for the holder.")
        revoke_locked(grant, actor, reason, now)
        return grant


def revoke_locked(grant: Grant, actor: Person, reason: str, now: datetime) -> None:
    """End it, and a renewal that goes on from it. The person and the grant are locked."""
    stop_locked(grant, actor, EndReason.REVOKED, reason, now)
    _stop_renewal(grant, actor, EndReason.REVOKED, reason, now)


def _stop_renewal(grant: Grant, actor: Person, why: EndReason, note: str, now: datetime) -> None:
    for renewal in Grant.objects.filter(renewal_of=grant, stopped_at__isnull=True):
        stop_locked(lock_grant(renewal), actor, why, note, now)


def _withdraw_renewal(grant: Grant, actor: Person, now: datetime) -> None:
    for asked in AccessRequest.objects.open().filter(requester=actor, renewal_of=grant):
        requests.withdraw_locked(lock_request(asked), actor, now, "handed back what it was to go on from")


def stop_locked(grant: Grant, actor: Person, why: EndReason, note: str, now: datetime) -> None:
    """Stop entitlement at once, and have the target follow. The person and the grant are locked."""
    if grant.status in (GrantStatus.REMOVING, GrantStatus.ENDED):
        raise Conflict(f"This grant has ended already: {spoken_state(grant.end_reason)}.")
    if grant.ends_at is not None and now >= grant.ends_at:
        raise Conflict("This grant has just ended by itself.")
    _stop(grant, actor, why, note, now)
    say(grant, actor, str(why), _stopped_sentence(grant, actor, why, note), now, note=note)
    rooms.tell_of_ends([grant], actor, now)
    if actor.pk != grant.person_id and grant.activation_id is None:  # whose responder is told with the others
        _tell_holder(grant, actor, why, note, now)


def start_due() -> int:
    """Begin what is planned to begin now; what may not begin any more ends as failed, and says why."""
    now = clock.now()
    planned = Grant.objects.filter(
        Q(opens_at__lte=now) | Q(start_mode=StartMode.RENEWAL, opens_at__lte=now + RENEWAL_LEAD),
        status=GrantStatus.READY,
        start_mode__in=_PLANNED,
        closes_at__gt=now,
    ).order_by("opens_at")[:BATCH]
    return _each(planned, _start_planned)


def expire_due() -> int:
    """Stop a batch of those whose end has come, in one transaction; returns how many.

    Entitlement had stopped by the clock already: this writes it down, and the leases follow.
    """
    actor = system()
    with operation(actor):
        now = clock.now()
        grants = list(
            Grant.objects.filter(status__in=[GrantStatus.PROVISIONING, GrantStatus.ACTIVE], ends_at__lte=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("person", "role", "role__target", "scope", "request", "lease")
            .order_by("ends_at")[:BATCH]
        )
        change_many(
            [
                (
                    grant,
                    {
                        "status": GrantStatus.REMOVING,
                        "stopped_at": grant.ends_at,
                        "end_reason": EndReason.EXPIRED,
                        "stopped_by": actor,
                    },
                )
                for grant in grants
            ],
            actor,
        )
        record_many([_expired_event(grant, actor, now) for grant in grants])
        emergency_ends.follow_stops(grants, actor, now)
        rooms.tell_of_ends(grants, actor, now)
        _attend_all(grants, actor, now)
        return len(grants)


def pass_unused() -> int:
    """End ready grants whose window has passed without a start; returns how many."""
    ready = Grant.objects.filter(status=GrantStatus.READY, closes_at__lte=clock.now())
    return _each(ready.order_by("closes_at")[:BATCH], _pass)


def _each(grants: Iterable[Grant], act: Callable[[Grant, Person], bool]) -> int:
    """Act on each in a transaction of its own: one that fails waits for the next pulse, and no other
    waits for it. Returns on how many it acted.
    """
    actor = system()
    done = 0
    for grant in grants:
        try:
            done += act(grant, actor)
        except Conflict as conflict:
            log.warning("Grant %s is tried again: %s", grant.pk, conflict)
        except Exception:
            log.exception("Grant %s could neither start nor end; it is tried again.", grant.pk)
    return done


def _start_planned(grant: Grant, actor: Person) -> bool:
    try:
        with operation(actor):
            locked = lock_grant(grant)
            now = clock.now()
            if locked.status != GrantStatus.READY or now >= locked.closes_at:
                return False
            begin(locked, actor, now)
            return True
    except PolicyRefuses as refusal:
        _fail(grant, actor, refusal)
    return False


def _pass(grant: Grant, actor: Person) -> bool:
    with operation(actor):
        locked = lock_grant(grant)
        now = clock.now()
        if locked.status != GrantStatus.READY or now < locked.closes_at:
            return False
        _stop(locked, actor, EndReason.UNUSED, "Its window passed before it was started.", now)
        say(locked, actor, "unused", f"{locked.role} was not started in its window, so it ended.", now)
        _tell_holder(locked, actor, EndReason.UNUSED, locked.end_note, now)
        return True


def _fail(grant: Grant, actor: Person, refusal: JitportalError) -> None:
    with operation(actor):
        locked = lock_grant(grant)
        if locked.status != GrantStatus.READY:
            return
        now = clock.now()
        _stop(locked, actor, EndReason.FAILED, refusal.sentence, now)
        say(locked, actor, "failed", f"{locked.role} could not start: {refusal.sentence}", now)
        _tell_holder(locked, actor, EndReason.FAILED, refusal.sentence, now)


def _stop(grant: Grant, actor: Person, why: EndReason, note: str, now: datetime) -> None:
    started = grant.starts_at is not None
    after = GrantStatus.REMOVING if started else GrantStatus.ENDED
    check_transition("grant", grant.status, after)
    # A renewal can be stopped before its start has come: it then covered nothing.
    grant.stopped_at = max(now, grant.starts_at) if grant.starts_at else now
    grant.status, grant.end_reason, grant.end_note, grant.stopped_by = after, why, note, actor
    if not started:
        grant.ended_at = now
    grant.save(update_fields=["status", "stopped_at", "end_reason", "end_note", "stopped_by", "ended_at"])
    emergency_ends.follow_stops([grant], actor, now)
    if grant.lease_id and grant.lease:
        wants.attend(Lease.objects.select_for_update(of=("self",), no_key=True).get(pk=grant.lease_id), now)


def _attend_all(grants: Sequence[Grant], actor: Person, now: datetime) -> None:
    ids = sorted({grant.lease_id for grant in grants if grant.lease_id})
    leases = list(
        Lease.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids).order_by("pk")
    )
    late = [lease for lease in leases if lease.due_at is None or lease.due_at > now]
    change_many([(lease, {"due_at": now}) for lease in late], actor)  # the pulse, which called, looks next


def _expired_event(grant: Grant, actor: Person, now: datetime) -> Event:
    return draft(
        verb="grant.expired",
        actor=actor,
        sentence=f"{grant.role} ({grant.scope}) of {grant.person} came to its end.",
        now=now,
        person=grant.person,
        request=grant.request,
        grant=grant,
        lease=grant.lease,
        role=grant.role,
        target=grant.role.target,
        data={"ends_at": grant.ends_at.isoformat() if grant.ends_at else None},
    )


def _stopped_sentence(grant: Grant, actor: Person, why: EndReason, note: str) -> str:
    what = f"{grant.role} ({grant.scope})"
    said = f": {note}" if note else "."
    if why is EndReason.HANDED_BACK:
        return f"{actor} handed {what} back{said}"
    if why is EndReason.EXTENDED:
        return f"{actor} extended {what}{said}"
    if why is EndReason.GAVE_WAY:
        return f"The drill of {what} by {grant.person} gave way to an emergency of {actor}."
    return f"{actor} revoked {what} of {grant.person}{said}"


def _tell_holder(grant: Grant, actor: Person, why: EndReason, note: str, now: datetime) -> None:
    notices.notify(
        recipients=[grant.person],
        kind=f"grant.{why}",
        key=str(grant.pk),
        subject=f"{grant.role} has ended: {spoken_state(why)}",
        body=f"Your access to {grant.role} ({grant.scope}) has ended: {spoken_state(why)}. {note}",
        path=f"/grants/{grant.pk}/",
        now=now,
        actor=actor,
        request=grant.request,
        grant=grant,
    )

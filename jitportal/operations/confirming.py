"""What a target answered, written down: leases, the grants behind them, and what is due next."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from jitportal.audit.bulk import change_many
from jitportal.audit.events import draft, record_many
from jitportal.audit.system import system
from jitportal.models import Event, Grant, Lease, Person
from jitportal.operations import clock, emergency_ends, reviews, wants
from jitportal.operations.claims import Claimed
from jitportal.operations.transaction import operation
from jitportal.rules.vocabulary import GrantStatus, Holding, LeaseOrder, Presence, Refusal
from jitportal.rules.windows import Span

log = logging.getLogger(__name__)

#: The wait after each failed attempt, in seconds; the last goes on for ever.
BACKOFF = (1, 2, 4, 8, 15, 30, 60)
#: A removal is tried again at least this often, in seconds.
REMOVAL_BACKOFF = 15
#: What a person has yet to carry out is looked at again this often: they may confirm on the target's page.
WAITING = timedelta(seconds=30)
#: Sessions that reconnected between the two steps of a revoke are cut by another pass so much later.
SECOND_PASS = timedelta(milliseconds=300)
#: After so many passes the wait grows: somebody else gave the same privilege on the target, perhaps.
QUICK_PASSES = 5
#: A problem that a person has to mend first is still tried again, for they mend it without telling us.
PERMANENT_RETRY = timedelta(minutes=5)


def confirm(claimed: Sequence[Claimed], answers: Sequence[Holding | Refusal], *, fences: bool) -> None:
    """Write the answers down, for every lease whose claim is still the one that was called with."""
    refused = []
    held: dict[int, Holding] = {}
    for item, answer in zip(claimed, answers, strict=True):
        if isinstance(answer, Refusal):
            refused.append((item, answer))
        else:
            held[item.lease.pk] = answer
    if held:
        kept = [(item.lease, item.order) for item in claimed if item.lease.pk in held]
        _confirm_held(kept, held, fences=fences)
    for item, refusal in refused:
        fail([(item.lease, item.order)], refusal.message, permanent=refusal.permanent)


def fail(orders: Sequence[tuple[Lease, LeaseOrder]], message: str, *, permanent: bool) -> None:
    """The orders could not be carried out: try again later, and say so once in the record."""
    actor = system()
    with operation(actor):
        leases = _mine(orders)
        now = clock.now()
        grants, spans = _grants_of(leases), wants.spans_of(leases)
        events = [
            event
            for lease in leases
            if lease.failing_since is None
            for event in _trouble(lease, grants.get(lease.pk, []), actor, message, now)
        ]
        change_many(
            [
                (lease, _failed(lease, message, spans.get(lease.pk, []), now, permanent=permanent))
                for lease in leases
            ],
            actor,
        )
        record_many(events)
    for lease in leases:
        log.warning("Lease %s on target %s: %s", lease.handle, lease.target_id, message)


def _confirm_held(
    orders: Sequence[tuple[Lease, LeaseOrder]], held: dict[int, Holding], *, fences: bool
) -> None:
    actor = system()
    with operation(actor):
        # Grants before leases: the order in which every operation locks.
        grants = _grants_of([lease for lease, _ in orders], lock=True)
        leases = _mine(orders)
        now = clock.now()
        spans = wants.spans_of(leases)
        lease_changes, grant_changes, events = [], [], []
        for lease in leases:
            holding = held[lease.pk]
            own = grants.get(lease.pk, [])
            lease_changes.append(
                (lease, _observed(lease, holding, spans.get(lease.pk, []), now, fences=fences))
            )
            for grant, values, event in _grant_steps(
                lease, holding, own, spans.get(lease.pk, []), actor, now
            ):
                grant_changes.append((grant, values))
                events.append(event)
            if lease.failing_since is not None:
                events += _mended(lease, own, actor, now)
        change_many(lease_changes, actor)
        change_many(grant_changes, actor)
        record_many(events)
        ended = [grant for grant, values in grant_changes if values.get("status") == GrantStatus.ENDED]
        emergency_ends.follow_ends(ended, now)
        reviews.open_for(ended, actor, now)


def _mine(orders: Sequence[tuple[Lease, LeaseOrder]]) -> list[Lease]:
    """The leases, locked, without those that somebody else has claimed since."""
    claims = {lease.pk: order.claim for lease, order in orders}
    rows = (
        Lease.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=claims)
        .select_related("target")
        .order_by("pk")
    )
    return [lease for lease in rows if lease.claim == claims[lease.pk]]


def _grants_of(leases: Sequence[Lease], *, lock: bool = False) -> dict[int, list[Grant]]:
    rows = (
        Grant.objects.filter(lease__in=[lease.pk for lease in leases])
        .unfinished()
        .select_related("person", "role", "role__target", "scope", "request", "lease")
        .order_by("pk")
    )
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    grants: dict[int, list[Grant]] = {}
    for grant in rows:
        grants.setdefault(grant.lease_id or 0, []).append(grant)
    return grants


def _observed(
    lease: Lease, holding: Holding, spans: list[Span], now: datetime, *, fences: bool
) -> dict[str, object]:
    """The lease's row after an answer, with when it is due next."""
    absent = holding.presence is Presence.ABSENT and holding.open_sessions == 0
    wanted = wants.wanted_until(spans, now)
    settled = absent or wanted is not None
    done = holding.presence is Presence.WAITING or _as_wanted(holding, wanted, absent=absent)
    values: dict[str, object] = {
        "presence": holding.presence,
        "held_until": holding.until,
        "observed_at": now,
        "open_sessions": holding.open_sessions,
        "detail": holding.detail,
        "verified_absent_at": (lease.verified_absent_at or now) if absent else None,
        "claimed_by": "",
        "claimed_until": None,
        "attempts": 0 if done else _passes(lease) + 1,
        "failing_since": None,
        "last_error": "",
        "paged_at": None if settled else lease.paged_at,  # one page for a removal, however often it is asked
    }
    due = _next_due(lease, holding, spans, now, absent=absent)
    if lease.verify_again_at is not None:
        if fences or now >= lease.verify_again_at:
            values["verify_again_at"] = None
        else:
            due = min(due, lease.verify_again_at) if due else lease.verify_again_at
    values["due_at"] = due
    return values


def _next_due(
    lease: Lease, holding: Holding, spans: list[Span], now: datetime, *, absent: bool
) -> datetime | None:
    wanted = wants.wanted_until(spans, now)
    if wanted != lease.wanted_until:
        return now  # what is wanted has moved while the target was called
    if holding.presence is Presence.WAITING:
        return min(now + WAITING, wanted or now + WAITING)
    if not _as_wanted(holding, wanted, absent=absent):
        return now + _another_pass(_passes(lease))
    return wants.next_due(spans, now)


def _as_wanted(holding: Holding, wanted: datetime | None, *, absent: bool) -> bool:
    return absent if wanted is None else holding.presence is Presence.PRESENT


def _passes(lease: Lease) -> int:
    """How often in a row the target has answered, and held something else than what is wanted."""
    return 0 if lease.failing_since is not None else lease.attempts


def _another_pass(passes: int) -> timedelta:
    later = passes - QUICK_PASSES
    if later < 0:
        return SECOND_PASS
    return timedelta(seconds=min(BACKOFF[min(later, len(BACKOFF) - 1)], REMOVAL_BACKOFF))


Step = tuple[Grant, dict[str, object], Event]


def _grant_steps(
    lease: Lease, holding: Holding, grants: list[Grant], spans: list[Span], actor: Person, now: datetime
) -> Iterator[Step]:
    """Which of the lease's grants have come alive, and which have come to their end."""
    wanted = wants.wanted_until(spans, now)
    absent = holding.presence is Presence.ABSENT and holding.open_sessions == 0
    for grant in grants:
        if grant.status == GrantStatus.PROVISIONING and _live(grant, lease, holding, now):
            yield (
                grant,
                {"status": GrantStatus.ACTIVE, "live_at": now},
                _event(
                    grant,
                    actor,
                    "live",
                    f"{grant.role} ({grant.scope}) is live for {grant.person}.",
                    now,
                    holding,
                ),
            )
        elif grant.status == GrantStatus.REMOVING and (absent or _goes_on(lease, holding, wanted)):
            yield (
                grant,
                _ended(now, verified=absent),
                _event(grant, actor, "ended", _end_sentence(grant, now, verified=absent), now, holding),
            )


def _live(grant: Grant, lease: Lease, holding: Holding, now: datetime) -> bool:
    """In force, and confirmed on the target, up to this grant's end where the target holds an end at all.

    A renewal is provisioned before it is in force, and may yet be taken away with the grant before it.
    """
    if holding.presence is not Presence.PRESENT or not grant.entitles(now) or grant.ends_at is None:
        return False
    if lease.wanted_until is None or lease.wanted_until < grant.ends_at:
        return False
    return holding.until is None or holding.until >= grant.ends_at


def _goes_on(lease: Lease, holding: Holding, wanted: datetime | None) -> bool:
    """Another grant rightly keeps the lease, and the target holds it no longer than that one."""
    if wanted is None or holding.presence is not Presence.PRESENT:
        return False
    return lease.wanted_until == wanted and (holding.until is None or holding.until <= wanted)


def _ended(now: datetime, *, verified: bool) -> dict[str, object]:
    return {
        "status": GrantStatus.ENDED,
        "ended_at": now,
        "verified_absent_at": now if verified else None,
    }


def _end_sentence(grant: Grant, now: datetime, *, verified: bool) -> str:
    what = f"{grant.role} ({grant.scope}) of {grant.person}"
    if not verified:
        return f"{what} has ended; another grant of theirs goes on with the same access."
    lag = max((now - (grant.stopped_at or now)).total_seconds(), 0)
    return f"{what} was removed, and verified absent {lag:.1f} s after its end."


def _event(
    grant: Grant, actor: Person, what: str, sentence: str, now: datetime, holding: Holding | None = None
) -> Event:
    data: dict[str, object] = {}
    if holding is not None:
        data = {
            "presence": str(holding.presence),
            "until": holding.until.isoformat() if holding.until else None,
            "detail": holding.detail,
        }
    return draft(
        verb=f"grant.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=grant.person,
        request=grant.request,
        grant=grant,
        lease=grant.lease,
        role=grant.role,
        target=grant.role.target,
        data=data,
    )


def _failed(
    lease: Lease, message: str, spans: list[Span], now: datetime, *, permanent: bool
) -> dict[str, object]:
    return {
        "attempts": lease.attempts + 1,
        "failing_since": lease.failing_since or now,
        "last_error": message[:2_000],
        "due_at": now + _pause(lease, wants.wanted_until(spans, now), now, permanent=permanent),
        "claimed_by": "",
        "claimed_until": None,
    }


def _pause(lease: Lease, wanted: datetime | None, now: datetime, *, permanent: bool) -> timedelta:
    """How long a lease waits after a failed call; not at all where it was called for what isn't wanted
    any more: a grant that failed may have reached its target, and have been revoked meanwhile.
    """
    if (wanted is None) != (lease.wanted_until is None):
        return timedelta()
    wait = timedelta(seconds=BACKOFF[min(lease.attempts, len(BACKOFF) - 1)])
    if wanted is None:
        return min(wait, timedelta(seconds=REMOVAL_BACKOFF))
    return max(min(PERMANENT_RETRY if permanent else wait, wanted - now), timedelta(seconds=1))


def _trouble(
    lease: Lease, grants: list[Grant], actor: Person, message: str, now: datetime
) -> Iterator[Event]:
    doing = "provisioned" if lease.wanted_until else "removed"
    for grant in grants:
        sentence = f"{grant.role} of {grant.person} could not be {doing}: {message}"
        yield _event(grant, actor, "troubled", sentence, now)


def _mended(lease: Lease, grants: list[Grant], actor: Person, now: datetime) -> Iterator[Event]:
    seconds = (now - (lease.failing_since or now)).total_seconds()
    for grant in grants:
        sentence = f"{grant.role} of {grant.person}: the target answers again, after {seconds:.0f} s."
        yield _event(grant, actor, "mended", sentence, now)

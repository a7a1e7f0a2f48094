"""Numbered claims on leases: one converger at a time holds a lease, until its claim runs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from jitportal.audit.bulk import change_many
from jitportal.audit.system import system
from jitportal.connectors.base import CALL_SECONDS
from jitportal.models import Grant, Lease, Target
from jitportal.operations import clock, wants
from jitportal.operations.transaction import operation
from jitportal.rules.vocabulary import LeaseOrder, Presence

#: How long a claim holds: longer than a connector's call may take, and renewed before the next call.
CLAIM = timedelta(seconds=CALL_SECONDS + 5)
BATCH = 250
REMOVAL, GRANT = "removal", "grant"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lease with the order for its target, under the claim's number, which holds until then."""

    lease: Lease
    order: LeaseOrder
    until: datetime


def pairs(claimed: Sequence[Claimed]) -> list[tuple[Lease, LeaseOrder]]:
    """As ``confirming`` takes them."""
    return [(item.lease, item.order) for item in claimed]


def claim(target: Target, lane: str, worker: str) -> list[Claimed]:
    """Claim a batch of what is due in the lane: what a grant covers now, or what none does."""
    actor = system()
    with operation(actor):
        now = clock.now()
        covered = Exists(Grant.objects.entitling(now).filter(lease=OuterRef("pk")))
        due = (
            Lease.objects.due(now)
            .filter(covered if lane == GRANT else ~covered, target=target)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .order_by("due_at", "id")[:BATCH]
        )
        leases = list(due)
        spans = wants.spans_of(leases)
        # A grant may have been stopped between the two reads: what the second says is what is ordered,
        # and an order of the other lane waits for that lane.
        wanted = {lease.pk: wants.wanted_until(spans.get(lease.pk, []), now) for lease in leases}
        chosen = [lease for lease in leases if (wanted[lease.pk] is not None) == (lane == GRANT)]
        change_many([(lease, _claim_values(lease, wanted[lease.pk], worker, now)) for lease in chosen], actor)
        return [Claimed(lease, _order(lease, wanted[lease.pk]), now + CLAIM) for lease in chosen]


def still_claimed(claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those that may be called with now: their claim outlasts a call, or is renewed to do so.

    This process may have stood still since it claimed them, and others may have taken them over.
    """
    last_call = clock.now() + timedelta(seconds=CALL_SECONDS)
    return list(claimed) if all(last_call <= item.until for item in claimed) else keep_claims(claimed)


def keep_claims(claimed: Sequence[Claimed]) -> list[Claimed]:
    """Renew the claims between two calls; gives those that nobody has taken over meanwhile."""
    actor = system()
    claims = {item.lease.pk: item.order.claim for item in claimed}
    with operation(actor):
        now = clock.now()
        rows = Lease.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=claims).order_by("pk")
        mine = {lease.pk: lease for lease in rows if lease.claim == claims[lease.pk]}
        change_many([(lease, {"claimed_until": now + CLAIM}) for lease in mine.values()], actor)
        return [replace(item, until=now + CLAIM) for item in claimed if item.lease.pk in mine]


def _claim_values(lease: Lease, until: datetime | None, worker: str, now: datetime) -> dict[str, object]:
    """The row under its new claim. Taking over from a claim that ran out has absence asked again."""
    values: dict[str, object] = {
        "claim": lease.claim + 1,
        "claimed_by": worker[:100],
        "claimed_until": now + CLAIM,
        "wanted_until": until,
    }
    if lease.claimed_until is not None:
        values["verify_again_at"] = now + 2 * CLAIM
    if until is not None and lease.presence != Presence.PRESENT:
        values["presence"] = Presence.UNKNOWN
        values["verified_absent_at"] = None
    return values


def _order(lease: Lease, until: datetime | None) -> LeaseOrder:
    return LeaseOrder(
        lease_id=lease.pk,
        handle=lease.handle,
        claim=lease.claim,
        account=lease.account,
        entitlement=lease.entitlement,
        until=until,
        options=lease.options,
    )

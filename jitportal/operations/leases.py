"""Leases are desired state, targets are observed state, and ``converge`` closes the difference.

The story of one round, which may die at any point and be run again:

1. *Claim*, in a short transaction: the lease is locked, its claim's number rises, and what is wanted is
   worked out from the grants by the clock. The handle is in the row since the lease was made.
2. *Carry out*, outside any transaction: the connector is called with that number. Before a grant,
   the row already says that the target's state is unknown, so that a later removal isn't skipped.
3. *Ask again*, after a removal: what the target itself says is what counts, not that the call returned.
4. *Confirm*, in a short transaction: only if the claim still has the same number. Otherwise somebody
   else took over after the claim ran out, and this result is dropped.

A worker that stalls between 1 and 2 and wakes up late calls with an old number. A target that fences
refuses it; for the others, whoever took over has absence verified once more after the old claim's time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitportal.audit.bulk import change_many
from jitportal.audit.system import system
from jitportal.connectors.base import CALL_SECONDS, Connector, TargetError, Unreachable
from jitportal.models import Lease, Target
from jitportal.operations import clock, wants
from jitportal.operations.confirming import confirm, fail
from jitportal.operations.health import grants_refused, note_call
from jitportal.operations.targets import connector_for
from jitportal.operations.transaction import operation
from jitportal.rules.errors import JitportalError
from jitportal.rules.vocabulary import Holding, LeaseOrder, Presence, Refusal

log = logging.getLogger(__name__)

#: How long a claim holds: longer than a connector's call may take, and renewed before the next call.
CLAIM = timedelta(seconds=CALL_SECONDS + 5)
BATCH = 250
REMOVAL, GRANT = "removal", "grant"
Answer = Holding | Refusal


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lease with the order for its target, under the claim's number."""

    lease: Lease
    order: LeaseOrder

    @property
    def wanted(self) -> bool:
        return self.order.until is not None


def due_targets(now: datetime) -> list[int]:
    """The targets that have a lease due and may be called now: one indexed read."""
    rows = Lease.objects.due(now).exclude(target__health__backoff_until__gt=now)
    return list(rows.order_by("target_id").values_list("target_id", flat=True).distinct())


def converge(*, target_id: int, lane: str, worker: str) -> int:
    """Carry out one batch of a target's due leases in one lane; returns how many were claimed.

    ``lane`` is ``removal`` or ``grant``. However often it runs, and wherever it died before, it does no
    harm: a lease that needs nothing is only marked as looked at.
    """
    target = Target.objects.select_related("health").get(pk=target_id)
    claimed = claim(target, lane, worker)
    if not claimed:
        return 0
    try:
        connector = connector_for(target)
        answers = carry_out(connector, target, claimed, lane)
    except (TargetError, JitportalError) as error:
        permanent = getattr(error, "permanent", False)
        if isinstance(error, Unreachable):
            note_call(target, error)
        fail(claimed_leases(claimed), str(error), permanent=permanent)
        return len(claimed)
    if note_call(target, None):
        wants.retry_failing(target, [item.lease.pk for item in claimed])
    confirm(claimed, answers, fences=connector.fences)
    return len(claimed)


def claimed_leases(claimed: Sequence[Claimed]) -> list[tuple[Lease, LeaseOrder]]:
    """As ``confirming`` takes them."""
    return [(item.lease, item.order) for item in claimed]


def claim(target: Target, lane: str, worker: str) -> list[Claimed]:
    """Claim a batch of what is due in the lane; see step 1 above."""
    actor = system()
    with operation(actor):
        now = clock.now()
        due = (
            Lease.objects.due(now)
            .filter(target=target)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .order_by("due_at", "id")[: 2 * BATCH]
        )
        leases = list(due)
        spans = wants.spans_of(leases)
        chosen: list[tuple[Lease, datetime | None]] = []
        for lease in leases:
            until = wants.wanted_until(spans.get(lease.pk, []), now)
            if (until is not None) == (lane == GRANT) and len(chosen) < BATCH:
                chosen.append((lease, until))
        change_many([(lease, _claim_values(lease, until, worker, now)) for lease, until in chosen], actor)
        return [Claimed(lease, _order(lease, until)) for lease, until in chosen]


def carry_out(connector: Connector, target: Target, claimed: Sequence[Claimed], lane: str) -> list[Answer]:
    """Steps 2 and 3: call the connector, and after a removal ask the target what it holds."""
    orders = [item.order for item in claimed]
    if lane == GRANT:
        refusal = grants_refused(target, connector)
        if refusal:
            raise TargetError(refusal)
        return list(connector.grant(orders))
    answers = list(connector.revoke(orders))
    keep_claims(claimed)
    asked = {holding.handle: holding for holding in connector.observe(orders)}
    return [
        answer if isinstance(answer, Refusal) else asked.get(order.handle, answer)
        for order, answer in zip(orders, answers, strict=True)
    ]


def keep_claims(claimed: Sequence[Claimed]) -> None:
    """Renew the claims between two calls, but for those that have been taken over."""
    actor = system()
    claims = {item.lease.pk: item.order.claim for item in claimed}
    with operation(actor):
        now = clock.now()
        rows = Lease.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=claims).order_by("pk")
        mine = [lease for lease in rows if lease.claim == claims[lease.pk]]
        change_many([(lease, {"claimed_until": now + CLAIM}) for lease in mine], actor)


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

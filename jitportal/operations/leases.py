"""Leases are desired state, targets are observed state, and ``converge`` closes the difference.

The story of one round, which may die at any point and be run again:

1. *Claim*, in a short transaction: the lease is locked, its claim's number rises, and what is wanted is
   worked out from the grants by the clock. The handle is in the row since the lease was made.
2. *Carry out*, outside any transaction: the connector is called with that number. Before a grant,
   the row already says that the target's state is unknown, so that a later removal isn't skipped.
3. *Ask again*, after a removal: what the target itself says is what counts, not that the call returned.
4. *Confirm*, in a short transaction: only if the claim still has the same number. Otherwise somebody
   else took over after the claim ran out, and this result is dropped.

A worker that stalls between 1 and 2 finds, when it wakes up, that its claim has run out, and calls with
what nobody has taken over. One that stalls within 2 calls with an old number. A target that fences refuses
it; for the others, whoever took over has absence verified once more after the old claim's time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime

from jitportal.connectors.base import Connector, TargetError, Unreachable
from jitportal.models import Lease, Target
from jitportal.operations import wants
from jitportal.operations.claims import GRANT, Claimed, claim, keep_claims, pairs, still_claimed
from jitportal.operations.confirming import confirm, fail
from jitportal.operations.health import check_grants, note_call
from jitportal.operations.targets import connector_for
from jitportal.rules.errors import Conflict, JitportalError
from jitportal.rules.vocabulary import Holding, Refusal

log = logging.getLogger(__name__)

#: Between the attempts to write a target's answers down, in seconds.
PAUSES = (0.1, 0.5)
Answer = Holding | Refusal


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
        if lane == GRANT:
            check_grants(target, connector)
        called = still_claimed(claimed)
        answers = carry_out(connector, called, lane)
    except (TargetError, JitportalError) as error:
        permanent = getattr(error, "permanent", False)
        if isinstance(error, Unreachable):
            note_call(target, error)
        fail(pairs(claimed), str(error), permanent=permanent)
        return len(claimed)
    except Exception as error:
        log.exception("The connector %s of target %s broke", target.connector, target.key)
        what = type(error).__name__
        said = f"The connector {target.connector} broke ({what}): the worker's log says where."
        fail(pairs(claimed), said, permanent=True)
        return len(claimed)
    if note_call(target, None):
        wants.retry_failing(target, [item.lease.pk for item in claimed])
    _confirm(called, answers, fences=connector.fences)
    return len(claimed)


def _confirm(called: Sequence[Claimed], answers: Sequence[Answer], *, fences: bool) -> None:
    """Confirm, and try again where the database is busy: what the target did must not be lost for as
    long as a claim holds.
    """
    for pause in PAUSES:
        try:
            return confirm(called, answers, fences=fences)
        except Conflict as conflict:
            log.warning("What a target answered is written down again: %s", conflict)
            time.sleep(pause)
    return confirm(called, answers, fences=fences)


def carry_out(connector: Connector, claimed: Sequence[Claimed], lane: str) -> list[Answer]:
    """Steps 2 and 3: call the connector, and after a removal ask the target what it holds."""
    orders = [item.order for item in claimed]
    if lane == GRANT:
        return list(connector.grant(orders))
    answers = list(connector.revoke(orders))
    keep_claims(claimed)
    asked = {holding.handle: holding for holding in connector.observe(orders)}
    return [
        answer if isinstance(answer, Refusal) else asked.get(order.handle, answer)
        for order, answer in zip(orders, answers, strict=True)
    ]

"""Leases as what is wanted: made, looked at anew, and pointed out to the worker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task

from jitportal.audit.bulk import change_many
from jitportal.audit.system import system
from jitportal.models import Grant, Lease, Target, TargetHealth
from jitportal.operations import clock
from jitportal.operations.transaction import operation
from jitportal.rules.windows import Span, coverage_until, next_start

#: With so many tasks in the queue, the pulse is sooner than a hint.
BUSY = 4


def lease_for(
    *,
    target: Target,
    account: str,
    entitlement: str,
    options: Mapping[str, str],
    own_grant: Grant | None,
    now: datetime,
) -> Lease:
    """The lease of a target, account and entitlement (or of one grant), locked; made if there is none.

    Its handle is derived from its id and stored here, long before a connector is called with it.
    """
    wanted = Lease.objects.select_for_update(of=("self",), no_key=True)
    if own_grant is not None:
        found = wanted.filter(grant=own_grant).first()
    else:
        found = wanted.filter(target=target, account=account, entitlement=entitlement, grant=None).first()
    if found is not None:
        if found.options != dict(options):
            found.options = dict(options)
            found.save(update_fields=["options"])
        return found
    lease = Lease.objects.create(
        target=target,
        account=account,
        entitlement=entitlement,
        options=dict(options),
        grant=own_grant,
        handle=f"new-{uuid4().hex}",
        created_at=now,
    )
    lease.handle = f"{settings.INSTANCE}-{lease.pk}"
    lease.save(update_fields=["handle"])
    return lease


def spans_of(leases: Sequence[Lease]) -> dict[int, list[Span]]:
    """For each lease, the windows of the grants that entitle to it and haven't been stopped."""
    spans: dict[int, list[Span]] = defaultdict(list)
    rows = Grant.objects.filter(
        lease__in=[lease.pk for lease in leases], starts_at__isnull=False, stopped_at__isnull=True
    )
    for lease_id, starts_at, ends_at in rows.values_list("lease_id", "starts_at", "ends_at"):
        if lease_id and starts_at and ends_at:
            spans[lease_id].append(Span(starts_at, ends_at))
    return spans


def wanted_until(spans: Iterable[Span], now: datetime) -> datetime | None:
    """Until when the union of the grants covers the lease without a gap; None: it isn't wanted now."""
    return coverage_until(spans, now)


def next_due(spans: Iterable[Span], now: datetime) -> datetime | None:
    """When the lease needs the worker next, all being well: at its end, or at the next start, which
    comes before that where a renewal goes on.
    """
    spans = list(spans)
    moments = [coverage_until(spans, now), next_start(spans, now)]
    return min((moment for moment in moments if moment is not None), default=None)


def attend(lease: Lease, now: datetime) -> None:
    """Have the worker look at the lease at once: the row says so, and a task is a hint on commit."""
    if lease.due_at is None or lease.due_at > now:
        lease.due_at = now
        lease.save(update_fields=["due_at"])
    hint(lease.target_id)


def retry_failing(target: Target, without: Sequence[int]) -> None:
    """The target answers again: what failed there needn't wait for its next turn."""
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = Lease.objects.failing().filter(target=target, due_at__gt=now).exclude(pk__in=without)
        leases = list(rows.select_for_update(of=("self",), no_key=True, skip_locked=True).order_by("pk"))
        change_many([(lease, {"due_at": now}) for lease in leases], actor)


def forget_backoff(target: Target) -> None:
    """A person says that the target is mended: it may be called at once."""
    TargetHealth.objects.filter(target=target).update(backoff_until=None)


def hint(target_id: int) -> None:
    """Tell the worker after the commit. A hint that is lost costs nothing: the pulse finds the row.

    With a queue that is busy already none is given: it would come later than the pulse, and a thousand of
    them would hold up what the pulse asks for.
    """
    for lane in ("removal", "grant"):
        transaction.on_commit(partial(_enqueue, target_id, lane), robust=True)


def _enqueue(target_id: int, lane: str) -> None:
    broker = get_broker()
    if broker.queue_size() < BUSY:
        task = "jitportal.worker.tasks.converge"
        async_task(task, target_id, lane, group="converge", save=False, broker=broker)

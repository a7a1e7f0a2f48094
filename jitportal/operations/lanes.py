"""One task at a time for a target and lane, so that a dead target can't occupy every worker."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from jitportal.audit.system import system
from jitportal.connectors.base import CALL_SECONDS
from jitportal.models import TargetHealth, TargetLane
from jitportal.operations import clock
from jitportal.operations.transaction import operation

#: After this a task is thought dead, and the lane is given to another. One round of ``leases.converge``
#: makes two calls at most; a task keeps its lane before each.
HOLD = timedelta(seconds=2 * CALL_SECONDS + 5)
#: A check older than this proves nothing. The worker checks each target far more often.
PROVEN = timedelta(minutes=2)


def take(*, target_id: int, lane: str) -> datetime | None:
    """Take the lane if it is free; the moment until which it is held, or None where it is taken.

    None too for a doubtful target while others like it hold as many lanes as they may: see
    ``doubtful_lanes``.
    """
    now = clock.now()
    if TargetLane.objects.filter(target_id=target_id, lane=lane, queued_until__gt=now).exists():
        return None  # the frequent answer, found without taking a write lock
    with operation(system()):
        now = clock.now()
        if _is_doubtful(target_id, now) and _held_by_the_doubtful(now) >= doubtful_lanes():
            return None
        until = now + HOLD
        TargetLane.objects.get_or_create(target_id=target_id, lane=lane)
        free = Q(queued_until__isnull=True) | Q(queued_until__lte=now)
        taken = TargetLane.objects.filter(free, target_id=target_id, lane=lane).update(queued_until=until)
        return until if taken else None


def keep(*, target_id: int, lane: str, until: datetime) -> datetime | None:
    """Hold the lane for longer; None where it was lost to another meanwhile."""
    with operation(system()):
        later = clock.now() + HOLD
        mine = TargetLane.objects.filter(target_id=target_id, lane=lane, queued_until=until)
        return later if mine.update(queued_until=later) else None


def release(*, target_id: int, lane: str, until: datetime) -> None:
    """Give the lane back, if it is still held from that taking."""
    with operation(system()):
        TargetLane.objects.filter(target_id=target_id, lane=lane, queued_until=until).update(
            queued_until=None
        )


def free(*, target_id: int, lane: str) -> None:
    """Whoever held the lane has died. Another may hold it by now: then two work in it, each on its claims."""
    with operation(system()):
        TargetLane.objects.filter(target_id=target_id, lane=lane).update(queued_until=None)


def doubtful_lanes() -> int:
    """How many lanes all doubtful targets may hold together: half of the workers at most.

    One more worker stays free of them for what calls out for mail and checks, and one for the others.
    """
    workers: int = settings.WORKERS
    return max(1, min(workers // 2, workers - 2))


def _is_doubtful(target_id: int, now: datetime) -> bool:
    return not TargetHealth.objects.filter(_well(now), target_id=target_id).exists()


def _held_by_the_doubtful(now: datetime) -> int:
    well = TargetHealth.objects.filter(_well(now)).values("target_id")
    return TargetLane.objects.filter(queued_until__gt=now).exclude(target_id__in=well).count()


def _well(now: datetime) -> Q:
    """Answered when it was last checked, not long ago, and no call has failed since."""
    return Q(failing_since__isnull=True, reachable=True, checked_at__gt=now - PROVEN)

"""One task at a time for a target and lane, so that a dead target can't occupy every worker."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from jitportal.audit.system import system
from jitportal.models import TargetLane
from jitportal.operations import clock
from jitportal.operations.transaction import operation

#: After this a task is thought dead, and the lane is given to another; see ``Q_CLUSTER["timeout"]``.
HOLD = timedelta(seconds=60)


def take(*, target_id: int, lane: str) -> datetime | None:
    """Take the lane if it is free; the moment until which it is held, or None where it is taken."""
    with operation(system()):
        now = clock.now()
        until = now + HOLD
        TargetLane.objects.get_or_create(target_id=target_id, lane=lane)
        free = Q(queued_until__isnull=True) | Q(queued_until__lte=now)
        taken = TargetLane.objects.filter(free, target_id=target_id, lane=lane).update(queued_until=until)
        return until if taken else None


def release(*, target_id: int, lane: str, until: datetime) -> None:
    """Give the lane back, if it is still held from that taking."""
    with operation(system()):
        TargetLane.objects.filter(target_id=target_id, lane=lane, queued_until=until).update(
            queued_until=None
        )

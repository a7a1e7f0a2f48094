"""The worker's sign of life: a row that says when its pulse last went round."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from jitportal.models import Heartbeat
from jitportal.operations import clock

#: A sign of life older than this means that no worker runs.
FRESH = timedelta(seconds=10)
#: The rows of workers that have gone are kept this long, for whoever looks into it.
KEPT = timedelta(days=1)


def begin(*, name: str) -> None:
    """A worker has started: its row begins anew, and those of workers long gone are removed."""
    now = clock.now()
    Heartbeat.objects.update_or_create(name=name[:100], defaults={"started_at": now, "beat_at": now})
    Heartbeat.objects.filter(beat_at__lt=now - KEPT).delete()


def beat(*, name: str) -> None:
    """The pulse of that worker has gone round."""
    now = clock.now()
    if not Heartbeat.objects.filter(name=name[:100]).update(beat_at=now):
        Heartbeat.objects.create(name=name[:100], started_at=now, beat_at=now)


def age(now: datetime) -> timedelta | None:
    """How long ago the last sign of life of any worker was; None: there has been none."""
    last = Heartbeat.objects.aggregate(last=Max("beat_at"))["last"]
    return now - last if last else None

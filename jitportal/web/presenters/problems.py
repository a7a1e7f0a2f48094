"""What is wrong now, for the one page that may shout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from jitportal.models import (
    ChannelState,
    Heartbeat,
    Lease,
    Notice,
    TargetHealth,
    WebhookDelivery,
    WebhookReceiver,
)
from jitportal.operations import problems, rerouting, webhooks
from jitportal.operations.problems import LeaseProblem
from jitportal.operations.seats import Stuck
from jitportal.rules.vocabulary import Presence
from jitportal.web.presenters.states import Badge

#: The pulse goes round once a second; a worker that hasn't for so long is stuck or gone.
STALE = timedelta(seconds=30)
MOST_NOTICES = 20
PRESENCES = {
    Presence.UNKNOWN: Badge("failed", "Not known", "circle-question-mark"),
    Presence.ABSENT: Badge("force", "Absent", "circle-check"),
    Presence.PRESENT: Badge("waiting", "Present", "key-round"),
    Presence.WAITING: Badge("waiting", "Waits for a person", "user"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One lease that isn't as wanted. ``told``: the names of those whom a notice has reached."""

    problem: LeaseProblem
    presence: Badge
    told: Sequence[str]


@dataclass(frozen=True, slots=True)
class Problems:
    """``beat_at`` is None where no worker has ever run. ``stuck``: requests that too few can decide."""

    rows: Sequence[Row]
    sick: Sequence[TargetHealth]
    stuck: Sequence[Stuck]
    notices: Sequence[Notice]
    channels: Sequence[ChannelState]  # on which nothing gets through
    receivers: Sequence[WebhookReceiver]  # of webhooks, which fail or are disabled
    deliveries: Sequence[WebhookDelivery]  # of webhooks, which were given up
    worker_stale: bool
    beat_at: datetime | None

    @property
    def late(self) -> int:
        """How many removals are late."""
        return sum(row.problem.late for row in self.rows)

    @property
    def none(self) -> bool:
        return not (
            self.rows
            or self.sick
            or self.stuck
            or self.notices
            or self.channels
            or self.receivers
            or self.deliveries
            or self.worker_stale
        )


def problems_now(now: datetime) -> Problems:
    found = problems.problems(now)
    told = _told([problem.lease.pk for problem in found])
    beat_at = Heartbeat.objects.order_by("-beat_at").values_list("beat_at", flat=True).first()
    sick = TargetHealth.objects.filter(failing_since__isnull=False).select_related("target")
    unsent = Notice.objects.filter(given_up_at__isnull=False, sent_at__isnull=True, attempts__gt=0)
    given_up = WebhookDelivery.objects.filter(given_up_at__isnull=False)
    return Problems(
        rows=[Row(problem, presence_of(problem.lease), told.get(problem.lease.pk, [])) for problem in found],
        sick=list(sick.order_by("failing_since")),
        stuck=rerouting.undecidable(now),
        notices=list(unsent.select_related("recipient").order_by("-given_up_at")[:MOST_NOTICES]),
        channels=list(ChannelState.objects.filter(failing_since__isnull=False).order_by("failing_since")),
        receivers=_receivers(),
        deliveries=list(given_up.order_by("-given_up_at", "-pk")[:MOST_NOTICES]),
        worker_stale=beat_at is None or now - beat_at > STALE,
        beat_at=beat_at,
    )


def _receivers() -> list[WebhookReceiver]:
    """Those that fail; and those that are disabled, unless the operator has given them another address."""
    rows = WebhookReceiver.objects.filter(Q(failing_since__isnull=False) | Q(disabled_at__isnull=False))
    return [row for row in rows.order_by("name") if row.failing_since or webhooks.unusable(row.name)]


def presence_of(lease: Lease) -> Badge:
    """What the target was last seen to hold; a lease is absent by default, and that isn't seen."""
    if lease.observed_at is None:
        return Badge("waiting", "Not asked yet", "circle-question-mark")
    return PRESENCES[Presence(lease.presence)]


def _told(leases: Sequence[int]) -> dict[int, list[str]]:
    """Who has been told of each late removal: their notices' keys begin with the lease's id."""
    wanted = Q(pk__in=())
    for lease in leases:
        wanted |= Q(key__startswith=f"removal.late:{lease}:")
    told: dict[int, list[str]] = {}
    rows = Notice.objects.filter(wanted, kind="removal.late").values_list("key", "recipient__name")
    for key, name in rows.order_by("recipient__name"):
        names = told.setdefault(int(key.split(":")[1]), [])
        if name not in names:
            names.append(name)
    return told

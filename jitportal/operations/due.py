"""What is due now, in one read of indexed columns: the pulse asks this several times a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from jitportal.audit.system import system
from jitportal.models import (
    AccessRequest,
    Activation,
    Delegation,
    FollowUp,
    Grant,
    Lease,
    Notice,
    Person,
    PostIncidentReview,
    TargetLane,
    WebhookDelivery,
)
from jitportal.operations import alert_reminders, post_incident_overdue, webhook_sending
from jitportal.operations.claims import GRANT, REMOVAL
from jitportal.operations.granting import RENEWAL_LEAD
from jitportal.operations.problems import PAGE_AFTER
from jitportal.operations.sending import resting
from jitportal.rules.vocabulary import GrantStatus, Presence, StartMode


@dataclass(frozen=True, slots=True)
class Due:
    """Which kinds of work there are. ``timely``: starts, unused windows, lapses, reminders and
    escalations of requests, delegations that begin, reviews and follow-ups, and late removals.
    """

    expiries: bool
    timely: bool
    notices: bool
    webhooks: bool
    leases: bool

    def __bool__(self) -> bool:
        return self.expiries or self.timely or self.notices or self.webhooks or self.leases


def work_due(now: datetime) -> Due:
    """Which kinds of work are due: one statement, which reads nothing that isn't."""
    one_row = Person.objects.filter(pk=system().pk)
    found = one_row.values_list(
        Exists(Grant.objects.filter(status__in=_STARTED, ends_at__lte=now)),
        Exists(_starting(now)),
        Exists(Grant.objects.filter(status=GrantStatus.READY, closes_at__lte=now)),
        Exists(AccessRequest.objects.open().filter(lapses_at__lte=now)),
        Exists(_late(now)),
        Exists(AccessRequest.objects.filter(remind_at__lte=now)),
        Exists(AccessRequest.objects.filter(escalate_at__lte=now)),
        Exists(Delegation.objects.filter(tell_at__lte=now)),
        Exists(PostIncidentReview.objects.open().filter(post_incident_overdue.due_now(now))),
        Exists(Activation.objects.filter(alert_reminders.due_now(now))),
        Exists(FollowUp.objects.open().filter(remind_at__lte=now)),
        Exists(Notice.objects.due(now).exclude(claimed_until__gt=now).exclude(resting(now))),
        Exists(_webhooks(now)),
        Exists(_leases(now)),
    )
    expiries, *timely, notices, webhooks, leases = found.get()
    return Due(expiries, any(timely), notices, webhooks, leases)


def lanes_due(now: datetime) -> list[tuple[int, str]]:
    """The targets and lanes that have a lease due and that nobody is working on, removals first."""
    wanted = Exists(Grant.objects.entitling(now).filter(lease=OuterRef("pk")))
    rows = _leases(now).annotate(wanted=wanted).values_list("target_id", "wanted").distinct()
    lanes = {(target_id, GRANT if wanted else REMOVAL) for target_id, wanted in rows}
    taken = TargetLane.objects.filter(queued_until__gt=now).values_list("target_id", "lane")
    return sorted(lanes - set(taken), key=lambda lane: (lane[1] != REMOVAL, lane[0]))


_STARTED = [GrantStatus.PROVISIONING, GrantStatus.ACTIVE]


def _starting(now: datetime) -> QuerySet[Grant]:
    """What ``grants.start_due`` begins."""
    return (
        Grant.objects.filter(status=GrantStatus.READY, closes_at__gt=now)
        .filter(Q(opens_at__lte=now) | Q(start_mode=StartMode.RENEWAL, opens_at__lte=now + RENEWAL_LEAD))
        .exclude(start_mode=StartMode.ON_CLICK)
    )


def _late(now: datetime) -> QuerySet[Grant]:
    """What ``problems.page_late`` tells of."""
    return Grant.objects.filter(
        status=GrantStatus.REMOVING, stopped_at__lte=now - PAGE_AFTER, lease__paged_at__isnull=True
    ).exclude(lease__presence=Presence.ABSENT, lease__open_sessions=0)


def _webhooks(now: datetime) -> QuerySet[WebhookDelivery]:
    """What ``webhook_sending.send_due`` sends."""
    due = WebhookDelivery.objects.due(now).exclude(claimed_until__gt=now)
    return due.exclude(webhook_sending.resting(now))


def _leases(now: datetime) -> QuerySet[Lease]:
    """What is due on targets that may be called now."""
    return Lease.objects.due(now).exclude(target__health__backoff_until__gt=now)

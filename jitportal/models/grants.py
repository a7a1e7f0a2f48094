"""Grants: what is promised; and leases: what a target is to hold, and was last seen to hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices, one_of
from jitportal.models.emergencies import Activation
from jitportal.models.policy import Role, RoleScope, Target
from jitportal.models.requests import AccessRequest
from jitportal.rules.vocabulary import EndReason, GrantStatus, Pathway, Presence, StartMode

STARTED = [GrantStatus.PROVISIONING, GrantStatus.ACTIVE]


class LeaseQuerySet(models.QuerySet["Lease"]):
    def due(self, now: datetime) -> LeaseQuerySet:
        """What needs the worker, and nobody has claimed (or the claim has run out)."""
        return self.filter(due_at__lte=now).filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=now))

    def failing(self) -> LeaseQuerySet:
        return self.filter(failing_since__isnull=False)


class Lease(models.Model):
    """One row for a target, account and entitlement, wanted until the union of its grants ends.

    ``grant`` is set where each grant has a lease of its own (dynamic logins, certificates).
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="leases")
    account = models.CharField(max_length=200)
    entitlement = models.CharField(max_length=200)
    options = models.JSONField(default=dict)
    grant = models.OneToOneField(
        "Grant", null=True, blank=True, on_delete=models.PROTECT, related_name="own_lease"
    )
    #: What the target knows the lease by; stored before the connector is first called.
    handle = models.CharField(max_length=63, unique=True)
    created_at = models.DateTimeField()

    # desired
    wanted_until = models.DateTimeField(null=True, blank=True)
    # observed
    presence = models.CharField(max_length=10, choices=choices(Presence), default=Presence.ABSENT)
    held_until = models.DateTimeField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    open_sessions = models.PositiveIntegerField(default=0)
    detail = models.TextField(blank=True)
    verified_absent_at = models.DateTimeField(null=True, blank=True)
    # the work between the two
    due_at = models.DateTimeField(null=True, blank=True)
    claim = models.PositiveBigIntegerField(default=0)
    claimed_by = models.CharField(max_length=100, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    #: Absence is asked again then: a claim was taken over, and its old holder may still act.
    verify_again_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    paged_at = models.DateTimeField(null=True, blank=True)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("presence", Presence, "lease_presence"),
            models.UniqueConstraint(
                fields=["target", "account", "entitlement"],
                condition=Q(grant__isnull=True),
                name="lease_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="lease_due"),
            models.Index(
                fields=["failing_since"], condition=Q(failing_since__isnull=False), name="lease_failing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entitlement} for {self.account} on {self.target_id}"


class GrantQuerySet(models.QuerySet["Grant"]):
    def entitling(self, now: datetime) -> GrantQuerySet:
        """Those in force by the clock, whatever their stored status says."""
        return self.filter(starts_at__lte=now, ends_at__gt=now, stopped_at__isnull=True)

    def in_force(self, now: datetime) -> GrantQuerySet:
        """The same ones, for questions about many people's: the status that the times imply (a constraint)
        leads by its index to what is in force, past all that ever ended.
        """
        return self.entitling(now).filter(status__in=STARTED)

    def unfinished(self) -> GrantQuerySet:
        return self.exclude(status=GrantStatus.ENDED)


class Grant(models.Model):
    """The promise: this person, this role and scope, from, until. It always ends.

    ``opens_at`` and ``closes_at`` bound the start, ``minutes`` the length, ``latest_end_at`` is the
    latest end that could come of them. ``starts_at`` and ``ends_at`` are set together when
    provisioning begins, and never change; ``stopped_at`` is set once and never cleared (triggers).
    """

    request = models.OneToOneField(
        AccessRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="grant"
    )
    activation = models.OneToOneField(
        Activation, null=True, blank=True, on_delete=models.PROTECT, related_name="grant"
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="grants")
    scope = models.ForeignKey(RoleScope, on_delete=models.PROTECT, related_name="+")
    pathway = models.CharField(max_length=12, choices=choices(Pathway))
    renewal_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="renewed_by"
    )
    lease = models.ForeignKey(Lease, null=True, blank=True, on_delete=models.PROTECT, related_name="grants")
    account = models.CharField(max_length=200)
    status = models.CharField(max_length=12, choices=choices(GrantStatus), default=GrantStatus.READY)
    start_mode = models.CharField(max_length=10, choices=choices(StartMode))
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    minutes = models.PositiveIntegerField()
    cap_minutes = models.PositiveIntegerField()
    latest_end_at = models.DateTimeField()
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=12, choices=choices(EndReason), blank=True)
    end_note = models.TextField(blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    live_at = models.DateTimeField(null=True, blank=True)  # confirmed on the target
    revealed_at = models.DateTimeField(null=True, blank=True)  # a password was last set and shown
    #: When the target was asked and held nothing of it any more; null where another grant goes on
    #: from it and the target rightly still holds the lease.
    verified_absent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("status", GrantStatus, "grant_status"),
            models.CheckConstraint(
                condition=Q(request__isnull=False, activation__isnull=True) & ~Q(pathway=Pathway.BREAK_GLASS)
                | Q(request__isnull=True, activation__isnull=False, pathway=Pathway.BREAK_GLASS),
                name="grant_of_request_or_activation",
                violation_error_message="A grant belongs to one request, or to one activation.",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True, ends_at__isnull=True)
                | Q(starts_at__isnull=False, ends_at__isnull=False),
                name="grant_start_and_end_together",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="grant_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__lte=F("latest_end_at")),
                name="grant_within_latest_end",
            ),
            models.CheckConstraint(
                condition=Q(closes_at__gte=F("opens_at"), latest_end_at__gt=F("closes_at")),
                name="grant_window_order",
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=1, minutes__lte=F("cap_minutes")), name="grant_within_cap"
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True)
                | Q(starts_at__isnull=True)
                | Q(stopped_at__gte=F("starts_at"), stopped_at__lte=F("ends_at")),
                name="grant_stop_inside",
            ),
            models.CheckConstraint(
                condition=Q(status=GrantStatus.READY, starts_at__isnull=True, stopped_at__isnull=True)
                | Q(status__in=STARTED, starts_at__isnull=False, stopped_at__isnull=True)
                | Q(status=GrantStatus.REMOVING, starts_at__isnull=False, stopped_at__isnull=False)
                | Q(status=GrantStatus.ENDED, stopped_at__isnull=False, ended_at__isnull=False),
                name="grant_status_and_times",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, end_reason="")
                | (Q(stopped_at__isnull=False) & Q(end_reason__in=[r.value for r in EndReason])),
                name="grant_stop_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(lease__isnull=False), name="grant_started_has_lease"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "ends_at"], name="grant_expiry"),
            models.Index(fields=["status", "opens_at"], name="grant_start"),
            models.Index(fields=["person", "role", "scope", "starts_at"], name="grant_overlap"),
            models.Index(fields=["person", "-created_at"], name="grant_mine"),
            models.Index(fields=["role", "-created_at"], name="grant_of_role"),
            models.Index(fields=["verified_absent_at"], name="grant_verified_absent"),
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"

    @property
    def planned_end(self) -> datetime:
        """The end of a grant that starts by itself, as long as that happens on time."""
        return self.opens_at + timedelta(minutes=self.minutes)

    def entitles(self, now: datetime) -> bool:
        """Whether it is in force by the clock."""
        return (
            self.starts_at is not None
            and self.ends_at is not None
            and self.starts_at <= now < self.ends_at
            and self.stopped_at is None
        )


class ManualTask(models.Model):
    """Work on a target that a person carries out and confirms."""

    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="manual_tasks")
    wanted = models.BooleanField()  # true: give it; false: take it away
    until = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.TextField(blank=True)
    #: Overtaken by a later wish before anybody carried it out.
    dropped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, done_by__isnull=True)
                | Q(done_at__isnull=False, done_by__isnull=False),
                name="manual_task_done_pair",
            ),
            models.UniqueConstraint(
                fields=["lease"],
                condition=Q(done_at__isnull=True, dropped_at__isnull=True),
                name="manual_task_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{'give' if self.wanted else 'take away'} {self.lease}"

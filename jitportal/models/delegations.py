"""Who decides for an approver who is away, and for how long."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def in_force(self, now: datetime) -> DelegationQuerySet:
        return self.filter(stopped_at__isnull=True, starts_at__lte=now, ends_at__gt=now)

    def to_come(self, now: datetime) -> DelegationQuerySet:
        """Those that are in force or will be."""
        return self.filter(stopped_at__isnull=True, ends_at__gt=now)


class Delegation(models.Model):
    """An approver names somebody to decide for them, for a time. Stopped early, never changed or deleted.

    It does not chain: a delegate decides what the delegator may decide in their own right, and nothing
    that somebody else has delegated to the delegator.
    """

    delegator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations"
    )
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_to_me"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField()
    made_at = models.DateTimeField()
    #: When the delegate is to be told that it begins; empty: told, or it began when it was made.
    tell_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = DelegationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~Q(delegator=F("delegate")),
                name="delegation_not_to_oneself",
                violation_error_message="Name somebody else: you decide for yourself already.",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="delegation_order",
                violation_error_message="The end is after the start.",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_by__isnull=True)
                | Q(stopped_at__isnull=False, stopped_by__isnull=False),
                name="delegation_stopped",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["delegate", "ends_at"], name="delegation_to_me"),
            models.Index(fields=["delegator", "ends_at"], name="delegation_mine"),
            models.Index(fields=["tell_at"], name="delegation_tell", condition=Q(tell_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.delegate} for {self.delegator}"

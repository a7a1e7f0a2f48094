"""Webhooks: a row for each message and receiver, written in the transaction that it tells of."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from jitportal.models.record import Event


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def unfinished(self) -> WebhookDeliveryQuerySet:
        return self.filter(acknowledged_at__isnull=True, given_up_at__isnull=True)

    def due(self, now: datetime) -> WebhookDeliveryQuerySet:
        return self.unfinished().filter(due_at__lte=now)


class WebhookDelivery(models.Model):
    """One message to one receiver. ``message`` is its ``webhook-id``: the same at each attempt.

    What each attempt brought stands in the record's entries of this row.
    """

    message = models.CharField(max_length=64)
    #: The receiver's name in the operator's settings: its address is a secret.
    endpoint = models.CharField(max_length=40)
    kind = models.CharField(max_length=60)  # the body's "type"
    body = models.TextField()  # exactly as it is signed and sent
    #: The business fact that it tells of, where it tells of one.
    event = models.ForeignKey(
        Event, null=True, blank=True, on_delete=models.PROTECT, related_name="deliveries"
    )
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()  # of the next attempt
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)  # null: no answer came
    last_error = models.TextField(blank=True)  # never holds the address
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"],
                condition=Q(acknowledged_at__isnull=True, given_up_at__isnull=True),
                name="webhook_delivery_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.endpoint}"


class WebhookReceiver(models.Model):
    """What was last seen of a receiver, and whether it answered that it wants nothing any more.

    Observation, not history: what became of each message stands with its delivery, and in events.
    """

    name = models.CharField(max_length=40, unique=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    #: A keyed hash of the address that answered so: another address is another receiver.
    disabled_address = models.CharField(max_length=64, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)  # never holds the address
    last_acknowledged_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

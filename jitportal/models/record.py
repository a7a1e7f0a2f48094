"""The record: events in words, and auditlog's entry for each changed row. Both append-only."""

from __future__ import annotations

from typing import ClassVar

from auditlog.models import AbstractLogEntry
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models

from jitportal.models.emergencies import Activation
from jitportal.models.grants import Grant, Lease
from jitportal.models.policy import PolicyVersion, Role, Target
from jitportal.models.requests import AccessRequest


class Event(models.Model):
    """A business fact, written in the transaction that made it so. Inserted, never changed."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    verb = models.CharField(max_length=60)  # dotted, as "request.submitted"
    sentence = models.TextField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    #: Whom it is about, where that is somebody.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    request = models.ForeignKey(
        AccessRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    grant = models.ForeignKey(Grant, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    activation = models.ForeignKey(
        Activation, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    lease = models.ForeignKey(Lease, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    role = models.ForeignKey(Role, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    target = models.ForeignKey(Target, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    policy_version = models.ForeignKey(
        PolicyVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    data = models.JSONField(default=dict)
    correlation_id = models.CharField(max_length=64, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-at", "-id"], name="event_latest"),
            models.Index(fields=["actor", "-at"], name="event_actor"),
            models.Index(fields=["person", "-at"], name="event_person"),
            models.Index(fields=["role", "-at"], name="event_role"),
            models.Index(fields=["target", "-at"], name="event_target"),
            models.Index(fields=["verb", "-at"], name="event_verb"),
            models.Index(fields=["request", "at"], name="event_request"),
            models.Index(fields=["grant", "at"], name="event_grant"),
            models.Index(fields=["activation", "at"], name="event_activation"),
        ]

    def __str__(self) -> str:
        return self.sentence


class Entry(AbstractLogEntry):
    """auditlog's entry for one changed row. Its actor and its object's type are never nulled."""

    id = models.BigAutoField(primary_key=True)
    content_type = models.ForeignKey(
        to=ContentType, on_delete=models.PROTECT, related_name="+", verbose_name="content type"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="actor"
    )

    class Meta:
        verbose_name = "entry"
        verbose_name_plural = "entries"
        ordering: ClassVar[list[str]] = ["-timestamp", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["content_type", "object_id", "-timestamp"], name="entry_object"),
            models.Index(fields=["actor", "-timestamp"], name="entry_actor"),
            models.Index(fields=["content_type", "-timestamp"], name="entry_type"),
            models.Index(fields=["-timestamp", "-id"], name="entry_latest"),
        ]

"""Notices: rows written in the transaction that they tell of; sending them is the worker's."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from jitportal.models.choices import choices, one_of
from jitportal.models.emergencies import Activation
from jitportal.models.grants import Grant
from jitportal.models.requests import AccessRequest
from jitportal.rules.notices import MAIL, Pace, Topic


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unsent(self) -> NoticeQuerySet:
        return self.filter(sent_at__isnull=True, given_up_at__isnull=True)

    def due(self, now: datetime) -> NoticeQuerySet:
        return self.unsent().filter(due_at__lte=now)


class Notice(models.Model):
    """One message in one way: to a person by mail or chat, or to a team's channel.

    ``key`` makes it one and not seventy: it is unique. Several that are due to the same recipient go out
    as one message, and then have the same ``sent_at``.
    """

    key = models.CharField(max_length=200, unique=True)
    #: Null: a team's channel is told, and nobody by name.
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="notices"
    )
    #: "mail", or the name of a channel that the operator has set up.
    channel = models.CharField(max_length=63, default=MAIL)
    kind = models.CharField(max_length=40)
    request = models.ForeignKey(
        AccessRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="notices"
    )
    grant = models.ForeignKey(Grant, null=True, blank=True, on_delete=models.PROTECT, related_name="notices")
    activation = models.ForeignKey(
        Activation, null=True, blank=True, on_delete=models.PROTECT, related_name="notices"
    )
    subject = models.CharField(max_length=200)
    body = models.TextField()
    #: What a reader wants at a glance: [{label, text, at, typed}]; see ``operations.notice_details``.
    details = models.JSONField(default=list)
    path = models.CharField(max_length=200)  # of the page it links to
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)  # never holds a channel's address: that is a secret

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(recipient__isnull=False) | ~Q(channel=MAIL), name="notice_mail_to_somebody"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"],
                condition=Q(sent_at__isnull=True, given_up_at__isnull=True),
                name="notice_due",
            ),
            models.Index(fields=["recipient", "channel", "sent_at"], name="notice_sent"),
        ]

    def __str__(self) -> str:
        return self.subject


class NoticeChoice(models.Model):
    """In which ways one person wants to be told of one topic. Without a row: by mail, at once."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notice_choices"
    )
    topic = models.CharField(max_length=10, choices=choices(Topic))
    mail = models.BooleanField(default=True)
    #: The name of a channel that the operator has set up; empty: none.
    channel = models.CharField(max_length=63, blank=True)
    pace = models.CharField(max_length=10, choices=choices(Pace), default=Pace.AT_ONCE)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("topic", Topic, "notice_choice_topic"),
            one_of("pace", Pace, "notice_choice_pace"),
            models.UniqueConstraint(fields=["person", "topic"], name="notice_choice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} of {self.person}"


class ChannelState(models.Model):
    """What was last seen of the mail server or of a channel, and when it may be called again.

    Observation, not history: what became of each notice stands with the notice.
    """

    name = models.CharField(max_length=63, unique=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    backoff_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)  # never holds a channel's address: that is a secret
    last_sent_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

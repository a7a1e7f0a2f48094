"""What a post-incident review keeps beside itself: drafts, versions, marks, follow-ups and overrides."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices
from jitportal.models.post_incident import PostIncidentReview
from jitportal.rules.post_incident_words import Step


class ReviewDraft(models.Model):
    """What somebody has typed into a step and not handed in. Overwritten as they go on; no history."""

    review = models.ForeignKey(PostIncidentReview, on_delete=models.PROTECT, related_name="drafts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=15, choices=choices(Step))
    typed = models.JSONField(default=dict)  # {field: text}
    saved_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["review", "person", "step"], name="review_draft_once")
        ]

    def __str__(self) -> str:
        return f"draft of {self.step} of {self.review_id}"


class ReviewVersion(models.Model):
    """A step as it was handed in. Written once: a later one stands beside it."""

    review = models.ForeignKey(PostIncidentReview, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    step = models.CharField(max_length=15, choices=choices(Step))
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    document = models.JSONField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["review", "number"], name="review_version_number")
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.review_id}"


class LineMark(models.Model):
    """A line of the action log that the reviewer marked explained or unexplained."""

    review = models.ForeignKey(PostIncidentReview, on_delete=models.PROTECT, related_name="marks")
    key = models.CharField(max_length=100)  # what the line is known by
    text = models.TextField()
    explained = models.BooleanField()
    note = models.TextField(blank=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["review", "key"], name="line_mark_once")
        ]

    def __str__(self) -> str:
        return f"{'explained' if self.explained else 'unexplained'}: {self.key}"


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def open(self) -> FollowUpQuerySet:
        return self.filter(done_at__isnull=True)

    def overdue(self, now: datetime) -> FollowUpQuerySet:
        return self.open().filter(due_at__lte=now)


class FollowUp(models.Model):
    """A corrective action: what, who, by when, and where it is worked on."""

    review = models.ForeignKey(PostIncidentReview, on_delete=models.PROTECT, related_name="follow_ups")
    what = models.TextField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follow_ups")
    due_at = models.DateTimeField()
    ticket = models.CharField(max_length=100, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    remind_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    done_note = models.TextField(blank=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, done_by__isnull=True)
                | Q(done_at__isnull=False, done_by__isnull=False),
                name="follow_up_done_pair",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at"], condition=Q(done_at__isnull=True), name="follow_up_due"),
            models.Index(fields=["owner", "due_at"], name="follow_up_mine"),
        ]

    def __str__(self) -> str:
        return self.what


class OverdueOverride(models.Model):
    """Two people lift the block that a late statement puts on its responder, for a while."""

    review = models.ForeignKey(PostIncidentReview, on_delete=models.PROTECT, related_name="overrides")
    reason = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    granted_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True, granted_at__isnull=True, until__isnull=True)
                | Q(granted_by__isnull=False, granted_at__isnull=False, until__isnull=False),
                name="overdue_override_whole",
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True) | ~Q(granted_by=F("asked_by")),
                name="overdue_override_two_people",
                violation_error_message="A second person has to lift the block.",
            ),
            models.UniqueConstraint(
                fields=["review"], condition=Q(granted_at__isnull=True), name="overdue_override_one_asked"
            ),
        ]

    def __str__(self) -> str:
        return f"override of {self.review_id}"

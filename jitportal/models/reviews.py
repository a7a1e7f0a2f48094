"""The short review after a high-risk temporary grant was used."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices, one_of
from jitportal.models.grants import Grant
from jitportal.rules.vocabulary import ReviewStatus


class AfterUseReview(models.Model):
    """The holder says what was done; somebody else reads it, and closes it or asks for more."""

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="after_use_review")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=15, choices=choices(ReviewStatus), default=ReviewStatus.STATEMENT)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    statement = models.TextField(blank=True)
    changes_left = models.TextField(blank=True)
    stated_at = models.DateTimeField(null=True, blank=True)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    determination = models.TextField(blank=True)
    returned_note = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("status", ReviewStatus, "after_use_review_status"),
            models.CheckConstraint(
                condition=Q(reviewer__isnull=True) | ~Q(reviewer=F("holder")),
                name="after_use_review_not_own",
                violation_error_message="This review is about your own access. Somebody else closes it.",
            ),
            models.CheckConstraint(
                condition=~Q(status=ReviewStatus.CLOSED)
                | (
                    Q(reviewer__isnull=False, stated_at__isnull=False, closed_at__isnull=False)
                    & ~Q(statement="")
                    & ~Q(determination="")
                ),
                name="after_use_review_complete",
                violation_error_message="A review closes with a statement and a determination.",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"], condition=~Q(status=ReviewStatus.CLOSED), name="after_use_review_due"
            )
        ]

    def __str__(self) -> str:
        return f"after-use review of grant {self.grant_id}"

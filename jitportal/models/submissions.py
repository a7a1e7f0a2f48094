"""Several verdicts that one approver gave in one submission, and what came of each."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from jitportal.models.choices import choices, one_of
from jitportal.models.requests import AccessRequest, Approval
from jitportal.rules.vocabulary import Verdict, VerdictOutcome


class DecisionSubmission(models.Model):
    """What an approver submitted at once. ``token`` is the form's: sent twice, it is stored once."""

    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decision_submissions"
    )
    token = models.UUIDField(unique=True)
    created_at = models.DateTimeField()
    #: When the last of its verdicts had its outcome; null: some are still to be given.
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["approver", "-created_at"], name="submission_mine")
        ]

    def __str__(self) -> str:
        return f"submission {self.pk}"


class SubmittedVerdict(models.Model):
    """One verdict of a submission, bound to what its approver saw. ``sentence`` says what came of it."""

    submission = models.ForeignKey(DecisionSubmission, on_delete=models.PROTECT, related_name="verdicts")
    position = models.PositiveSmallIntegerField()
    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)  # of what was seen: operations.decisions.seen_digest
    verdict = models.CharField(max_length=10, choices=choices(Verdict))
    minutes = models.PositiveIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=10, choices=choices(VerdictOutcome), default=VerdictOutcome.WAITING)
    sentence = models.TextField(blank=True)
    approval = models.OneToOneField(
        Approval, null=True, blank=True, on_delete=models.PROTECT, related_name="submitted"
    )
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["submission", "position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("verdict", Verdict, "submitted_verdict"),
            models.UniqueConstraint(fields=["submission", "request"], name="submitted_once"),
            models.CheckConstraint(
                condition=Q(
                    outcome=VerdictOutcome.WAITING, done_at__isnull=True, approval__isnull=True, sentence=""
                )
                | (
                    ~Q(sentence="")
                    & (
                        Q(outcome=VerdictOutcome.STANDS, done_at__isnull=False, approval__isnull=False)
                        | Q(outcome=VerdictOutcome.REFUSED, done_at__isnull=False, approval__isnull=True)
                    )
                ),
                name="submitted_outcome",
            ),
            models.CheckConstraint(
                # A check passes on NULL, so that NULL is named.
                condition=Q(verdict=Verdict.APPROVE, minutes__isnull=False, minutes__gte=1)
                | (~Q(verdict=Verdict.APPROVE) & Q(minutes__isnull=True) & ~Q(reason="")),
                name="submitted_minutes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} on request {self.request_id}"

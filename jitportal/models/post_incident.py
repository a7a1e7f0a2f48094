"""The post-incident review of one use of break-glass, and sign-ins of emergency accounts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices, one_of
from jitportal.models.emergencies import Activation, EmergencyAccount
from jitportal.rules.post_incident import RESPONDERS_TURN
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Fit,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
)
from jitportal.rules.vocabulary import ReviewStatus

_RESPONDERS_TURN = sorted(status.value for status in RESPONDERS_TURN)


class EmergencySignIn(models.Model):
    """A sign-in of an emergency account, as a target or its wrapper reported it.

    One with no activation behind it is an orphan: it opens a review by itself. ``reference`` is what the
    reporter knows it by, so that it is taken once however often it is reported.
    """

    account = models.ForeignKey(EmergencyAccount, on_delete=models.PROTECT, related_name="sign_ins")
    activation = models.ForeignKey(
        Activation, null=True, blank=True, on_delete=models.PROTECT, related_name="sign_ins"
    )
    source = models.CharField(max_length=40)  # who reported it: "postgres", "ssh", "report"
    reference = models.CharField(max_length=200)
    login = models.CharField(max_length=200)
    at = models.DateTimeField()
    reported_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True, blank=True)  # where it came from
    detail = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["source", "reference"], name="emergency_sign_in_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-at"], name="emergency_sign_in_latest")
        ]

    def __str__(self) -> str:
        return f"sign-in of {self.login}"


class PostIncidentReviewQuerySet(models.QuerySet["PostIncidentReview"]):
    def open(self) -> PostIncidentReviewQuerySet:
        return self.exclude(status=ReviewStatus.CLOSED)

    def overdue(self, now: datetime) -> PostIncidentReviewQuerySet:
        return self.open().filter(due_at__lte=now)

    def waiting_for_responder(self) -> PostIncidentReviewQuerySet:
        return self.filter(status__in=_RESPONDERS_TURN)


class PostIncidentReview(models.Model):
    """Two people, two steps: the responder's statement, then the reviewer's determination, remediation and
    sign-off. What the system knows (section A) is computed from rows, never typed; ``facts`` keeps what
    the reviewer saw of it when they determined.

    It is about an activation, or about a sign-in that no activation explains; then nobody is known as the
    responder until somebody names them.
    """

    activation = models.OneToOneField(
        Activation, null=True, blank=True, on_delete=models.PROTECT, related_name="review"
    )
    sign_in = models.OneToOneField(
        EmergencySignIn, null=True, blank=True, on_delete=models.PROTECT, related_name="review"
    )
    account = models.ForeignKey(EmergencyAccount, on_delete=models.PROTECT, related_name="reviews")
    responder = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    #: Who said that the responder signed in, where no activation tells.
    named_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    drill = models.BooleanField(default=False)
    status = models.CharField(max_length=15, choices=choices(ReviewStatus), default=ReviewStatus.STATEMENT)
    opened_at = models.DateTimeField()
    access_ended_at = models.DateTimeField(null=True, blank=True)
    #: Of the present step. Null: its clock doesn't run yet.
    due_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True)
    overridden_until = models.DateTimeField(null=True, blank=True)

    # B. The responder's statement
    broken = models.TextField(blank=True)
    normal_path = models.TextField(blank=True)
    done = models.TextField(blank=True)
    outside = models.TextField(blank=True)
    sensitive_data = models.TextField(blank=True)
    changes_left = models.TextField(blank=True)
    changes_to_revert = models.TextField(blank=True)
    secrets_seen = models.TextField(blank=True)
    stated_at = models.DateTimeField(null=True, blank=True)
    #: The responder; somebody who reviews where nobody could be found who signed in.
    stated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    returned_note = models.TextField(blank=True)

    # C. The reviewer's determination
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    classification = models.CharField(max_length=15, choices=choices(Classification), blank=True)
    criterion = models.CharField(max_length=15, choices=choices(CriterionMet), blank=True)
    fit = models.CharField(max_length=15, choices=choices(Fit), blank=True)
    could_jit = models.CharField(max_length=20, choices=choices(CouldJit), blank=True)
    recording = models.CharField(max_length=15, choices=choices(RecordingFound), blank=True)
    recording_reason = models.TextField(blank=True)
    finding = models.TextField(blank=True)
    determined_at = models.DateTimeField(null=True, blank=True)
    facts = models.JSONField(default=dict)
    facts_digest = models.CharField(max_length=64, blank=True)

    #: Misuse, or what can't be verified, was found once: whatever is found later, another person signs too.
    second_wanted = models.BooleanField(default=False)

    # D. Remediation
    rotated_at = models.DateTimeField(null=True, blank=True)
    rotated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    rotation_proof = models.TextField(blank=True)
    sessions_ended = models.TextField(blank=True)
    reverted = models.TextField(blank=True)
    person_outcome = models.CharField(max_length=10, choices=choices(PersonOutcome), blank=True)
    model_outcome = models.CharField(max_length=20, choices=choices(ModelOutcome), blank=True)
    outcome_note = models.TextField(blank=True)
    reportable = models.BooleanField(null=True, blank=True)
    reportable_note = models.TextField(blank=True)

    # E. Sign-off
    signed_at = models.DateTimeField(null=True, blank=True)
    signed_factor = models.CharField(max_length=100, blank=True)
    second_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    second_signed_at = models.DateTimeField(null=True, blank=True)
    second_factor = models.CharField(max_length=100, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    # A drill adds
    scenario = models.TextField(blank=True)
    custody_checked_at = models.DateTimeField(null=True, blank=True)
    custody_note = models.TextField(blank=True)
    resealed_at = models.DateTimeField(null=True, blank=True)
    alert_seconds = models.FloatField(null=True, blank=True)

    objects = PostIncidentReviewQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("status", ReviewStatus, "post_incident_status"),
            models.CheckConstraint(
                condition=Q(activation__isnull=False, sign_in__isnull=True)
                | Q(activation__isnull=True, sign_in__isnull=False, drill=False),
                name="post_incident_of_one_use",
                violation_error_message="A review is of one activation, or of one sign-in without any.",
            ),
            models.CheckConstraint(
                condition=Q(responder__isnull=True)
                | (
                    (Q(reviewer__isnull=True) | ~Q(reviewer=F("responder")))
                    & (Q(second_reviewer__isnull=True) | ~Q(second_reviewer=F("responder")))
                ),
                name="post_incident_not_own",
                violation_error_message="Nobody reviews their own use of an emergency account.",
            ),
            models.CheckConstraint(
                condition=(
                    (Q(named_by__isnull=True) | Q(reviewer__isnull=True) | ~Q(reviewer=F("named_by")))
                    & (
                        Q(named_by__isnull=True)
                        | Q(second_reviewer__isnull=True)
                        | ~Q(second_reviewer=F("named_by"))
                    )
                    & (Q(stated_by__isnull=True) | Q(reviewer__isnull=True) | ~Q(reviewer=F("stated_by")))
                    & (
                        Q(stated_by__isnull=True)
                        | Q(second_reviewer__isnull=True)
                        | ~Q(second_reviewer=F("stated_by"))
                    )
                ),
                name="post_incident_not_own_words",
                violation_error_message="Nobody reviews what they said themselves.",
            ),
            models.CheckConstraint(
                condition=Q(second_reviewer__isnull=True)
                | (Q(reviewer__isnull=False) & ~Q(second_reviewer=F("reviewer"))),
                name="post_incident_second_is_another",
                violation_error_message="The second sign-off is another person's.",
            ),
            models.CheckConstraint(
                condition=Q(rotated_at__isnull=True, rotated_by__isnull=True, rotation_proof="")
                | (Q(rotated_at__isnull=False, rotated_by__isnull=False) & ~Q(rotation_proof="")),
                name="post_incident_rotation_proven",
                violation_error_message="A rotation has a time, a person and a proof.",
            ),
            models.CheckConstraint(
                condition=~Q(status=ReviewStatus.CLOSED)
                | (
                    Q(
                        access_ended_at__isnull=False,
                        stated_at__isnull=False,
                        reviewer__isnull=False,
                        determined_at__isnull=False,
                        rotated_at__isnull=False,
                        reportable__isnull=False,
                        signed_at__isnull=False,
                        closed_at__isnull=False,
                        classification__in=[one.value for one in Classification],
                        criterion__in=[one.value for one in CriterionMet],
                        fit__in=[one.value for one in Fit],
                        could_jit__in=[one.value for one in CouldJit],
                        recording__in=[one.value for one in RecordingFound],
                        person_outcome__in=[one.value for one in PersonOutcome],
                        model_outcome__in=[one.value for one in ModelOutcome],
                    )
                    & ~Q(done="")
                    & ~Q(finding="")
                    & ~Q(sessions_ended="")
                    & ~Q(reverted="")
                ),
                name="post_incident_closes_whole",
                violation_error_message="A review closes with all its parts, the rotation among them.",
            ),
            models.CheckConstraint(
                condition=~Q(status=ReviewStatus.CLOSED)
                | Q(second_reviewer__isnull=False, second_signed_at__isnull=False)
                | (
                    ~Q(classification=Classification.MISUSE)
                    & ~Q(criterion=CriterionMet.CANNOT_VERIFY)
                    & Q(second_wanted=False)
                ),
                name="post_incident_second_where_wanted",
                violation_error_message="Misuse, and what can't be verified, want a second sign-off.",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"], condition=~Q(status=ReviewStatus.CLOSED), name="post_incident_due"
            ),
            models.Index(fields=["responder", "-opened_at"], name="post_incident_mine"),
            models.Index(fields=["-opened_at", "-id"], name="post_incident_latest"),
        ]

    def __str__(self) -> str:
        return f"post-incident review {self.pk}"

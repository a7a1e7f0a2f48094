"""Break-glass: emergency accounts, the criteria of their use, and each use."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices, one_of
from jitportal.models.policy import PolicyVersion, Role, RoleScope, Target
from jitportal.models.requests import AccessRequest
from jitportal.rules.vocabulary import ActivationStatus, AlertCause, EndReason, ProbeSays


class EmergencyAccountQuerySet(models.QuerySet["EmergencyAccount"]):
    def offered(self) -> EmergencyAccountQuerySet:
        return self.filter(retired_at__isnull=True)


class EmergencyAccount(models.Model):
    """A named account for break-glass alone, as the policy in force describes it.

    ``login`` is its name on the target; where the role makes its logins, it stands in each one's name.
    """

    key = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="emergency_accounts")
    login = models.CharField(max_length=100)
    reaches = models.TextField(blank=True)  # what its privileges reach, in words
    custodians = models.JSONField(default=list)  # usernames
    credential_kind = models.CharField(max_length=200, blank=True)
    credential_place = models.CharField(max_length=200, blank=True)
    rotate_every_days = models.PositiveIntegerField(null=True, blank=True)
    drill_every_days = models.PositiveIntegerField()
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    last_drilled_at = models.DateTimeField(null=True, blank=True)
    last_rotated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = EmergencyAccountQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["target", "login"],
                condition=Q(retired_at__isnull=True),
                name="emergency_account_login",
            ),
            models.CheckConstraint(condition=Q(drill_every_days__gte=1), name="emergency_account_drills"),
        ]

    def __str__(self) -> str:
        return self.name


class CriterionQuerySet(models.QuerySet["Criterion"]):
    def offered(self) -> CriterionQuerySet:
        return self.filter(retired_at__isnull=True)


class Criterion(models.Model):
    """A circumstance in which break-glass may be used, as the policy in force describes it."""

    key = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    evidence = models.TextField(blank=True)  # what is expected of whoever claims it
    probe = models.JSONField(default=dict)  # flat strings, as in the policy; empty: it has none
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = CriterionQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "criteria"

    def __str__(self) -> str:
        return self.name


class ProbeResult(models.Model):
    """What a criterion's probe said, from ``since`` on, for as long as it said the same.

    The latest row of a criterion goes on counting looks; another answer makes another row.
    """

    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="results")
    says = models.CharField(max_length=10, choices=choices(ProbeSays))
    detail = models.TextField(blank=True)
    since = models.DateTimeField()
    at = models.DateTimeField()  # of the latest look
    looks = models.PositiveIntegerField(default=1)
    failures = models.PositiveIntegerField(default=0)  # of the looked-at service, in a row
    milliseconds = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("says", ProbeSays, "probe_result_says"),
            models.CheckConstraint(condition=Q(at__gte=F("since")), name="probe_result_order"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["criterion", "-id"], name="probe_result_latest")
        ]

    def __str__(self) -> str:
        return f"{self.criterion_id}: {self.says}"


class ActivationQuerySet(models.QuerySet["Activation"]):
    def open(self) -> ActivationQuerySet:
        return self.filter(status=ActivationStatus.OPEN)

    def unfinished(self) -> ActivationQuerySet:
        return self.exclude(status=ActivationStatus.ENDED)

    def entitling(self, now: datetime) -> ActivationQuerySet:
        """Those in force by the clock, whatever their stored status says."""
        return self.filter(opened_at__lte=now, ends_at__gt=now, stopped_at__isnull=True)


class Activation(models.Model):
    """One use of break-glass: who, with which emergency account, on what grounds, from, until.

    Its end is never moved: an extension is another activation, linked by ``extension_of``. What was
    claimed, and what the machine knew of it at that moment, is written once.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="activations")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="activations")
    scope = models.ForeignKey(RoleScope, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(EmergencyAccount, on_delete=models.PROTECT, related_name="activations")
    criterion = models.ForeignKey(Criterion, on_delete=models.PROTECT, related_name="activations")
    #: What the criterion's probe said of it at that moment, and in which words.
    probe_said = models.CharField(max_length=10, choices=choices(ProbeSays))
    probe_detail = models.TextField(blank=True)
    incident = models.CharField(max_length=100, blank=True)  # its reference
    broken = models.TextField()
    expected = models.TextField()  # the activities, declared beforehand
    minutes = models.PositiveIntegerField()
    cap_minutes = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=choices(ActivationStatus), default=ActivationStatus.OPEN)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    end_reason = models.CharField(max_length=12, choices=choices(EndReason), blank=True)
    end_note = models.TextField(blank=True)
    #: When its access was verified gone from the target.
    ended_at = models.DateTimeField(null=True, blank=True)
    drill = models.BooleanField(default=False)
    extension_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="extended_by"
    )
    #: The request for just-in-time access that was withdrawn for it.
    from_request = models.OneToOneField(
        AccessRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="activation"
    )
    #: It was used while the portal was down, and written down afterwards: there is no grant.
    after_the_fact = models.BooleanField(default=False)
    #: Who wrote it down then.
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    #: When its alert goes out again, unless somebody has acknowledged it. Null: it doesn't.
    alert_again_at = models.DateTimeField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    authenticator = models.CharField(max_length=200, blank=True)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")

    objects = ActivationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("status", ActivationStatus, "activation_status"),
            one_of("probe_said", ProbeSays, "activation_probe_said"),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(status=ActivationStatus.OPEN),
                name="activation_one_open",
                violation_error_message="Somebody is using this emergency account now.",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("opened_at")), name="activation_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(minutes__gte=1) & (Q(minutes__lte=F("cap_minutes")) | Q(after_the_fact=True)),
                name="activation_within_cap",
            ),
            models.CheckConstraint(
                condition=Q(recorded_by__isnull=True) | Q(after_the_fact=True),
                name="activation_recorded_afterwards",
            ),
            models.CheckConstraint(condition=~Q(broken="") & ~Q(expected=""), name="activation_says_why"),
            models.CheckConstraint(
                condition=Q(status=ActivationStatus.OPEN, stopped_at__isnull=True, ended_at__isnull=True)
                | Q(status=ActivationStatus.ENDING, stopped_at__isnull=False, ended_at__isnull=True)
                | Q(status=ActivationStatus.ENDED, stopped_at__isnull=False, ended_at__isnull=False),
                name="activation_status_and_times",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_by__isnull=True, end_reason="")
                | (
                    Q(stopped_at__isnull=False, stopped_by__isnull=False)
                    & Q(end_reason__in=[reason.value for reason in EndReason])
                ),
                name="activation_stop_has_reason",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["ends_at"], condition=~Q(status=ActivationStatus.ENDED), name="activation_unfinished"
            ),
            models.Index(
                fields=["alert_again_at"],
                condition=Q(alert_again_at__isnull=False),
                name="activation_alert_again",
            ),
            models.Index(fields=["person", "-opened_at"], name="activation_mine"),
            models.Index(fields=["account", "-opened_at"], name="activation_of_account"),
        ]

    def __str__(self) -> str:
        return f"activation {self.pk}"

    def entitles(self, now: datetime) -> bool:
        """Whether it is in force by the clock."""
        return self.opened_at <= now < self.ends_at and self.stopped_at is None


class ActivationAlert(models.Model):
    """Somebody who is alerted of an activation; the notices with the same activation carry it to them."""

    activation = models.ForeignKey(Activation, on_delete=models.PROTECT, related_name="alerts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="alerts")
    cause = models.CharField(max_length=20, choices=choices(AlertCause))
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("cause", AlertCause, "activation_alert_cause"),
            models.UniqueConstraint(fields=["activation", "person"], name="activation_alert_once"),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True) | Q(acknowledged_at__gte=F("raised_at")),
                name="activation_alert_order",
            ),
        ]

    def __str__(self) -> str:
        return f"alert of activation {self.activation_id} to {self.person_id}"

"""Versions of the policy document, and the targets, roles and scopes that the one in force offers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices, one_of
from jitportal.rules.vocabulary import Pathway, PolicyStatus, Risk


class PolicyVersion(models.Model):
    """One version of the policy document. Its text never changes."""

    number = models.PositiveIntegerField(unique=True)
    text = models.TextField()
    digest = models.CharField(max_length=64)  # SHA-256 of the text, in hex
    note = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=12, choices=choices(PolicyStatus), default=PolicyStatus.PROPOSED)
    #: The version that was in force when this one was proposed: what its difference was shown against.
    base = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    bootstrap = models.BooleanField(default=False)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    applied_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("status", PolicyStatus, "policy_version_status"),
            models.UniqueConstraint(
                fields=["status"],
                condition=Q(status=PolicyStatus.IN_FORCE),
                name="policy_version_one_in_force",
                violation_error_message="Another version has just come into force. Look at it first.",
            ),
            models.UniqueConstraint(
                fields=["bootstrap"],
                condition=Q(bootstrap=True),
                name="policy_version_one_bootstrap",
                violation_error_message="The bootstrap is done: a change now takes a second person.",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | Q(bootstrap=True) | ~Q(approved_by=F("proposed_by")),
                name="policy_version_second_person",
                violation_error_message="A second person has to approve a change of policy.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[PolicyStatus.PROPOSED, PolicyStatus.REJECTED])
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="policy_version_approved",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="policy_version_approval_pair",
            ),
            models.CheckConstraint(
                condition=Q(applied_by__isnull=True, applied_at__isnull=True)
                | Q(applied_by__isnull=False, applied_at__isnull=False),
                name="policy_version_application_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.number}"


class Target(models.Model):
    """A system that holds privilege, as the policy in force describes it."""

    key = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    connector = models.CharField(max_length=30)
    settings = models.JSONField(default=dict)  # flat strings; secrets by name alone
    accounts = models.JSONField(default=dict)  # username: login on the target
    account_template = models.CharField(max_length=100, default="{username}")
    declared = models.JSONField(default=list)  # logins whose standing rights are known
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class TargetHealth(models.Model):
    """What was last seen of a target, and when it may be called again. Observation, not history."""

    target = models.OneToOneField(Target, on_delete=models.PROTECT, related_name="health")
    checked_at = models.DateTimeField(null=True, blank=True)
    reachable = models.BooleanField(default=False)
    rights = models.BooleanField(default=False)
    expiry_armed = models.BooleanField(default=False)
    skew_milliseconds = models.IntegerField(null=True, blank=True)
    problems = models.JSONField(default=list)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    backoff_until = models.DateTimeField(null=True, blank=True)
    #: Up to where its log of sign-ins was read, and why it can't be or what of it was lost.
    sign_ins_position = models.JSONField(default=dict)
    sign_ins_problem = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "target health"

    def __str__(self) -> str:
        return f"health of {self.target}"


class Entitlement(models.Model):
    """A privilege as its target names it. Emergency entitlements belong to break-glass alone.

    Triggers (``audit.guards``) keep ``emergency`` fixed, and refuse a scope of a role whose pathway
    disagrees with it.
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="entitlements")
    name = models.CharField(max_length=200)
    emergency = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["target", "name"], name="entitlement_once")
        ]

    def __str__(self) -> str:
        return self.name


class RoleQuerySet(models.QuerySet["Role"]):
    def offered(self) -> RoleQuerySet:
        return self.filter(retired_at__isnull=True)


class Role(models.Model):
    """A named set of privileges on one target, on exactly one pathway.

    The rules of a request come from the document it is pinned to; this row is what rows refer to,
    what pages list, and the cap that the database itself checks. A trigger keeps the pathway fixed.
    """

    key = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    pathway = models.CharField(max_length=12, choices=choices(Pathway))
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="roles")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="owned_roles",
    )
    risk = models.CharField(max_length=10, choices=choices(Risk), default=Risk.MEDIUM)
    max_minutes = models.PositiveIntegerField()
    dynamic_login = models.BooleanField(default=False)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = RoleQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("pathway", Pathway, "role_pathway"),
            one_of("risk", Risk, "role_risk"),
            models.CheckConstraint(condition=Q(max_minutes__gte=1), name="role_cap_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class RoleScope(models.Model):
    """A narrow part of the role's target that a request names, and the entitlement it stands for."""

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="scopes")
    key = models.SlugField(max_length=63)
    name = models.CharField(max_length=200)
    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, related_name="scopes")
    options = models.JSONField(default=dict)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["role", "key"], name="role_scope_once")
        ]

    def __str__(self) -> str:
        return self.name

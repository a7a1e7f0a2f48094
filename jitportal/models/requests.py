"""Access requests, their revisions, and the approvals that bind to them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import F, Q

from jitportal.models.choices import choices, one_of
from jitportal.models.people import Team
from jitportal.models.policy import PolicyVersion, Role, RoleScope
from jitportal.rules.vocabulary import Decider, Pathway, RequestStatus, StartMode, Verdict

OPEN = [RequestStatus.PENDING, RequestStatus.SENT_BACK]
#: Closed without anybody's decision.
UNDECIDED = [RequestStatus.WITHDRAWN, RequestStatus.LAPSED]


class AccessRequestQuerySet(models.QuerySet["AccessRequest"]):
    def open(self) -> AccessRequestQuerySet:
        return self.filter(status__in=OPEN)

    def pending(self) -> AccessRequestQuerySet:
        return self.filter(status=RequestStatus.PENDING)

    def decided(self) -> AccessRequestQuerySet:
        """Those that were approved or denied; ``closed_at`` is when.

        Said by what they are not: a list of statuses would lead SQLite, which isn't told how many rows there
        are, to read all that was ever decided, where a time or a role is much narrower.
        """
        return self.filter(closed_at__isnull=False).exclude(status__in=UNDECIDED)


class AccessRequest(models.Model):
    """One person asks for one role and scope. What is asked stands in the current revision."""

    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_requests"
    )
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="access_requests")
    scope = models.ForeignKey(RoleScope, on_delete=models.PROTECT, related_name="+")
    pathway = models.CharField(max_length=12, choices=choices(Pathway))
    status = models.CharField(max_length=10, choices=choices(RequestStatus), default=RequestStatus.PENDING)
    #: Null only between the two inserts of one transaction.
    current = models.ForeignKey(
        "RequestRevision", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    #: The stage that is open, counted from 0; equals the number of stages once all are passed.
    stage = models.PositiveSmallIntegerField(default=0)
    #: The lowest minutes that anybody has set so far: they only fall within a revision.
    minutes = models.PositiveIntegerField()
    renewal_of = models.ForeignKey(
        "Grant", null=True, blank=True, on_delete=models.PROTECT, related_name="renewals"
    )
    cloned_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="clones"
    )
    created_at = models.DateTimeField()
    #: From when it is wanted: the planned start of the current revision, else when it was asked. It stands
    #: here so that a queue is read in its order from an index; a trigger keeps it true.
    wanted_at = models.DateTimeField()
    #: A decision at or after this moment is too late, whether or not a sweeper has run.
    lapses_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    #: When those who decide the open stage are reminded. Null: they were, or nobody waits.
    remind_at = models.DateTimeField(null=True, blank=True)
    #: When others are told that the open stage waits. Null: they were, or nobody waits.
    escalate_at = models.DateTimeField(null=True, blank=True)

    objects = AccessRequestQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("status", RequestStatus, "request_status"),
            one_of("pathway", Pathway, "request_pathway"),
            models.CheckConstraint(
                condition=~Q(pathway=Pathway.BREAK_GLASS),
                name="request_never_break_glass",
                violation_error_message="Break-glass is activated, never requested.",
            ),
            models.UniqueConstraint(
                fields=["requester", "role", "scope"],
                condition=Q(status__in=OPEN),
                name="request_one_open",
                violation_error_message="You have an open request for this role and scope already.",
            ),
            models.CheckConstraint(condition=Q(minutes__gte=1), name="request_minutes_positive"),
            models.CheckConstraint(
                condition=Q(status__in=OPEN, closed_at__isnull=True)
                | (~Q(status__in=OPEN) & Q(closed_at__isnull=False)),
                name="request_closed_when",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "lapses_at"], name="request_lapse"),
            models.Index(fields=["remind_at"], condition=Q(remind_at__isnull=False), name="request_remind"),
            models.Index(
                fields=["escalate_at"], condition=Q(escalate_at__isnull=False), name="request_escalate"
            ),
            models.Index(fields=["status", "wanted_at", "id"], name="request_queue"),
            models.Index(fields=["requester", "-created_at"], name="request_mine"),
            models.Index(fields=["role", "-created_at"], name="request_of_role"),
            models.Index(fields=["role", "-closed_at"], name="request_waits"),
            models.Index(fields=["closed_at"], name="request_closed"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"

    @property
    def asked(self) -> RequestRevision:
        """The current revision: what is asked. Every stored request has one."""
        if self.current is None:
            raise ObjectDoesNotExist(f"Request {self.pk} has no revision.")
        return self.current


class RequestRevision(models.Model):
    """What was asked, once and for good. An edit makes another; approvals bind to ``digest``."""

    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    start_mode = models.CharField(max_length=10, choices=choices(StartMode))
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    minutes = models.PositiveIntegerField()
    justification = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    #: The stages as they were decided: [{index, name, people, deciders, eligible, system_rule}].
    stages = models.JSONField()
    reasons = models.JSONField()
    document = models.JSONField()
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical document, in hex
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "number"], name="revision_once"),
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True) | Q(opens_at__isnull=False, closes_at__gt=F("opens_at")),
                name="revision_window_order",
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of request {self.request_id}"


class StageDecider(models.Model):
    """Who decides one stage of a revision, as rows, so that a queue is one indexed query.

    A manager's rule names nobody: it follows the requester's manager. Inserted, never changed.
    """

    revision = models.ForeignKey(RequestRevision, on_delete=models.PROTECT, related_name="deciders")
    stage = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=choices(Decider))
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [one_of("kind", Decider, "stage_decider_kind")]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["revision", "stage"], name="stage_decider_open")
        ]

    def __str__(self) -> str:
        return f"{self.kind} at stage {self.stage} of revision {self.revision_id}"


class Approval(models.Model):
    """One person's verdict on one revision at one stage. Inserted, never changed."""

    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, related_name="approvals")
    revision = models.ForeignKey(RequestRevision, on_delete=models.PROTECT, related_name="approvals")
    stage = models.PositiveSmallIntegerField()
    stage_name = models.CharField(max_length=200)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals")
    #: The approver who had named ``person`` to decide for them; null: in their own right.
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    #: Stands here so that the database itself refuses a decision on one's own request; a trigger
    #: keeps it equal to the request's.
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=choices(Verdict))
    reason = models.TextField(blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)
    by_system = models.BooleanField(default=False)
    document = models.JSONField()
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical document, in hex
    decided_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["decided_at", "id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            one_of("verdict", Verdict, "approval_verdict"),
            models.CheckConstraint(
                condition=~Q(person=F("requester")),
                name="approval_not_own",
                violation_error_message="This is your own request. Somebody else has to decide on it.",
            ),
            models.UniqueConstraint(
                fields=["revision", "stage", "person"],
                name="approval_once_a_stage",
                violation_error_message="You have decided on this already.",
            ),
            models.UniqueConstraint(
                fields=["revision", "person"],
                condition=Q(by_system=False),
                name="approval_once_a_revision",
                violation_error_message="You have decided on this request: one person counts once.",
            ),
            models.CheckConstraint(
                # A check passes on NULL, so that NULL is named.
                condition=Q(on_behalf_of__isnull=True)
                | (Q(by_system=False) & ~Q(on_behalf_of=F("requester")) & ~Q(on_behalf_of=F("person"))),
                name="approval_on_behalf",
                violation_error_message="Nobody decides for the requester, nor for themselves.",
            ),
            models.UniqueConstraint(
                fields=["revision", "on_behalf_of"],
                name="approval_once_for_each",
                violation_error_message="Somebody has decided for this person: one person counts once.",
            ),
            models.CheckConstraint(
                condition=Q(verdict=Verdict.APPROVE) | (~Q(reason="") & Q(minutes__isnull=True)),
                name="approval_reason",
                violation_error_message="Say why.",
            ),
            models.CheckConstraint(
                # A check passes on NULL, so that NULL is named.
                condition=~Q(verdict=Verdict.APPROVE) | Q(minutes__isnull=False, minutes__gte=1),
                name="approval_minutes",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "-decided_at"], name="approval_mine"),
            models.Index(fields=["decided_at", "verdict", "by_system"], name="approval_when"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} by {self.by} on request {self.request_id}"

    @property
    def by(self) -> str:
        """Who decided, as "Maya" or "Maya for Ruth"."""
        return f"{self.person} for {self.on_behalf_of}" if self.on_behalf_of else str(self.person)

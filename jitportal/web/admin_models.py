"""Which columns of each model Django's admin lists. Every installed model is here, or in
``admin.UNREGISTERED`` with the reason.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Model

from jitportal import models
from jitportal.web.admin import ReadOnlyAdmin, ReadOnlySite

site = ReadOnlySite(name="admin")


def register(model: type[Model], **options: object) -> None:
    """Put one model on the site; ``options`` are ``ReadOnlyAdmin``'s own."""
    site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,), options))


# People

register(
    models.Person,
    list_display=("username", "name", "email", "manager", "is_active", "deactivated_at"),
    list_filter=("is_active",),
    list_select_related=("manager",),
    search_fields=("username", "name", "email"),
    exclude=("password",),
)
register(models.Team, list_display=("key", "name"), search_fields=("key", "name"))
register(
    models.Membership,
    list_display=("person", "team", "since", "ended_at"),
    list_select_related=("person", "team"),
    list_filter=("team",),
    search_fields=("person__username", "person__name"),
)
register(
    models.StandingPower,
    list_display=("person", "power", "given_at", "removed_at"),
    list_select_related=("person",),
    list_filter=("power",),
)

register(
    models.ProviderIdentity,
    list_display=("person", "issuer", "subject", "linked_at"),
    list_select_related=("person",),
    search_fields=("person__username", "subject"),
)
register(
    models.Delegation,
    list_display=("delegator", "delegate", "starts_at", "ends_at", "stopped_at"),
    list_select_related=("delegator", "delegate"),
    search_fields=("delegator__username", "delegate__username"),
)

# Policy, targets and roles

register(
    models.PolicyVersion,
    list_display=("number", "status", "note", "proposed_by", "proposed_at", "approved_by", "applied_at"),
    list_select_related=("proposed_by", "approved_by"),
    list_filter=("status",),
)
register(
    models.Target,
    list_display=("key", "name", "connector", "retired_at"),
    list_filter=("connector",),
    search_fields=("key", "name"),
)
register(
    models.TargetHealth,
    list_display=("target", "checked_at", "reachable", "rights", "expiry_armed", "failing_since"),
    list_select_related=("target",),
    list_filter=("reachable", "expiry_armed"),
)
register(
    models.Entitlement,
    list_display=("name", "target", "emergency"),
    list_select_related=("target",),
    list_filter=("target", "emergency"),
    search_fields=("name",),
)
register(
    models.Role,
    list_display=("key", "name", "pathway", "target", "owner", "risk", "max_minutes", "retired_at"),
    list_select_related=("target", "owner"),
    list_filter=("pathway", "risk", "target"),
    search_fields=("key", "name"),
)
register(
    models.RoleScope,
    list_display=("key", "name", "role", "entitlement", "retired_at"),
    list_select_related=("role", "entitlement"),
    search_fields=("key", "name", "role__key"),
)

# Requests, grants and leases

register(
    models.AccessRequest,
    list_display=("id", "requester", "role", "scope", "pathway", "status", "created_at", "closed_at"),
    list_select_related=("requester", "role", "scope"),
    list_filter=("status", "pathway"),
    search_fields=("requester__username", "role__key"),
)
register(
    models.RequestRevision,
    list_display=("id", "request", "number", "minutes", "ticket", "created_at"),
    list_select_related=("request",),
    search_fields=("ticket",),
)
register(
    models.StageDecider,
    list_display=("id", "revision", "stage", "kind", "team", "person"),
    list_select_related=("revision", "team", "person"),
    list_filter=("kind",),
)
register(
    models.Approval,
    list_display=("id", "request", "person", "verdict", "stage_name", "by_system", "decided_at"),
    list_select_related=("request", "person"),
    list_filter=("verdict", "by_system"),
    search_fields=("person__username",),
)
register(
    models.DecisionSubmission,
    list_display=("id", "approver", "created_at", "finished_at"),
    list_select_related=("approver",),
)
register(
    models.SubmittedVerdict,
    list_display=("id", "submission", "request", "verdict", "minutes", "outcome", "sentence", "done_at"),
    list_select_related=("submission", "request"),
    list_filter=("verdict", "outcome"),
)
register(
    models.Grant,
    list_display=("id", "person", "role", "scope", "status", "starts_at", "ends_at", "end_reason"),
    list_select_related=("person", "role", "scope"),
    list_filter=("status", "end_reason", "pathway"),
    search_fields=("person__username", "role__key"),
)
register(
    models.Lease,
    list_display=("handle", "target", "account", "entitlement", "presence", "wanted_until", "failing_since"),
    list_select_related=("target",),
    list_filter=("presence", "target"),
    search_fields=("handle", "account"),
)
register(
    models.ManualTask,
    list_display=("id", "lease", "wanted", "asked_at", "done_at", "done_by"),
    list_select_related=("lease", "done_by"),
    list_filter=("wanted",),
)
register(
    models.AfterUseReview,
    list_display=("id", "grant", "holder", "status", "due_at", "reviewer", "closed_at"),
    list_select_related=("grant", "holder", "reviewer"),
    list_filter=("status",),
)
register(
    models.EmergencyAccount,
    list_display=("key", "name", "target", "login", "last_drilled_at", "last_rotated_at", "retired_at"),
    list_select_related=("target",),
    list_filter=("target",),
    search_fields=("key", "name", "login"),
)
register(models.Criterion, list_display=("key", "name", "retired_at"), search_fields=("key", "name"))
register(
    models.ProbeResult,
    list_display=("id", "criterion", "says", "since", "at", "looks"),
    list_select_related=("criterion",),
    list_filter=("says",),
)
register(
    models.Activation,
    list_display=("id", "person", "role", "account", "criterion", "status", "opened_at", "ends_at", "drill"),
    list_select_related=("person", "role", "account", "criterion"),
    list_filter=("status", "drill", "probe_said"),
    search_fields=("person__username", "role__key", "incident"),
)
register(
    models.ActivationAlert,
    list_display=("id", "activation", "person", "cause", "raised_at", "acknowledged_at"),
    list_select_related=("activation", "person"),
    list_filter=("cause",),
)
register(
    models.EmergencySignIn,
    list_display=("id", "account", "login", "at", "source", "address", "activation"),
    list_select_related=("account", "activation"),
    list_filter=("source",),
)
# What was typed and run is looked at on the review's page, where each look is written down.
register(
    models.PostIncidentReview,
    list_display=("id", "account", "responder", "status", "drill", "due_at", "reviewer", "closed_at"),
    list_select_related=("account", "responder", "reviewer"),
    list_filter=("status", "drill", "classification"),
    exclude=("facts",),
)
# What somebody is typing is for them alone.
register(
    models.ReviewDraft,
    list_display=("id", "review", "person", "step", "saved_at"),
    list_select_related=("review", "person"),
    exclude=("typed",),
)
register(
    models.ReviewVersion,
    list_display=("id", "review", "number", "step", "person", "at"),
    list_select_related=("review", "person"),
    list_filter=("step",),
    exclude=("document",),
)
register(models.EvidenceKey, list_display=("id", "public", "made_at"), exclude=("sealed",))
register(
    models.LineMark,
    list_display=("id", "review", "key", "explained", "person", "at"),
    list_select_related=("review", "person"),
    list_filter=("explained",),
    exclude=("text",),
)
register(
    models.FollowUp,
    list_display=("id", "review", "what", "owner", "due_at", "done_at"),
    list_select_related=("review", "owner"),
)
register(
    models.OverdueOverride,
    list_display=("id", "review", "asked_by", "granted_by", "until"),
    list_select_related=("review", "asked_by", "granted_by"),
)
register(
    models.Notice,
    list_display=("id", "recipient", "channel", "kind", "subject", "created_at", "sent_at", "given_up_at"),
    list_select_related=("recipient",),
    list_filter=("kind", "channel"),
)
register(
    models.NoticeChoice,
    list_display=("person", "topic", "mail", "channel", "pace"),
    list_select_related=("person",),
    list_filter=("topic", "pace"),
)

# SSH, and what was done in sessions

register(
    models.SshKey,
    list_display=("person", "name", "fingerprint", "added_at", "removed_at"),
    list_select_related=("person",),
    search_fields=("person__username", "fingerprint"),
)
register(
    models.SshCertificate,
    list_display=("key_id", "serial", "target", "issued_to", "valid_before", "revoked_at"),
    list_select_related=("target", "issued_to"),
    list_filter=("target",),
    search_fields=("key_id", "fingerprint"),
)
register(
    models.SshHost,
    list_display=("name", "target", "added_at", "seen_at", "removed_at"),
    list_select_related=("target",),
    list_filter=("target",),
    exclude=("token_hash",),
)
register(
    models.Recording,
    list_display=("id", "grant", "kind", "state", "source", "account", "started_at", "size"),
    list_select_related=("grant",),
    list_filter=("kind", "state"),
)
register(
    models.RecordingPiece,
    list_display=("recording", "offset", "size", "received_at"),
    list_select_related=("recording",),
)
register(
    models.WebhookDelivery,
    list_display=("id", "kind", "endpoint", "created_at", "attempts", "last_status", "acknowledged_at"),
    list_filter=("endpoint", "kind"),
    search_fields=("message",),
)

# The record. Sorted by its index alone: any other order would read every row.

register(
    models.Event,
    list_display=("at", "verb", "sentence", "actor", "address"),
    list_select_related=("actor",),
    sortable_by=(),
)
register(
    models.Entry,
    list_display=("timestamp", "content_type", "object_repr", "action", "actor", "remote_addr"),
    list_select_related=("content_type", "actor"),
    list_filter=("action",),
    sortable_by=(),
    search_fields=("cid__exact",),
    search_help_text="A whole correlation id. The record's own page searches words, people and times.",
)

# The worker's marks, and Django's own

register(models.Heartbeat, list_display=("name", "started_at", "beat_at"))
register(models.ChannelState, list_display=("name", "failing_since", "backoff_until", "last_sent_at"))
register(
    models.WebhookReceiver,
    list_display=("name", "disabled_at", "failing_since", "rests_until", "last_acknowledged_at"),
)
register(models.RateLimit, list_display=("what", "failures", "free_at", "forgotten_at"))
register(models.TargetLane, list_display=("target", "lane", "queued_until"), list_select_related=("target",))
register(
    models.StepUpProof,
    list_display=("person", "act", "method", "factor", "proven_at", "used_at"),
    list_select_related=("person",),
    list_filter=("act", "method"),
)
register(
    models.PersonSession,
    list_display=("person", "began_at", "address", "browser"),
    list_select_related=("person",),
    exclude=("key_hash", "sealed_key"),
)
# A session's key, which would be its row's address here, signs in whoever has it.
register(
    Session,
    shows_rows=False,
    list_display=("expire_date",),
    list_display_links=None,
    sortable_by=(),
    ordering=("-expire_date",),
)
# Second factors, sealed as they are, stay where they are; and so do a provider's secrets and tokens.
register(
    Authenticator,
    list_display=("user", "type", "created_at", "last_used_at"),
    list_select_related=("user",),
    list_filter=("type",),
    exclude=("data",),
)
register(
    SocialAccount,
    list_display=("user", "provider", "uid", "date_joined", "last_login"),
    list_select_related=("user",),
    exclude=("extra_data",),
)
register(SocialApp, list_display=("provider", "provider_id", "name"), exclude=("secret", "settings"))
register(SocialToken, shows_rows=False, list_display=("account", "expires_at"), list_display_links=None)
register(EmailAddress, list_display=("user", "email", "verified"), list_select_related=("user",))
register(
    EmailConfirmation, shows_rows=False, list_display=("email_address", "created"), list_display_links=None
)
register(ContentType, list_display=("app_label", "model"))
register(Permission, list_display=("codename", "name", "content_type"), list_select_related=("content_type",))
register(Group, list_display=("name",))
register(
    LogEntry,
    list_display=("action_time", "user", "content_type", "object_repr"),
    list_select_related=("user", "content_type"),
)

"""Columns that never change, and columns that are set once and never again."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import CharField, Model, TextField

from jitportal.audit.guards.definitions import Dialect, Guard, On, any_of, changes, columns_of, old
from jitportal.models import (
    AccessRequest,
    Activation,
    ActivationAlert,
    AfterUseReview,
    Criterion,
    DecisionSubmission,
    Delegation,
    EmergencyAccount,
    EmergencySignIn,
    Entitlement,
    EvidenceKey,
    FollowUp,
    Grant,
    Lease,
    LineMark,
    ManualTask,
    Membership,
    OverdueOverride,
    Person,
    PolicyVersion,
    PostIncidentReview,
    ProbeResult,
    ProviderIdentity,
    Recording,
    Role,
    RoleScope,
    SshCertificate,
    SshHost,
    SshKey,
    StandingPower,
    StepUpProof,
    SubmittedVerdict,
    WebhookDelivery,
)

#: What a row was made as, for good; and what the database says.
FIXED: tuple[tuple[type[Model], tuple[str, ...], str], ...] = (
    (Person, ("is_system",), "Nobody becomes the system, and the system nobody else."),
    (
        Membership,
        ("team", "person", "since"),
        "A membership keeps its person and team: end it instead.",
    ),
    (StandingPower, ("person", "power", "given_at"), "A standing power is one person's: remove it instead."),
    (
        PolicyVersion,
        ("number", "text", "digest", "base", "bootstrap", "proposed_by", "proposed_at"),
        "A version of the policy never changes: propose another.",
    ),
    (
        Role,
        ("key", "pathway", "target"),
        "A role keeps its key, pathway and target: make another role.",
    ),
    (
        Entitlement,
        ("target", "name", "emergency"),
        "An entitlement keeps its target and name, and stays emergency or ordinary.",
    ),
    (RoleScope, ("role", "key"), "A scope keeps its role and its key: make another scope."),
    (
        AccessRequest,
        ("requester", "role", "pathway", "renewal_of", "cloned_from", "created_at"),
        "A request keeps its requester, its role and its pathway: make another request.",
    ),
    (
        Grant,
        (
            "request",
            "activation",
            "person",
            "role",
            "scope",
            "pathway",
            "renewal_of",
            "start_mode",
            "opens_at",
            "closes_at",
        ),
        "A grant keeps its request, person, role, scope and window: make another.",
    ),
    (
        Lease,
        ("target", "account", "entitlement", "grant", "created_at"),
        "A lease keeps its target, account and entitlement: make another.",
    ),
    (ManualTask, ("lease", "wanted", "asked_at"), "A task keeps what it asks for: drop it, make another."),
    (AfterUseReview, ("grant", "holder", "opened_at"), "A review keeps its grant and its holder."),
    (
        EmergencyAccount,
        ("key", "target", "created_at"),
        "An emergency account keeps its key and target: make another.",
    ),
    (Criterion, ("key",), "A criterion keeps its key: make another."),
    (
        ProbeResult,
        ("criterion", "says", "since"),
        "What a probe said from a moment on stays as it was: another answer makes another row.",
    ),
    (
        Activation,
        (
            "person",
            "role",
            "scope",
            "account",
            "criterion",
            "probe_said",
            "probe_detail",
            "incident",
            "broken",
            "expected",
            "minutes",
            "cap_minutes",
            "opened_at",
            "ends_at",
            "drill",
            "extension_of",
            "from_request",
            "after_the_fact",
            "recorded_by",
            "address",
            "authenticator",
            "policy_version",
        ),
        "An activation stays as it was claimed, and its end is never moved: extend it by another.",
    ),
    (
        ActivationAlert,
        ("activation", "person", "cause", "raised_at"),
        "An alert keeps whom it is for, and of what.",
    ),
    (
        Delegation,
        ("delegator", "delegate", "starts_at", "ends_at", "reason", "made_at"),
        "A delegation keeps its people and its time: stop it, and make another.",
    ),
    (
        StepUpProof,
        (
            "person",
            "act",
            "about",
            "digest",
            "nonce",
            "method",
            "factor",
            "factor_id",
            "counter",
            "credential_id",
            "public_key",
            "authenticator_data",
            "client_data",
            "signature",
            "claims",
            "asked_at",
            "proven_at",
        ),
        "A proof of a second factor stays as it was shown: show another.",
    ),
    (
        DecisionSubmission,
        ("approver", "token", "created_at"),
        "A submission keeps its approver: submit another.",
    ),
    (
        SubmittedVerdict,
        ("submission", "position", "request", "digest", "verdict", "minutes", "reason"),
        "A submitted verdict stays as it was submitted: submit another.",
    ),
    (SshKey, ("person", "public_key", "fingerprint", "added_at"), "A key stays what it is: add another."),
    (
        SshCertificate,
        (
            "lease",
            "target",
            "number",
            "serial",
            "key_id",
            "principals",
            "fingerprint",
            "valid_after",
            "valid_before",
            "issued_at",
            "issued_to",
        ),
        "A certificate stays as it was signed: sign another.",
    ),
    (SshHost, ("target", "name", "added_at"), "A host keeps its target and name: add another."),
    (
        Recording,
        ("grant", "kind", "source", "host", "certificate", "account", "session", "started_at", "received_at"),
        "A recording keeps whose and from where it is.",
    ),
    (ProviderIdentity, ("person", "issuer", "subject", "linked_at"), "An identity stays one person's."),
    (
        WebhookDelivery,
        ("message", "endpoint", "kind", "body", "event", "created_at"),
        "A webhook stays as it was written: send another.",
    ),
    (
        EmergencySignIn,
        ("account", "source", "reference", "login", "at", "reported_at", "address"),
        "A sign-in stays as it was reported.",
    ),
    (
        PostIncidentReview,
        ("activation", "sign_in", "account", "drill", "opened_at"),
        "A review keeps its activation and its account.",
    ),
    (EvidenceKey, ("public", "made_at"), "A key that signs evidence stays: make another."),
    (LineMark, ("review", "key", "text"), "A mark keeps its line."),
    (FollowUp, ("review", "what", "added_by", "added_at"), "A follow-up keeps what it asks: add another."),
    (
        OverdueOverride,
        ("review", "reason", "asked_by", "asked_at"),
        "An override keeps who asked for it and why: ask for another.",
    ),
)

#: What is set once, and then neither changed nor cleared.
ONCE: tuple[tuple[type[Model], tuple[str, ...], str], ...] = (
    (Membership, ("ended_at",), "A membership ends once: make another to join again."),
    (StandingPower, ("removed_at",), "A standing power is removed once and for all."),
    (
        PolicyVersion,
        ("approved_by", "approved_at", "applied_by", "applied_at", "superseded_at"),
        "Who approved and applied a policy, and when, is set once.",
    ),
    (AccessRequest, ("closed_at",), "A request is closed once: make another."),
    (
        Grant,
        (
            "account",
            "lease",
            "starts_at",
            "ends_at",
            "stopped_at",
            "stopped_by",
            "end_reason",
            "live_at",
            "verified_absent_at",
            "ended_at",
        ),
        "A grant's start, end and stop are set once, and never moved or cleared.",
    ),
    (ManualTask, ("done_at", "done_by", "dropped_at"), "A task is confirmed or dropped once."),
    (AfterUseReview, ("closed_at",), "A review is closed once."),
    (
        Activation,
        ("stopped_at", "stopped_by", "end_reason", "end_note", "ended_at"),
        "An activation ends once.",
    ),
    (ActivationAlert, ("acknowledged_at",), "An alert is acknowledged once by each."),
    (Delegation, ("stopped_at", "stopped_by"), "A delegation is stopped once."),
    (StepUpProof, ("used_at",), "A proof of a second factor is used once."),
    (DecisionSubmission, ("finished_at",), "A submission is finished once."),
    (WebhookDelivery, ("acknowledged_at", "given_up_at"), "A webhook is acknowledged or given up once."),
    (
        SubmittedVerdict,
        ("done_at", "approval", "sentence"),
        "What came of a submitted verdict is written once.",
    ),
    (SshKey, ("removed_at",), "A key is removed once: add it again instead."),
    (SshCertificate, ("text", "revoked_at"), "A certificate is signed once, and revoked for good."),
    (SshHost, ("removed_at",), "A host is removed once: add it again instead."),
    (
        Recording,
        ("finished_at", "sha256", "said_sha256"),
        "A recording is finished once, with its hash.",
    ),
    (EmergencySignIn, ("activation",), "A sign-in is explained by one activation."),
    (
        PostIncidentReview,
        (
            "responder",
            "named_by",
            "access_ended_at",
            "rotated_at",
            "rotated_by",
            "rotation_proof",
            "closed_at",
        ),
        "A review's responder, its rotation and its end are set once.",
    ),
    (FollowUp, ("done_at", "done_by", "done_note"), "A follow-up is done once."),
    (OverdueOverride, ("granted_by", "granted_at", "until"), "An override is granted once."),
)


def guards() -> Iterator[Guard]:
    """One for the fixed columns of each table, and one for those that are set once."""
    for model, names, sentence in FIXED:
        yield _fixed(model, columns_of(model, names), sentence)
    for model, names, sentence in ONCE:
        yield _once(model, names, sentence)


def _fixed(model: type[Model], columns: tuple[str, ...], sentence: str) -> Guard:
    def condition(dialect: Dialect) -> str:
        return any_of([changes(dialect, column) for column in columns])

    return Guard(f"{model._meta.model_name}_fixed", model, On.UPDATE, sentence, condition, columns)


def _once(model: type[Model], names: tuple[str, ...], sentence: str) -> Guard:
    columns = columns_of(model, names)
    texts = {
        str(field.column) for field in model._meta.concrete_fields if isinstance(field, CharField | TextField)
    }

    def condition(dialect: Dialect) -> str:
        return any_of([f"({_is_set(column, texts)} AND {changes(dialect, column)})" for column in columns])

    return Guard(f"{model._meta.model_name}_once", model, On.UPDATE, sentence, condition, columns)


def _is_set(column: str, texts: set[str]) -> str:
    return f"{old(column)} <> ''" if column in texts else f"{old(column)} IS NOT NULL"

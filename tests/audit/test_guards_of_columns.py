"""Columns that never change, and columns that are set once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db.models import Model

from jitportal.audit.guards.fixed import FIXED, ONCE
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
from tests.audit.lives import LATER, in_state, put
from tests.models import rows
from tests.models.refusals import refused_by_guard
from tests.models.rows import NOW

pytestmark = pytest.mark.django_db

MAKERS: dict[type[Model], Callable[[], Model]] = {
    Person: rows.person,
    Membership: rows.membership,
    StandingPower: rows.standing_power,
    PolicyVersion: rows.policy_version,
    Role: rows.role,
    Entitlement: rows.entitlement,
    RoleScope: rows.scope,
    AccessRequest: rows.request,
    Grant: rows.grant,
    Lease: rows.lease,
    ManualTask: rows.manual_task,
    AfterUseReview: rows.review,
    EvidenceKey: rows.evidence_key,
    EmergencySignIn: rows.emergency_sign_in,
    PostIncidentReview: rows.incident_review,
    LineMark: rows.line_mark,
    FollowUp: rows.follow_up,
    OverdueOverride: rows.overdue_override,
    EmergencyAccount: rows.emergency_account,
    Criterion: rows.criterion,
    ProbeResult: rows.probe_result,
    Activation: lambda: rows.activation(address="192.0.2.1"),
    ActivationAlert: rows.activation_alert,
    DecisionSubmission: rows.submission,
    StepUpProof: rows.step_up_proof,
    Delegation: rows.delegation,
    SubmittedVerdict: rows.submitted_verdict,
    WebhookDelivery: rows.webhook_delivery,
    ProviderIdentity: rows.provider_identity,
    SshKey: rows.ssh_key,
    SshCertificate: rows.ssh_certificate,
    SshHost: rows.ssh_host,
    Recording: lambda: rows.recording(host=rows.ssh_host(), certificate=rows.ssh_certificate()),
}


def an_ended_grant() -> Model:
    grant = in_state("grant", "active")
    assert isinstance(grant, Grant)
    return rows.end(rows.stop(grant))


#: Rows in which everything that is set once is set.
SET: dict[type[Model], Callable[[], Model]] = {
    Membership: lambda: rows.membership(ended_at=LATER),
    StandingPower: lambda: rows.standing_power(removed_at=LATER),
    PolicyVersion: lambda: in_state("policy version", "superseded"),
    AccessRequest: lambda: in_state("request", "approved"),
    Grant: an_ended_grant,
    ManualTask: lambda: rows.manual_task(done_at=LATER, done_by=rows.person(), dropped_at=LATER),
    AfterUseReview: lambda: in_state("after-use review", "closed"),
    Activation: rows.ended_activation,
    EmergencySignIn: rows.explained_sign_in,
    PostIncidentReview: lambda: rows.closed_incident_review(named_by=rows.person()),
    FollowUp: lambda: rows.follow_up(done_at=LATER, done_by=rows.person(), done_note="Mended."),
    OverdueOverride: lambda: rows.overdue_override(granted_by=rows.person(), granted_at=LATER, until=LATER),
    ActivationAlert: lambda: rows.activation_alert(acknowledged_at=LATER),
    DecisionSubmission: lambda: rows.submission(finished_at=LATER),
    StepUpProof: lambda: rows.step_up_proof(used_at=LATER),
    Delegation: lambda: rows.delegation(stopped_at=LATER, stopped_by=rows.person()),
    SubmittedVerdict: rows.verdict_that_stands,
    WebhookDelivery: lambda: rows.webhook_delivery(acknowledged_at=LATER, given_up_at=LATER),
    SshKey: lambda: rows.ssh_key(removed_at=LATER),
    SshCertificate: lambda: rows.ssh_certificate(text="signed", revoked_at=LATER),
    SshHost: lambda: rows.ssh_host(removed_at=LATER),
    Recording: lambda: rows.recording(
        state="complete", finished_at=LATER, sha256=rows.DIGEST, said_sha256=rows.DIGEST
    ),
}


def another(row: Model, name: str) -> Any:
    """Another value for the field."""
    value = getattr(row, name)
    if isinstance(value, Model):
        return value.pk + 1_000
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, datetime):
        return value + rows.hours(1)
    if value == "192.0.2.1":
        return "192.0.2.2"
    return f"x{value[1:]}" if isinstance(value, str) else 1_000  # a foreign key that is null


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model, names, _ in FIXED for name in names],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_fixed_column_never_changes(model: type[Model], name: str) -> None:
    row = MAKERS[model]()
    with refused_by_guard(f"{model._meta.model_name}_fixed"):
        put(row, **{name: another(row, name)})


@pytest.mark.parametrize("how", ["moved", "cleared"])
@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model, names, _ in ONCE for name in names],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_set_once_is_not_set_again(model: type[Model], name: str, how: str) -> None:
    row = SET[model]()
    value = getattr(row, name)
    assert value, "nothing is set yet"
    wanted = another(row, name) if how == "moved" else ("" if isinstance(value, str) else None)
    with refused_by_guard(f"{model._meta.model_name}_once"):
        put(row, **{name: wanted})


@pytest.mark.parametrize(
    "maker",
    [
        pytest.param(maker, id=f"{model.__name__} {when}")
        for makers, when in ((MAKERS, "new"), (SET, "settled"))
        for model, maker in makers.items()
    ],
)
def test_saving_the_same_values_again_is_no_change(maker: Callable[[], Model]) -> None:
    row = maker()
    row.refresh_from_db()
    row.save()


def test_what_is_not_set_yet_can_be_set() -> None:
    put(rows.membership(), ended_at=LATER)
    put(rows.standing_power(), removed_at=LATER)
    put(rows.notice(), sent_at=LATER)
    put(rows.lease(), handle="jit-another")
    put(rows.person(), is_active=False, deactivated_at=NOW)

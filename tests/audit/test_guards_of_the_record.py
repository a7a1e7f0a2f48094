"""The record is append-only, and history stays: no UPDATE, DELETE, TRUNCATE or REPLACE passes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import AutoField, BigAutoField, Model, UniqueConstraint

from jitportal.audit.context import acting
from jitportal.audit.guards.record import APPEND_ONLY, HISTORY, UNIQUE
from jitportal.audit.registration import EXEMPT
from jitportal.models import (
    AccessRequest,
    Activation,
    ActivationAlert,
    AfterUseReview,
    Approval,
    Criterion,
    DecisionSubmission,
    Delegation,
    EmergencyAccount,
    EmergencySignIn,
    Entitlement,
    Entry,
    Event,
    EvidenceKey,
    FollowUp,
    Grant,
    Lease,
    LineMark,
    ManualTask,
    Membership,
    Notice,
    NoticeChoice,
    OverdueOverride,
    Person,
    PolicyVersion,
    PostIncidentReview,
    ProbeResult,
    ProviderIdentity,
    Recording,
    RecordingPiece,
    RequestRevision,
    ReviewVersion,
    Role,
    RoleScope,
    SshCertificate,
    SshHost,
    SshKey,
    StageDecider,
    StandingPower,
    StepUpProof,
    SubmittedVerdict,
    Target,
    Team,
    WebhookDelivery,
)
from tests.models import rows
from tests.models.refusals import refused_by_guard, sql

pytestmark = pytest.mark.django_db


def an_entry() -> Entry:
    with acting(rows.person()):
        made = rows.team()
    entry = Entry.objects.get_for_object(made).get()
    assert isinstance(entry, Entry)
    return entry


MAKERS: dict[type[Model], Callable[[], Model]] = {
    Event: rows.event,
    Entry: an_entry,
    Approval: rows.approval,
    RequestRevision: rows.revision,
    StageDecider: rows.stage_decider,
    Person: rows.person,
    Team: rows.team,
    Membership: rows.membership,
    StandingPower: rows.standing_power,
    PolicyVersion: rows.policy_version,
    Target: rows.target,
    Role: rows.role,
    RoleScope: rows.scope,
    Entitlement: rows.entitlement,
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
    ReviewVersion: rows.review_version,
    EmergencyAccount: rows.emergency_account,
    Criterion: rows.criterion,
    ProbeResult: rows.probe_result,
    Activation: rows.activation,
    ActivationAlert: rows.activation_alert,
    DecisionSubmission: rows.submission,
    StepUpProof: rows.step_up_proof,
    Delegation: rows.delegation,
    SubmittedVerdict: rows.submitted_verdict,
    Notice: rows.notice,
    WebhookDelivery: rows.webhook_delivery,
    ProviderIdentity: rows.provider_identity,
    NoticeChoice: rows.notice_choice,
    SshKey: rows.ssh_key,
    SshCertificate: rows.ssh_certificate,
    SshHost: rows.ssh_host,
    Recording: rows.recording,
    RecordingPiece: rows.recording_piece,
}
EVERY = pytest.mark.parametrize("model", [*APPEND_ONLY, *HISTORY], ids=lambda model: model.__name__)
OF_THE_RECORD = pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)


def name_of(model: type[Model], what: str) -> str:
    return f"{model._meta.model_name}_no_{what}"


def replace_without_id(row: Model) -> None:
    """Replace the row by its own copy, which takes a new id and its unique keys."""
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    listed, table = ", ".join(f'"{column}"' for column in columns), f'"{row._meta.db_table}"'
    sql(f"INSERT OR REPLACE INTO {table} ({listed}) SELECT {listed} FROM {table} WHERE id = %s", row.pk)


@contextmanager
def recursive_triggers(on_or_off: str) -> Iterator[None]:
    """What the portal's connections have ON, and another program's needn't."""
    sql(f"PRAGMA recursive_triggers = {on_or_off}")
    try:
        yield
    finally:
        sql("PRAGMA recursive_triggers = ON")


def test_every_model_of_the_portal_is_kept_or_is_no_business_fact() -> None:
    kept = {*APPEND_ONLY, *HISTORY}
    assert {Approval, Entry, Event, RequestRevision} <= set(APPEND_ONLY), "these never change at all"
    unkept = {model._meta.label for model in apps.get_app_config("jitportal").get_models()} - {
        model._meta.label for model in kept
    }
    assert unkept == {
        "jitportal.ChannelState",
        "jitportal.Heartbeat",
        "jitportal.PersonSession",
        "jitportal.RateLimit",
        "jitportal.ReviewDraft",
        "jitportal.TargetHealth",
        "jitportal.TargetLane",
        "jitportal.WebhookReceiver",
    }
    assert unkept <= set(EXEMPT)


@EVERY
def test_nothing_is_deleted(model: type[Model]) -> None:
    """In a peer, deleting a user cascaded into the history of approvals (authentik)."""
    row = MAKERS[model]()
    with refused_by_guard(name_of(model, "delete")):
        sql(f'DELETE FROM "{model._meta.db_table}" WHERE id = %s', row.pk)
    with refused_by_guard(name_of(model, "delete")):
        model._base_manager.filter(pk=row.pk)._raw_delete(using="default")


@OF_THE_RECORD
def test_the_record_is_not_changed(model: type[Model]) -> None:
    row = MAKERS[model]()
    with refused_by_guard(name_of(model, "update")):
        sql(f'UPDATE "{model._meta.db_table}" SET id = id WHERE id = %s', row.pk)
    with refused_by_guard(name_of(model, "update")):
        row.save()


@pytest.mark.postgresql
@EVERY
def test_nothing_is_truncated(model: type[Model]) -> None:
    with refused_by_guard(name_of(model, "truncate")):
        sql(f'TRUNCATE "{model._meta.db_table}" CASCADE')


@pytest.mark.sqlite
@EVERY
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_no_row_is_replaced_under_its_id(model: type[Model], recursive: str) -> None:
    row = MAKERS[model]()
    table = f'"{model._meta.db_table}"'
    with recursive_triggers(recursive), refused_by_guard(name_of(model, "replace")):
        sql(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE id = %s", row.pk)


@pytest.mark.sqlite
@pytest.mark.parametrize("model", [Approval, RequestRevision], ids=lambda model: model.__name__)
def test_no_row_of_the_record_is_replaced_under_another_id(model: type[Model]) -> None:
    """The unique keys other than the id, from a connection without the portal's pragma."""
    row = MAKERS[model]()
    with recursive_triggers("OFF"), refused_by_guard(name_of(model, "replace")):
        replace_without_id(row)


def test_the_unique_keys_of_the_record_are_all_known_to_the_guards() -> None:
    for model in APPEND_ONLY:
        unique = {
            tuple(str(model._meta.get_field(name).column) for name in constraint.fields)  # type: ignore[union-attr]
            for constraint in model._meta.constraints
            if isinstance(constraint, UniqueConstraint)
        }
        assert {columns for columns, _ in UNIQUE.get(model, ())} == unique
        assert not [
            field
            for field in model._meta.concrete_fields
            if field.unique and not isinstance(field, AutoField | BigAutoField)
        ]


@pytest.mark.sqlite
def test_an_insert_replaces_no_history_by_way_of_another_key() -> None:
    """A REPLACE deletes whoever has the username: the portal's connections see that as a DELETE."""
    first = rows.person()
    with refused_by_guard("person_no_delete"):
        replace_without_id(first)


@pytest.mark.sqlite
def test_an_update_replaces_no_history_by_way_of_another_key() -> None:
    first, second = rows.person(), rows.person()
    with refused_by_guard("person_no_delete"):
        sql('UPDATE OR REPLACE "jitportal_person" SET username = %s WHERE id = %s', first.username, second.pk)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_another_program_is_refused_too() -> None:
    event = rows.event()
    name = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(name)) as other:
        for statement in (
            "UPDATE jitportal_event SET sentence = 'Nobody asked.'",
            "DELETE FROM jitportal_event",
            "INSERT OR REPLACE INTO jitportal_event SELECT * FROM jitportal_event",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="The record is kept: events are inserted"):
                other.execute(statement)
    event.refresh_from_db()
    assert event.sentence == "Somebody asked."

"""The record is append-only, and history is never deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.db.models import Model

from jitportal.audit.guards.definitions import Guard, On, any_of, new, table_of
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

#: Rows that are inserted, and then neither changed nor deleted.
APPEND_ONLY: tuple[type[Model], ...] = (
    Event,
    Entry,
    Approval,
    RequestRevision,
    StageDecider,
    RecordingPiece,
    ReviewVersion,
)

#: Rows that go on changing, and are never deleted.
HISTORY: tuple[type[Model], ...] = (
    EmergencySignIn,
    PostIncidentReview,
    LineMark,
    FollowUp,
    OverdueOverride,
    Person,
    Team,
    Membership,
    StandingPower,
    PolicyVersion,
    Target,
    Role,
    RoleScope,
    Entitlement,
    AccessRequest,
    DecisionSubmission,
    SubmittedVerdict,
    StepUpProof,
    Delegation,
    Grant,
    Lease,
    ManualTask,
    AfterUseReview,
    EmergencyAccount,
    Criterion,
    ProbeResult,
    Activation,
    ActivationAlert,
    Notice,
    NoticeChoice,
    SshKey,
    SshCertificate,
    SshHost,
    Recording,
    WebhookDelivery,
    ProviderIdentity,
    EvidenceKey,
)

#: What else is unique in an append-only table, with the condition where it is partial. SQLite's
#: ``INSERT OR REPLACE`` deletes the row that stands in the way, and fires no DELETE trigger.
UNIQUE: Mapping[type[Model], tuple[tuple[tuple[str, ...], str], ...]] = {
    Approval: (
        (("revision_id", "stage", "person_id"), ""),
        (("revision_id", "on_behalf_of_id"), ""),
        (("revision_id", "person_id"), 'NOT kept."by_system" AND NOT NEW."by_system"'),
    ),
    RequestRevision: ((("request_id", "number"), ""),),
    ReviewVersion: ((("review_id", "number"), ""),),
    RecordingPiece: ((("recording_id", "offset"), ""),),
}


def guards() -> Iterator[Guard]:
    """No UPDATE, DELETE, TRUNCATE or REPLACE where they must not be."""
    for model in APPEND_ONLY:
        sentence = f"The record is kept: {_plural(model)} are inserted, never changed or deleted."
        for on in (On.UPDATE, On.DELETE, On.TRUNCATE):
            yield _always(model, on, sentence)
        yield _no_replacing(model, sentence, UNIQUE.get(model, ()))
    for model in HISTORY:
        sentence = f"History is kept: {_plural(model)} are never deleted."
        for on in (On.DELETE, On.TRUNCATE):
            yield _always(model, on, sentence)
        yield _no_replacing(model, sentence, ())


def removal_guards() -> Iterator[Guard]:
    """Those that stand in the way of emptying the tables, which tests do (``lifted``)."""
    return (guard for guard in guards() if guard.on in (On.DELETE, On.TRUNCATE))


def _always(model: type[Model], on: On, sentence: str) -> Guard:
    vendors = frozenset({"postgresql"}) if on is On.TRUNCATE else frozenset({"sqlite", "postgresql"})
    return Guard(f"{model._meta.model_name}_no_{on.lower()}", model, on, sentence, vendors=vendors)


def _no_replacing(
    model: type[Model], sentence: str, unique: tuple[tuple[tuple[str, ...], str], ...]
) -> Guard:
    """The portal's own connections have ``PRAGMA recursive_triggers``, which makes a REPLACE fire the
    DELETE triggers. This guard doesn't depend on it: another program's connection is refused too.
    """
    return Guard(
        f"{model._meta.model_name}_no_replace",
        model,
        On.INSERT,
        sentence,
        condition=_stands_already(model, unique),
        looks_up=True,
        vendors=frozenset({"sqlite"}),
    )


def _stands_already(model: type[Model], unique: tuple[tuple[tuple[str, ...], str], ...]) -> str:
    keys = (((str(model._meta.pk.column),), ""), *unique)
    return any_of(_stands(model, columns, partial) for columns, partial in keys)


def _stands(model: type[Model], columns: tuple[str, ...], partial: str) -> str:
    same = [f'kept."{column}" = {new(column)}' for column in columns]
    where = " AND ".join([*same, *([partial] if partial else [])])
    return f"EXISTS (SELECT 1 FROM {table_of(model)} kept WHERE {where})"


def _plural(model: type[Model]) -> str:
    return str(model._meta.verbose_name_plural)

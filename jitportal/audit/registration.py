"""Which models auditlog records; every other installed model stands in ``EXEMPT`` with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from auditlog.registry import auditlog
from django.apps import apps
from django.core import checks
from django.db.models import Model
from django.db.models.base import ModelBase

from jitportal.audit import entries, guards, tasks

#: Installed models whose changes leave no entry, by label, and why.
EXEMPT: Mapping[str, str] = {
    "jitportal.Event": "It is the record itself: inserted once, and kept from change by triggers.",
    "jitportal.Entry": "It is the record itself: inserted once, and kept from change by triggers.",
    "jitportal.Heartbeat": "A sign of life, rewritten every second; it says nothing about access.",
    "jitportal.ProbeResult": "What a probe last saw; an activation keeps what it said at that moment.",
    "jitportal.TargetHealth": "What was last seen of a target; what came of it is told by events.",
    "jitportal.ChannelState": "What was last seen of a mail server or channel; notices say what came of it.",
    "jitportal.RecordingPiece": "A piece of a recording as it came: inserted once, and kept from change.",
    "jitportal.WebhookReceiver": "What was last seen of a receiver; deliveries say what came of it.",
    "jitportal.TargetLane": "The worker's own mark of what is queued; it says nothing about access.",
    "jitportal.PersonSession": "Holds a session's key, and goes with it. Signing in and out are events.",
    "jitportal.RateLimit": "Counts how often somebody came lately; guessing at a password is an event.",
    "account.EmailAddress": "Written by nobody: a person's address is their own row's.",
    "account.EmailConfirmation": "Written by nobody: nobody confirms an address by mail.",
    "socialaccount.SocialApp": "Written by nobody: providers are named by the environment.",
    "socialaccount.SocialToken": "Written by nobody: a provider's tokens aren't kept.",
    "jitportal.ReviewDraft": "What somebody is typing, for them alone; what is handed in is recorded.",
    "admin.LogEntry": "Django's admin is read-only here, and writes none.",
    "auth.Permission": "Written by migrations from the models; nobody is given one.",
    "contenttypes.ContentType": "Written by migrations from the models.",
    "sessions.Session": "Holds a secret, the session's key. Signing in and out are events.",
    "django_q.OrmQ": "The queue: its tasks are hints, and what they do to other rows is recorded.",
    "django_q.Task": "A finished task; what it did to other rows is recorded.",
    "django_q.Schedule": "Written by the code alone, the same at every start.",
}

#: Fields that never stand in an entry. A password's hash could be attacked wherever it is shown (its
#: change is an event); the last sign-in is an event of its own, and its column moves at each one; a
#: worker's claim on a notice lasts seconds, and says nothing; what a host says of itself is no history.
#: What a second factor is known by is sealed, and stays out of the record even so; what a provider said at
#: a sign-in is as old as that.
UNRECORDED: Mapping[str, frozenset[str]] = {
    "jitportal.EvidenceKey": frozenset({"sealed"}),
    "jitportal.AccessRequest": frozenset({"wanted_at"}),  # the revision says it, and is recorded
    "jitportal.Person": frozenset({"password", "last_login"}),
    "jitportal.Notice": frozenset({"claimed_until"}),
    "jitportal.SshHost": frozenset({"token_hash", "seen_at", "skew_milliseconds", "report"}),
    # What was typed and run is for few, and each look at it is an event: the rows themselves never change.
    "jitportal.PostIncidentReview": frozenset({"facts"}),
    "jitportal.LineMark": frozenset({"text"}),
    "jitportal.ReviewVersion": frozenset({"document"}),
    # They move with each piece, and a piece is a row of its own.
    "jitportal.Recording": frozenset({"size", "chain", "position"}),
    "mfa.Authenticator": frozenset({"data", "last_used_at"}),
    "socialaccount.SocialAccount": frozenset({"extra_data", "last_login"}),
    "jitportal.WebhookDelivery": frozenset({"claimed_until"}),
}

#: Models of others whose rows say who may come in.
OF_OTHERS = ("auth.Group", "mfa.Authenticator", "socialaccount.SocialAccount")


def register() -> None:
    """Register every model of the portal that isn't exempt, and ``OF_OTHERS``, with auditlog, and
    connect what stamps entries, carries the context through the queue, and guards the record.

    Columns are named one by one: auditlog would otherwise look reverse relations up too.
    """
    own: list[type[Model]] = list(apps.get_app_config("jitportal").get_models())
    others: list[type[Model]] = [apps.get_model(label) for label in OF_OTHERS]
    for model in own + others:
        if model._meta.label not in EXEMPT and not auditlog.contains(model):
            auditlog.register(
                model,
                include_fields=_recorded_columns(model),
                m2m_fields={field.name for field in model._meta.many_to_many},
            )
    entries.connect()
    tasks.connect()
    guards.connect()
    checks.register(check_coverage, "models")


def uncovered(models: Iterable[type[Model]] | None = None) -> list[str]:
    """Labels of installed models that are neither audited nor exempt. Proxies follow their model; the
    table of a many-to-many field is covered where the field is.
    """
    installed = apps.get_models(include_auto_created=True) if models is None else models
    return sorted(
        model._meta.label
        for model in installed
        if not model._meta.proxy
        and model._meta.label not in EXEMPT
        and not auditlog.contains(model)
        and not _recorded_through_its_owner(model)
    )


def _recorded_through_its_owner(model: type[Model]) -> bool:
    owner: object = model._meta.auto_created
    return isinstance(owner, ModelBase) and auditlog.contains(owner)


def _recorded_columns(model: type[Model]) -> list[str]:
    unrecorded = UNRECORDED.get(model._meta.label, frozenset())
    return [field.name for field in model._meta.concrete_fields if field.name not in unrecorded]


def check_coverage(**_options: Any) -> Sequence[checks.CheckMessage]:
    """An error for each installed model that is neither audited nor exempt, and each stale exemption."""
    installed = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    return [
        *(
            checks.Error(
                f"{label} is neither audited nor exempt.",
                hint="Register it in jitportal.audit.registration, or name it in EXEMPT with a reason.",
                id="jitportal.E001",
            )
            for label in uncovered()
        ),
        *(
            checks.Error(
                f"{label} is exempt from the audit, but isn't installed.",
                hint="Take it out of EXEMPT in jitportal.audit.registration.",
                id="jitportal.E002",
            )
            for label in sorted(set(EXEMPT) - installed)
        ),
    ]

"""Break-glass: accounts, activations and their reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jitportal.models import (
    Activation,
    ActivationAlert,
    Criterion,
    EmergencyAccount,
    EmergencySignIn,
    EvidenceKey,
    FollowUp,
    Grant,
    LineMark,
    OverdueOverride,
    PostIncidentReview,
    ProbeResult,
    ReviewDraft,
    ReviewVersion,
    Role,
    RoleScope,
)
from jitportal.rules.vocabulary import Pathway
from tests.models.rows.access import (
    WHOLE,
    grant,
    person,
    policy_version,
    role,
    scope,
    target,
)
from tests.models.rows.base import NOW, filled, hours, numbers


def emergency_account(**values: Any) -> EmergencyAccount:
    number = next(numbers)
    fixed: dict[str, Any] = {
        "key": f"emergency-{number}",
        "name": f"Emergency account {number}",
        "login": f"emergency{number}",
        "drill_every_days": 90,
        "created_at": NOW,
    }
    return EmergencyAccount.objects.create(
        **{**fixed, **filled(values, target=target, policy_version=policy_version)}
    )


def criterion(**values: Any) -> Criterion:
    number = next(numbers)
    fixed = {"key": f"criterion-{number}", "name": f"Criterion {number}"}
    return Criterion.objects.create(**{**fixed, **filled(values, policy_version=policy_version)})


def probe_result(**values: Any) -> ProbeResult:
    fixed = {"says": "agrees", "since": NOW, "at": NOW}
    return ProbeResult.objects.create(**{**fixed, **filled(values, criterion=criterion)})


def emergency_scope(**values: Any) -> RoleScope:
    """A scope of a break-glass role."""
    return scope(role=role(pathway=Pathway.BREAK_GLASS), **values)


def activation(**values: Any) -> Activation:
    """An open activation of an hour."""
    values = filled(
        values, person=person, scope=emergency_scope, criterion=criterion, policy_version=policy_version
    )
    of_role: Role = values["scope"].role
    if "account" not in values:
        values["account"] = emergency_account(target=of_role.target)
    minutes = values.get("minutes", 60)
    fixed = {
        "role": of_role,
        "probe_said": "no_probe",
        "broken": "Nobody can sign in.",
        "expected": "Restart the identity provider.",
        "minutes": minutes,
        "cap_minutes": 60,
        "opened_at": NOW,
        "ends_at": NOW + timedelta(minutes=minutes),
    }
    return Activation.objects.create(**{**fixed, **values})


def stop_activation(made: Activation, **changes: Any) -> Activation:
    """The activation in ending: returned a minute after its start."""
    fixed = {"status": "ending", "stopped_at": NOW + timedelta(minutes=1), "stopped_by": made.person}
    for name, value in {**fixed, "end_reason": "handed_back", "end_note": "Mended.", **changes}.items():
        setattr(made, name, value)
    made.save()
    return made


def ended_activation(**values: Any) -> Activation:
    made = stop_activation(activation(**values))
    made.status, made.ended_at = "ended", NOW + timedelta(minutes=2)
    made.save()
    return made


def activation_alert(**values: Any) -> ActivationAlert:
    fixed = {"cause": "role_owner", "raised_at": NOW}
    return ActivationAlert.objects.create(**{**fixed, **filled(values, activation=activation, person=person)})


def emergency_sign_in(**values: Any) -> EmergencySignIn:
    number = next(numbers)
    fixed = {
        "source": "report",
        "reference": f"session-{number}",
        "login": "root",
        "address": "192.0.2.1",
        "at": NOW,
        "reported_at": NOW,
    }
    return EmergencySignIn.objects.create(**{**fixed, **filled(values, account=emergency_account)})


def explained_sign_in() -> EmergencySignIn:
    used = activation()
    return emergency_sign_in(account=used.account, activation=used)


def incident_review(**values: Any) -> PostIncidentReview:
    """The review of an activation, open since its beginning."""
    if "sign_in" not in values:
        values = filled(values, activation=activation)
        used: Activation = values["activation"]
        own = {"account": used.account, "responder": used.person, "drill": used.drill}
    else:
        own = {"account": values["sign_in"].account}
    return PostIncidentReview.objects.create(**{"opened_at": NOW, **own, **values})


def closed_incident_review(**values: Any) -> PostIncidentReview:
    """A review with all its parts, closed; the values come last."""
    made = incident_review()
    for status in ("determination", "remediation"):
        made.status = status
        made.save()
    whole = {**WHOLE, **filled(values, reviewer=person, rotated_by=person), "status": "closed"}
    for name, value in {**whole, **values}.items():
        setattr(made, name, value)
    made.save()
    return made


def review_draft(**values: Any) -> ReviewDraft:
    fixed = {"step": "statement", "typed": {"done": "Restarted"}, "saved_at": NOW}
    return ReviewDraft.objects.create(**{**fixed, **filled(values, review=incident_review, person=person)})


def review_version(**values: Any) -> ReviewVersion:
    fixed: dict[str, Any] = {"number": 1, "step": "statement", "at": NOW, "document": {}, "digest": "0"}
    return ReviewVersion.objects.create(**{**fixed, **filled(values, review=incident_review, person=person)})


def line_mark(**values: Any) -> LineMark:
    fixed = {"key": "1:1", "text": "rm -rf /tmp/cache", "explained": True, "at": NOW}
    return LineMark.objects.create(**{**fixed, **filled(values, review=incident_review, person=person)})


def follow_up(**values: Any) -> FollowUp:
    fixed = {"what": "Mend the runbook.", "due_at": NOW + hours(240), "added_at": NOW}
    return FollowUp.objects.create(
        **{**fixed, **filled(values, review=incident_review, owner=person, added_by=person)}
    )


def overdue_override(**values: Any) -> OverdueOverride:
    fixed = {"reason": "The release can't wait.", "asked_at": NOW}
    return OverdueOverride.objects.create(
        **{**fixed, **filled(values, review=incident_review, asked_by=person)}
    )


def evidence_key(**values: Any) -> EvidenceKey:
    number = next(numbers)
    return EvidenceKey.objects.create(
        **{"public": f"key {number}", "sealed": "box", "made_at": NOW, **values}
    )


def emergency_grant(**values: Any) -> Grant:
    """The ready grant of an open activation."""
    values = filled(values, activation=activation)
    opened: Activation = values["activation"]
    if not PostIncidentReview.objects.filter(activation=opened).exists():
        incident_review(activation=opened)
    return grant(
        **{
            "request": None,
            "person": opened.person,
            "role": opened.role,
            "scope": opened.scope,
            "pathway": Pathway.BREAK_GLASS,
            "opens_at": opened.opened_at,
            "minutes": opened.minutes,
            **values,
        }
    )

"""The emergency accounts and criteria that a policy describes, kept as rows while it is in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jitportal.models import Criterion, EmergencyAccount, PolicyVersion, Target
from jitportal.operations.row_changes import save_changed
from jitportal.rules.policy_document import CriterionRules, EmergencyAccountRules, PolicyDocument
from jitportal.rules.policy_lines import LineProblem


def conflicts(document: PolicyDocument) -> Iterable[LineProblem]:
    """What the history forbids: an emergency account never moves to another target."""
    for account in EmergencyAccount.objects.filter(key__in=document.accounts).select_related("target"):
        rules = document.accounts[account.key]
        if rules.target and rules.target != account.target.key:
            place = document.account_places[account.key]
            yield LineProblem(
                place.line,
                place.column,
                f"emergency_accounts.{account.key}.target",
                f"{account.key} has been an account on {account.target.key}, and an emergency account never "
                "moves. Give the new account another key.",
            )


def materialise(
    document: PolicyDocument, targets: Mapping[str, Target], version: PolicyVersion, now: datetime
) -> None:
    """Make the rows say what the document says. What it no longer names is retired, never deleted."""
    # Retired first: a login that one account gives up may be another's from now on.
    for row in EmergencyAccount.objects.offered().exclude(key__in=document.accounts):
        save_changed(row, retired_at=now)
    for criterion in Criterion.objects.offered().exclude(key__in=_usable(document)):
        save_changed(criterion, retired_at=now)
    for key, rules in document.accounts.items():
        _account(rules, targets[document.accounts[key].target], version, now)
    for key in _usable(document):
        _criterion(document.criteria[key], version)


def _usable(document: PolicyDocument) -> list[str]:
    """The criteria that break-glass lists, and that are described."""
    listed = document.break_glass.allowed_for if document.break_glass else ()
    return [key for key in listed if key in document.criteria]


def _account(rules: EmergencyAccountRules, target: Target, version: PolicyVersion, now: datetime) -> None:
    values: dict[str, Any] = {
        "name": rules.name,
        "login": rules.login,
        "reaches": rules.reaches,
        "custodians": list(rules.custodians),
        "credential_kind": rules.credential_kind,
        "credential_place": rules.credential_place,
        "rotate_every_days": rules.rotate_every_days,
        "drill_every_days": rules.drill_every_days,
        "policy_version": version,
        "retired_at": None,
    }
    row = EmergencyAccount.objects.filter(key=rules.key).first()
    if row is None:
        EmergencyAccount.objects.create(key=rules.key, target=target, created_at=now, **values)
    else:
        save_changed(row, **values)


def _criterion(rules: CriterionRules, version: PolicyVersion) -> None:
    values: dict[str, Any] = {
        "name": rules.name,
        "description": rules.description,
        "evidence": rules.evidence,
        "probe": _probe(rules),
        "policy_version": version,
        "retired_at": None,
    }
    row = Criterion.objects.filter(key=rules.key).first()
    if row is None:
        Criterion.objects.create(key=rules.key, **values)
    else:
        save_changed(row, **values)


def _probe(rules: CriterionRules) -> dict[str, Any]:
    """For the row, which names no secret's value either."""
    probe = rules.probe
    if probe is None:
        return {}
    return {
        "kind": str(probe.kind),
        "url": probe.url,
        "expect_status": probe.expect_status,
        "failures": probe.failures,
        "every_seconds": probe.every_seconds,
        "match": {name: list(values) for name, values in probe.match.items()},
        "token_secret": probe.token_secret,
    }

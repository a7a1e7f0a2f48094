"""The targets, roles and scopes that a policy describes, kept as rows while it is in force."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jitportal.models import Entitlement, Person, PolicyVersion, Role, RoleScope, Target, TargetHealth
from jitportal.operations import emergency_catalogue
from jitportal.operations.row_changes import save_changed
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import PolicyDocument
from jitportal.rules.policy_lines import LineProblem, Mark
from jitportal.rules.vocabulary import Pathway


def conflicts(document: PolicyDocument) -> Iterable[LineProblem]:
    """What the history forbids: a role never changes its pathway or its target, a target never its
    connector, and an emergency entitlement never becomes an ordinary one.
    """
    yield from _target_conflicts(document)
    yield from emergency_catalogue.conflicts(document)
    known = {role.key: role for role in Role.objects.select_related("target")}
    emergencies = _emergencies()
    for key, rules in document.roles.items():
        role = known.get(key)
        place = document.role_places[key]
        if role and role.pathway != rules.pathway:
            yield _problem(
                place,
                key,
                f"{key} has been on the {role.pathway} pathway, and a role never changes its pathway. "
                "Give the new role another key.",
            )
        if role and role.target.key != rules.target:
            yield _problem(
                place,
                key,
                f"{key} has been on target {role.target.key}, and a role never changes its target. "
                "Give the new role another key.",
            )
        yield from _emergency_conflicts(rules, emergencies, place)


def _target_conflicts(document: PolicyDocument) -> Iterable[LineProblem]:
    """Another connector would look for what the one before gave in another place, and not find it."""
    for target in Target.objects.filter(key__in=document.targets):
        if target.connector != document.targets[target.key].connector:
            place = document.target_places[target.key][""]
            sentence = (
                f"Target {target.key} has been reached by connector {target.connector}, and what was given "
                "there is taken away there. Give the new target another key."
            )
            yield LineProblem(place.line, place.column, f"targets.{target.key}.connector", sentence)


def _emergencies() -> dict[tuple[str, str], bool]:
    rows = Entitlement.objects.values_list("target__key", "name", "emergency")
    return {(target, name): emergency for target, name, emergency in rows}


def _problem(place: Mark, key: str, sentence: str) -> LineProblem:
    return LineProblem(place.line, place.column, f"roles.{key}", sentence)


def _emergency_conflicts(
    rules: RoleRules, emergencies: dict[tuple[str, str], bool], place: Mark
) -> Iterable[LineProblem]:
    emergency = rules.pathway is Pathway.BREAK_GLASS
    for scope in rules.scopes.values():
        if emergencies.get((rules.target, scope.entitlement), emergency) != emergency:
            yield _problem(
                place,
                rules.key,
                f"Entitlement {scope.entitlement} has served "
                f"{'another pathway' if emergency else 'break-glass'} on target {rules.target}, and the "
                "pathways never mix. Use another entitlement.",
            )


def materialise(document: PolicyDocument, version: PolicyVersion, now: datetime) -> None:
    """Make the rows say what the document says. What it no longer names is retired, never deleted."""
    targets = {key: _target(document, key) for key in document.targets}
    roles = {key: _role(rules, targets[rules.target], version) for key, rules in document.roles.items()}
    for role in Role.objects.offered().exclude(key__in=roles):
        save_changed(role, retired_at=now)
    for target in Target.objects.filter(retired_at__isnull=True).exclude(key__in=targets):
        save_changed(target, retired_at=now)
    for key, role in roles.items():
        _scopes(role, document.roles[key], now)
    emergency_catalogue.materialise(document, targets, version, now)


def _target(document: PolicyDocument, key: str) -> Target:
    rules = document.targets[key]
    values: dict[str, Any] = {
        "name": rules.name,
        "connector": rules.connector,
        "settings": dict(rules.settings),
        "accounts": dict(rules.accounts),
        "account_template": rules.account_template,
        "declared": sorted(rules.declared),
        "retired_at": None,
    }
    target = Target.objects.filter(key=key).first()
    if target is None:
        target = Target.objects.create(key=key, **values)
        TargetHealth.objects.create(target=target)
    else:
        save_changed(target, **values)
    return target


def _role(rules: RoleRules, target: Target, version: PolicyVersion) -> Role:
    values: dict[str, Any] = {
        "name": rules.name,
        "description": rules.description,
        "owner": Person.objects.filter(username=rules.owner).first(),
        "risk": rules.risk,
        "max_minutes": rules.max_minutes,
        "dynamic_login": rules.dynamic_login,
        "policy_version": version,
        "retired_at": None,
    }
    role = Role.objects.filter(key=rules.key).first()
    if role is None:
        return Role.objects.create(key=rules.key, pathway=rules.pathway, target=target, **values)
    save_changed(role, **values)
    return role


def _scopes(role: Role, rules: RoleRules, now: datetime) -> None:
    for scope in rules.scopes.values():
        entitlement, _ = Entitlement.objects.get_or_create(
            target=role.target,
            name=scope.entitlement,
            defaults={"emergency": rules.pathway is Pathway.BREAK_GLASS},
        )
        values: dict[str, Any] = {
            "name": scope.name,
            "entitlement": entitlement,
            "options": dict(scope.options),
            "retired_at": None,
        }
        row = RoleScope.objects.filter(role=role, key=scope.key).first()
        if row is None:
            RoleScope.objects.create(role=role, key=scope.key, **values)
        else:
            save_changed(row, **values)
    for row in role.scopes.filter(retired_at__isnull=True).exclude(key__in=rules.scopes):
        save_changed(row, retired_at=now)

"""Targets: the one place that looks a connector up; checks; and how access there ends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import F, QuerySet

from jitportal.audit.events import record
from jitportal.connectors import find
from jitportal.connectors.base import Connector, RoleOnTarget, TargetError, TargetSettings
from jitportal.models import Lease, Person, Role, RoleScope, Target, TargetHealth
from jitportal.operations import clock, readers
from jitportal.operations.facts import require
from jitportal.operations.health import note_check
from jitportal.operations.transaction import operation
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import Enforcement, EnforcementPlan, Health, LeaseOrder, Pathway

#: A policy may name only secrets whose variable begins so: its editors must not be able to have the
#: portal's own key sent to a host of their choice.
SECRET_PREFIX = "JITPORTAL_TARGET_"  # noqa: S105 - the beginning of a name
#: The worker asks each target how it is this often.
CHECK_EVERY = timedelta(seconds=30)


def connector_for(target: Target) -> Connector:
    """The connector of a target as the policy in force describes it.

    Raises ``TargetError`` (permanent) where the settings make none.
    """
    make = find(target.connector)
    if make is None:
        raise TargetError(f"There is no connector {target.connector}. Mend the policy.", permanent=True)
    return make(
        TargetSettings(
            key=target.key,
            values={str(key): str(value) for key, value in target.settings.items()},
            secrets=read_secret,
            reader=readers.reader_for(target),
            declared=frozenset(str(login) for login in target.declared),
        )
    )


def read_secret(name: str) -> str:
    """The operator's secret of that name, from the environment or from the file that it names.

    Raises ``TargetError`` (permanent), never with the secret in it.
    """
    if not name.startswith(SECRET_PREFIX):
        raise TargetError(f"Secrets of targets are named {SECRET_PREFIX}…: {name} isn't.", permanent=True)
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise TargetError(
                f"The file of {name} can't be read: {error.strerror}.", permanent=True
            ) from error
    value = os.environ.get(name)
    if value is None:
        raise TargetError(f"Set {name} (or {name}_FILE) for the portal's worker and web.", permanent=True)
    return value


def check(*, actor: Person, target: Target) -> TargetHealth:
    """Ask the target how it is, now. Raises ``NotAllowed``; a sick target is an answer, no error."""
    require(Verb.TARGET_CHECK, actor, target)
    health = _asked(target)
    with operation(actor):
        now = clock.now()
        row = note_check(target, health, now)
        said = "is well" if health.usable and not health.problems else "has problems"
        record(
            verb="target.checked",
            actor=actor,
            sentence=f"{actor} checked {target.name}: it {said}.",
            now=now,
            target=target,
            data={"problems": list(health.problems)},
        )
        return row


def unchecked(now: datetime) -> QuerySet[Target]:
    """The targets that haven't been checked for a while, the one checked longest ago first."""
    asked_lately = TargetHealth.objects.filter(checked_at__gt=now - CHECK_EVERY).values("target_id")
    waiting = Target.objects.filter(retired_at__isnull=True).exclude(pk__in=asked_lately)
    return waiting.order_by(F("health__checked_at").asc(nulls_first=True), "pk")


def check_quietly(target: Target) -> TargetHealth:
    """The worker's own round: kept as observation, with no event for each."""
    health = _asked(target)
    return note_check(target, health, clock.now())


def _asked(target: Target) -> Health:
    try:
        return connector_for(target).check(portal_now=clock.now)
    except TargetError as error:
        return Health(reachable=False, rights=False, expiry_armed=False, skew=None, problems=(str(error),))


def plan_for(role: Role, scope: RoleScope) -> EnforcementPlan:
    """Who ends this role's access, and the longest session that may outlive the end.

    What the target's settings promise, unless the last check found that it isn't so.
    """
    try:
        plan = connector_for(role.target).plan(
            RoleOnTarget(
                entitlement=scope.entitlement.name,
                pathway=Pathway(role.pathway),
                dynamic_login=role.dynamic_login,
                options=_flat(scope.options),
            )
        )
    except TargetError as error:
        return EnforcementPlan(Enforcement.PORTAL_ONLY, None, f"The target isn't set up: {error}")
    if plan.enforcement is Enforcement.TARGET_CUTS and _stands_still(role.target):
        return EnforcementPlan(
            Enforcement.PORTAL_ONLY,
            None,
            f"{role.target.name} should end access by itself, and doesn't now: what does it there stands "
            "still. Until it is mended the portal ends it, and if the portal is down at the end, the access "
            "lasts until it is back.",
        )
    return plan


def _stands_still(target: Target) -> bool:
    """Whether the target answered the last check, and its own expiry wasn't armed."""
    if target.connector == "portal":
        return False  # it is asked by the clock: nothing has to run there
    try:
        health = target.health
    except TargetHealth.DoesNotExist:
        return False
    return health.checked_at is not None and health.reachable and not health.expiry_armed


def instructions_for(lease: Lease) -> str:
    """How the holder connects, as the exact command."""
    try:
        return connector_for(lease.target).instructions(order_of(lease))
    except TargetError:
        return ""


def order_of(lease: Lease) -> LeaseOrder:
    """The lease as it stands, for a call that changes nothing about it."""
    return LeaseOrder(
        lease_id=lease.pk,
        handle=lease.handle,
        claim=lease.claim,
        account=lease.account,
        entitlement=lease.entitlement,
        until=lease.wanted_until,
        options=_flat(lease.options),
    )


def _flat(options: Mapping[str, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in options.items()}

"""Grants on a target in memory, and the worker's two lanes there."""

from __future__ import annotations

from jitportal.models import Grant, Lease, Target
from jitportal.operations import leases
from jitportal.operations.claims import GRANT, REMOVAL
from tests.operations import world


def door(who: str = "rita", minutes: int = 60) -> Grant:
    return world.live(who, "door", minutes=minutes)


def lease_of(grant: Grant) -> Lease:
    return Lease.objects.get(grants=grant)


def status(grant: Grant) -> str:
    return world.now_of(grant).status


def give(worker: str = "test") -> int:
    return leases.converge(target_id=rack().pk, lane=GRANT, worker=worker)


def remove(worker: str = "test") -> int:
    return leases.converge(target_id=rack().pk, lane=REMOVAL, worker=worker)


def rack() -> Target:
    return Target.objects.get(key="rack")

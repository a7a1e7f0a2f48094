"""The portal's own powers as a target: nothing is stored anywhere, grants are read by the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from jitportal.connectors.base import (
    RoleOnTarget,
    SettingProblem,
    TargetError,
    TargetSettings,
    UnusableSettings,
)
from jitportal.rules.vocabulary import (
    Enforcement,
    EnforcementPlan,
    Health,
    Holder,
    Holding,
    LeaseOrder,
    Power,
    Presence,
    Refusal,
    Secret,
)


@runtime_checkable
class GrantReader(Protocol):
    """What the portal hands in: which of its grants entitle now."""

    def entitles(self, lease_id: int) -> datetime | None:
        """Until when grants entitle to the lease; None: none does now."""
        ...

    def holders(self) -> list[Holder]:
        """Everybody who holds a power through a grant."""
        ...


class PortalConnector:
    """Every check of a power reads the grants by the clock, so that an end needs nobody to bring it about.

    No order changes anything here, so one that comes late does no harm, whatever its claim.
    """

    fences = True
    reveals = False

    def __init__(self, settings: TargetSettings) -> None:
        if not isinstance(settings.reader, GrantReader):
            raise TargetError("The portal target needs a reader of grants.", permanent=True)
        if settings.values:
            raise UnusableSettings(
                "The portal target has no settings.",
                [SettingProblem(key, "the portal target has no settings") for key in settings.values],
            )
        self._reader = settings.reader

    def grant(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return [_unknown_power(order) or self._holding(order) for order in orders]

    def revoke(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return list(self.observe(orders))

    def observe(self, orders: Sequence[LeaseOrder]) -> list[Holding]:
        return [self._holding(order) for order in orders]

    def holders(self) -> list[Holder] | None:
        return self._reader.holders()

    def check(self, *, portal_now: Callable[[], datetime]) -> Health:
        portal_now()
        return Health(reachable=True, rights=True, expiry_armed=True, skew=None)

    def plan(self, role: RoleOnTarget) -> EnforcementPlan:
        return EnforcementPlan(
            Enforcement.TARGET_CUTS,
            timedelta(0),
            f"The portal reads {role.entitlement} by the clock at every click: it ends at the very moment.",
        )

    def instructions(self, order: LeaseOrder) -> str:
        return ""

    def reveal(self, order: LeaseOrder) -> Secret:
        raise TargetError("The portal's own powers have no password.", permanent=True)

    def _holding(self, order: LeaseOrder) -> Holding:
        until = self._reader.entitles(order.lease_id)
        if until is None:
            return Holding(order.handle, Presence.ABSENT, detail="No grant entitles to it.")
        return Holding(order.handle, Presence.PRESENT, until, detail="A grant entitles to it.")


def _unknown_power(order: LeaseOrder) -> Refusal | None:
    if order.entitlement in set(Power):
        return None
    powers = ", ".join(Power)
    return Refusal(
        order.handle,
        f"The portal has no power “{order.entitlement}”: mend the role in the policy. There are {powers}.",
        permanent=True,
    )

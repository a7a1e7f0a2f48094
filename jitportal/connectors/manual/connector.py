"""A person carries it out on the target and confirms; the portal asks, waits, and is honest about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from jitportal.connectors.base import (
    RoleOnTarget,
    SettingProblem,
    Superseded,
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
    Presence,
    Refusal,
    Secret,
)


@runtime_checkable
class Confirmations(Protocol):
    """What the portal hands in: the work it asks of people, and what they confirmed."""

    def ask(self, order: LeaseOrder, *, wanted: bool) -> Presence:
        """Have it done, if that hasn't been asked yet; what a person has confirmed so far.

        Raises Superseded, and asks for nothing, when a higher claim has asked for this lease before.
        """
        ...

    def observe(self, order: LeaseOrder) -> Presence:
        """What a person has confirmed so far, asking for nothing."""
        ...


class ManualConnector:
    """Nothing ends here unless a person ends it, so the badge says: portal only."""

    fences = True
    reveals = False

    def __init__(self, settings: TargetSettings) -> None:
        if not isinstance(settings.reader, Confirmations):
            raise TargetError("A manual target needs the portal's list of work.", permanent=True)
        unknown = sorted(set(settings.values) - {"instructions", "carriers"})
        if unknown:
            raise UnusableSettings(
                f"A manual target has no setting {', '.join(unknown)}.",
                [
                    SettingProblem(key, f"unknown setting “{key}”; known are carriers, instructions")
                    for key in unknown
                ],
            )
        self._work = settings.reader
        self._instructions = settings.values.get("instructions", "")

    def grant(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return [self._asked(order, wanted=True) for order in orders]

    def revoke(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return [self._asked(order, wanted=False) for order in orders]

    def observe(self, orders: Sequence[LeaseOrder]) -> list[Holding]:
        return [self._holding(order, self._work.observe(order)) for order in orders]

    def holders(self) -> list[Holder] | None:
        return None

    def check(self, *, portal_now: Callable[[], datetime]) -> Health:
        portal_now()
        return Health(reachable=True, rights=True, expiry_armed=False, skew=None)

    def plan(self, role: RoleOnTarget) -> EnforcementPlan:
        return EnforcementPlan(
            Enforcement.PORTAL_ONLY,
            None,
            f"A person gives {role.entitlement} and takes it away again. "
            "It lasts until they do: the target ends nothing by itself.",
        )

    def instructions(self, order: LeaseOrder) -> str:
        return self._instructions

    def reveal(self, order: LeaseOrder) -> Secret:
        raise TargetError("A manual target has no password to show.", permanent=True)

    def _asked(self, order: LeaseOrder, *, wanted: bool) -> Holding | Refusal:
        try:
            return self._holding(order, self._work.ask(order, wanted=wanted))
        except Superseded as late:
            return Refusal(order.handle, str(late), superseded=True)

    def _holding(self, order: LeaseOrder, presence: Presence) -> Holding:
        details = {
            Presence.WAITING: "Waiting for a person to carry it out and confirm.",
            Presence.PRESENT: "A person has confirmed that it was given.",
            Presence.ABSENT: "A person took it away, or nobody ever gave it.",
        }
        return Holding(order.handle, presence, detail=details.get(presence, ""))

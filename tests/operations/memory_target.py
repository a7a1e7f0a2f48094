"""A target in memory that keeps the connectors' contract, and fails and stalls when it is told to.

Real servers are in ``tests/connectors`` and ``tests/proofs``; this one is for what they can't be made to do
at will, thousands of times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

import pytest

from jitportal.connectors import find
from jitportal.connectors.base import Connector, RoleOnTarget, TargetError, TargetSettings, Unreachable
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
from tests.operations import world

#: The policy of the small portal with this target in the place of its rack.
POLICY = world.changed(
    (
        "      connector: manual\n      settings: {carriers: carl}\n",
        "      connector: postgres\n      settings: {host: memory.example}\n",
    )
)
UNKNOWN_ENTITLEMENT = "no such thing"


class Fault(Enum):
    """What goes wrong with one call."""

    UNREACHABLE = "it never arrives"
    ANSWER_LOST = "it is carried out, and the answer is lost"
    REFUSED = "each order is refused for now"
    REFUSED_FOR_GOOD = "each order is refused"
    BROKEN = "the connector has a bug"


@dataclass
class Held:
    """What the target holds for one handle."""

    account: str
    entitlement: str
    until: datetime | None
    sessions: int = 0


@dataclass
class MemoryTarget:
    """The target itself. ``log`` is every order that reached it: what was done, the handle, the claim."""

    fences: bool = True
    held: dict[str, Held] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    log: list[tuple[str, str, int]] = field(default_factory=list)
    faults: deque[Fault | Callable[[], None]] = field(default_factory=deque)
    #: Sessions that a revoke doesn't cut at once.
    stubborn: int = 0
    skew: timedelta = timedelta()
    checks: int = 0

    def who_holds(self) -> dict[str, datetime | None]:
        """Each account that holds something, and until when."""
        return {held.account: held.until for held in self.held.values()}

    def log_in(self, account: str) -> None:
        for held in self.held.values():
            held.sessions += held.account == account


class MemoryConnector:
    reveals = False

    def __init__(self, target: MemoryTarget) -> None:
        self._target = target
        self.fences = target.fences

    def grant(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return self._call("grant", orders, self._give)

    def revoke(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return self._call("revoke", orders, self._take)

    def observe(self, orders: Sequence[LeaseOrder]) -> list[Holding]:
        answers = self._call("observe", orders, self._see)
        return [answer for answer in answers if isinstance(answer, Holding)]

    def holders(self) -> list[Holder] | None:
        return [
            Holder(held.account, held.entitlement, held.until, handle)
            for handle, held in self._target.held.items()
            if held.until is not None
        ]

    def check(self, *, portal_now: Callable[[], datetime]) -> Health:
        portal_now()
        self._target.checks += 1
        return Health(reachable=True, rights=True, expiry_armed=False, skew=self._target.skew)

    def plan(self, role: RoleOnTarget) -> EnforcementPlan:
        return EnforcementPlan(Enforcement.PORTAL_ONLY, None, f"Only the portal ends {role.entitlement}.")

    def instructions(self, order: LeaseOrder) -> str:
        return f"log in as {order.account}"

    def reveal(self, order: LeaseOrder) -> Secret:
        raise TargetError(f"There is no password for {order.account}.", permanent=True)

    def _call(
        self,
        what: str,
        orders: Sequence[LeaseOrder],
        act: Callable[[LeaseOrder], Holding | Refusal],
    ) -> list[Holding | Refusal]:
        fault = self._target.faults.popleft() if self._target.faults else None
        if callable(fault):
            fault()
        if fault is Fault.UNREACHABLE:
            raise Unreachable("The target gives no answer.")
        if fault is Fault.BROKEN:
            raise RuntimeError("A bug in the connector.")
        if fault in (Fault.REFUSED, Fault.REFUSED_FOR_GOOD) and what != "observe":
            permanent = fault is Fault.REFUSED_FOR_GOOD
            return [Refusal(order.handle, "The target is busy.", permanent=permanent) for order in orders]
        answers = [self._fenced(what, order, act) for order in orders]
        if fault is Fault.ANSWER_LOST:
            raise Unreachable("The target's answer was lost.")
        return answers

    def _fenced(
        self, what: str, order: LeaseOrder, act: Callable[[LeaseOrder], Holding | Refusal]
    ) -> Holding | Refusal:
        target = self._target
        if what != "observe":
            if target.fences and order.claim < target.claims.get(order.handle, 0):
                return Refusal(order.handle, "A later order was here before.", superseded=True)
            target.claims[order.handle] = max(order.claim, target.claims.get(order.handle, 0))
            target.log.append((what, order.handle, order.claim))
        return act(order)

    def _give(self, order: LeaseOrder) -> Holding | Refusal:
        if order.entitlement == UNKNOWN_ENTITLEMENT:
            return Refusal(order.handle, "There is no such thing here.", permanent=True)
        known = self._target.held.get(order.handle)
        sessions = known.sessions if known else 0
        self._target.held[order.handle] = Held(order.account, order.entitlement, order.until, sessions)
        return self._see(order)

    def _take(self, order: LeaseOrder) -> Holding | Refusal:
        known = self._target.held.get(order.handle)
        if known is not None:
            left = min(known.sessions, self._target.stubborn)
            if left:
                self._target.held[order.handle] = replace(known, until=None, sessions=left)
            else:
                del self._target.held[order.handle]
        return self._see(order)

    def _see(self, order: LeaseOrder) -> Holding:
        known = self._target.held.get(order.handle)
        if known is None:
            return Holding(order.handle, Presence.ABSENT, detail="Nothing is held.")
        if known.until is None:
            return Holding(order.handle, Presence.ABSENT, None, known.sessions, "Sessions are left.")
        return Holding(order.handle, Presence.PRESENT, known.until, known.sessions, "It is held.")


def put_in(patch: pytest.MonkeyPatch, target: Callable[[], MemoryTarget]) -> None:
    """Let every PostgreSQL target of the policy be this one."""

    def find_this(name: str) -> Callable[[TargetSettings], Connector] | None:
        return (lambda _settings: MemoryConnector(target())) if name == "postgres" else find(name)

    patch.setattr("jitportal.operations.targets.find", find_this)

"""What every connector can do. A connector is a folder beside this file that can be deleted.

Rules for all of them, proved by one contract suite (``tests/connectors/contract.py``):

- ``grant`` is an upsert on the order's handle; granting again moves the end.
- ``revoke`` counts absent as success. It ends authority, commits, and only then ends sessions.
- An order whose ``claim`` is lower than one already seen for its handle is refused where ``fences``
  is true: with a ``Refusal`` whose ``superseded`` is true, so that it spoils no other order of the
  batch; by ``reveal``, with ``Superseded``.
- Every call has its own time-outs, and returns or raises within ``CALL_SECONDS``; the portal's
  claim on a lease lasts longer (see ``operations.leases``).
- Nothing is kept in the portal's database, and no secret is returned but by ``reveal``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from jitportal.rules.vocabulary import (
    CertificateOrder,
    EnforcementPlan,
    Health,
    Holder,
    Holding,
    LeaseOrder,
    LoggedPart,
    LoggedSignIns,
    Pathway,
    Refusal,
    Secret,
)

#: The longest that one connector call may take, in seconds.
CALL_SECONDS = 10.0


class TargetError(Exception):
    """The target could not do it. ``permanent``: trying again without a change is pointless."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """What is wrong with one setting (empty: with none in particular), as a clause without a full stop."""

    setting: str
    clause: str


class UnusableSettings(TargetError):
    """What the policy says of the target makes no connector; ``problems`` is everything that is wrong."""

    def __init__(self, message: str, problems: Sequence[SettingProblem]) -> None:
        super().__init__(message, permanent=True)
        self.problems = tuple(problems)


class Unreachable(TargetError):
    """No answer from the target: the connection failed, or a time-out ran out."""


class Superseded(TargetError):
    """The target has already seen a higher claim for this lease: a stalled worker woke up late."""


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """What a connector is built from: the target's key, and what the policy says of it.

    ``secrets`` reads a secret by the name that the settings give it (an environment variable or a
    file of the operator's); it raises ``TargetError`` where there is none. ``reader`` is what the
    portal hands to connectors that ask the portal itself: see ``connectors.portal`` and
    ``connectors.manual``.
    """

    key: str
    values: Mapping[str, str]
    secrets: Callable[[str], str]
    reader: object | None = None
    declared: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class RoleOnTarget:
    """What a connector needs to know of a role to say how its access ends."""

    entitlement: str
    pathway: Pathway
    dynamic_login: bool
    options: Mapping[str, str] = field(default_factory=dict)


class Connector(Protocol):
    """One target, reached in one way.

    It is made from ``TargetSettings`` without calling the target and without reading a secret, or
    raises ``UnusableSettings``: that is how a policy is checked before it is in force.
    """

    #: Whether the target itself refuses an order with an old claim.
    fences: bool
    #: Whether ``reveal`` can set a credential for a dynamic login.
    reveals: bool

    def grant(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        """Give, or move the end of, each order; one answer for each, in order.

        Raises ``Unreachable`` when the target can't be asked at all.
        """
        ...

    def revoke(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        """Take each away and cut its open sessions; absent is success. Answers as ``grant``."""
        ...

    def observe(self, orders: Sequence[LeaseOrder]) -> list[Holding]:
        """Ask the target what it holds for each order, changing nothing."""
        ...

    def holders(self) -> list[Holder] | None:
        """Everybody who holds a managed entitlement on the target; None: it can't say."""
        ...

    def check(self, *, portal_now: Callable[[], datetime]) -> Health:
        """Reachability, rights, clock and whether expiry is armed. Never raises."""
        ...

    def plan(self, role: RoleOnTarget) -> EnforcementPlan:
        """How access to this role would end, from the settings alone, without asking the target."""
        ...

    def instructions(self, order: LeaseOrder) -> str:
        """How the holder connects, as the exact command to copy; may be empty."""
        ...

    def reveal(self, order: LeaseOrder) -> Secret:
        """Set a fresh credential on the target and return it, once.

        Raises ``TargetError`` where there is nothing to reveal.
        """
        ...


@runtime_checkable
class Certifying(Protocol):
    """A connector whose holders bring a key of their own, and get a certificate for it.

    Certificates can't be taken back, only revoked: those who look at them fetch the list.
    """

    def certify(self, order: CertificateOrder) -> str:
        """The certificate as text. Raises ``TargetError``."""
        ...

    def authority_line(self) -> str:
        """The public key that the target is to trust."""
        ...

    def revocation_list(self, serials: Sequence[int], *, number: int, made_at: datetime) -> bytes:
        """The list of what was revoked before its end, as the target reads it."""
        ...


@runtime_checkable
class LogsSignIns(Protocol):
    """A connector whose target logs who signs in, and lets the portal read that."""

    def sign_ins(
        self, logins: Sequence[str], since: datetime, position: Mapping[str, object]
    ) -> LoggedSignIns:
        """The sign-ins of these logins from the position on; an empty one: from the files of ``since``.

        Raises ``TargetError`` where there is no log to be read.
        """
        ...


@runtime_checkable
class LogsStatements(Protocol):
    """A connector whose target logs what a recorded login does, and lets the portal read that."""

    def statements(self, order: LeaseOrder, since: datetime, position: Mapping[str, object]) -> LoggedPart:
        """What was logged from the position on; an empty one: from the lease's beginning.

        Raises ``TargetError`` where there is no log to be read.
        """
        ...

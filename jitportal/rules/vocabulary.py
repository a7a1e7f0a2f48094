"""The words of the product as enums, and the plain data that connectors take and give.

No Django, no clock, no input or output. The enums' values are what the database stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

#: The scope of a role that has no narrower parts. Scope is never null.
WHOLE_TARGET = "all"


class Pathway(StrEnum):
    """How elevation is obtained. A role is on exactly one."""

    TEMPORARY = "temporary"
    JIT = "jit"
    BREAK_GLASS = "break_glass"


class RequestStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    SENT_BACK = "sent_back"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class GrantStatus(StrEnum):
    READY = "ready"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    REMOVING = "removing"
    ENDED = "ended"


class EndReason(StrEnum):
    """Why a grant ended."""

    EXPIRED = "expired"
    HANDED_BACK = "handed_back"
    REVOKED = "revoked"
    UNUSED = "unused"
    FAILED = "failed"
    EXTENDED = "extended"  # another activation of break-glass goes on from it
    GAVE_WAY = "gave_way"  # a drill whose account an emergency needed


class ActivationStatus(StrEnum):
    """One use of break-glass: in force, being taken away, verified gone."""

    OPEN = "open"
    ENDING = "ending"
    ENDED = "ended"


class ProbeSays(StrEnum):
    """What a criterion's probe says of it at one moment."""

    AGREES = "agrees"  # what the criterion is about is there: the provider is down, the incident is open
    DISAGREES = "disagrees"
    UNKNOWN = "unknown"  # the probe has not looked, not lately, or could not
    NO_PROBE = "no_probe"  # the criterion has none, so people alone judge it


class AlertCause(StrEnum):
    """Why somebody is alerted of an activation."""

    SECURITY_CONTACT = "security_contact"
    ROLE_OWNER = "role_owner"
    WOULD_DECIDE = "would_decide"  # would have approved the same, had it been asked for
    CUSTODIAN = "custodian"  # where the criterion's probe disagrees, these too
    ADMINISTRATOR = "administrator"


class ReviewStatus(StrEnum):
    """The steps of a review; the short after-use review has the first two and the last alone."""

    STATEMENT = "statement"
    DETERMINATION = "determination"
    RETURNED = "returned"
    REMEDIATION = "remediation"
    SECOND_SIGNOFF = "second_signoff"
    CLOSED = "closed"


class Verdict(StrEnum):
    APPROVE = "approve"
    DENY = "deny"
    SEND_BACK = "send_back"


class VerdictOutcome(StrEnum):
    """What came of one verdict of a submission."""

    WAITING = "waiting"
    STANDS = "stands"
    REFUSED = "refused"


class Decider(StrEnum):
    """Who decides a stage."""

    MANAGER = "manager"
    ROLE_OWNER = "role_owner"
    TEAM = "team"
    SYSTEM = "system"


class StartMode(StrEnum):
    """When a grant's clock starts."""

    AT_ONCE = "at_once"  # on the last approval
    SCHEDULED = "scheduled"  # at a time
    ON_CLICK = "on_click"  # by the holder's own click inside the window
    RENEWAL = "renewal"  # at the end of the grant that it goes on from


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Enforcement(StrEnum):
    """Who ends access on the target."""

    TARGET_CUTS = "target_cuts"  # the target ends access and open sessions by itself
    TARGET_REFUSES = "target_refuses"  # no new use after the end; open sessions need the portal
    PORTAL_ONLY = "portal_only"  # nothing ends unless the portal (or a person) ends it


class Power(StrEnum):
    """The portal's own privileges: entitlements of the ``portal`` target, elevated like any other."""

    AUDITOR = "auditor"  # reads everything: the record, Django's admin
    POLICY_EDITOR = "policy_editor"  # proposes, approves and applies policy
    OPERATOR = "operator"  # targets and problems: retries, checks
    ADMINISTRATOR = "administrator"  # people and teams; revokes anybody's grant


class PolicyStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


class Presence(StrEnum):
    """What a target was last seen to hold of a lease."""

    UNKNOWN = "unknown"  # never asked, or a call ended without an answer
    ABSENT = "absent"
    PRESENT = "present"
    WAITING = "waiting"  # a person has yet to carry it out


class RecordingKind(StrEnum):
    """How a recording is written."""

    ASCIICAST_V2 = "asciicast_v2"
    ASCIICAST_V3 = "asciicast_v3"
    PLAIN = "plain"  # lines of text
    STATEMENTS = "statements"  # one JSON object a line: a statement, and when


class RecordingState(StrEnum):
    RECEIVING = "receiving"
    COMPLETE = "complete"
    TRUNCATED = "truncated"  # its end never came, or isn't what its source says


@dataclass(frozen=True, slots=True)
class LeaseOrder:
    """What a connector is told about one lease.

    ``handle`` is derived from the lease's id and stored before the connector is called, so that
    a crash after the grant can still be undone. ``claim`` rises with every attempt on the lease: a
    target that can must refuse an order whose claim is lower than one it has seen.
    """

    lease_id: int
    handle: str
    claim: int
    account: str
    entitlement: str
    until: datetime | None  # the end that the target is to hold; None: the lease isn't wanted
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holding:
    """What the target holds for one lease, as the target itself says."""

    handle: str
    presence: Presence
    until: datetime | None = None  # the end as the target holds it; None: it holds none
    open_sessions: int = 0
    detail: str = ""  # the exact state on the target, in words


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one lease of several could not be carried out.

    ``permanent``: trying again without a change is pointless. ``superseded``: the target has seen a
    higher claim, so whoever asked holds the lease no longer, and leaves it alone.
    """

    handle: str
    message: str
    permanent: bool = False
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds an entitlement on the target, with or without a lease behind it."""

    account: str
    entitlement: str
    until: datetime | None = None
    handle: str | None = None  # None: the target knows no lease for it
    declared: bool = False  # the portal's own login and the like: no drift


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session on the target now. ``process``: the target's own number for it, which it gives anew later;
    ``since`` and ``address`` where the target tells them.
    """

    login: str
    process: str
    since: datetime | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedSignIn:
    """A sign-in as the target logged it. ``session``: what its log knows it by; ``process`` as above."""

    login: str
    process: str
    at: datetime
    session: str
    address: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LoggedSignIns:
    """A part of a target's log of sign-ins. ``lost``: something before or within it could not be read."""

    sign_ins: tuple[LoggedSignIn, ...]
    position: Mapping[str, object]  # where to go on
    more: bool
    lost: bool


@dataclass(frozen=True, slots=True)
class Health:
    """What ``check`` found out about a target."""

    reachable: bool
    rights: bool  # the portal can grant and revoke there
    expiry_armed: bool  # the target's own sweep runs
    skew: timedelta | None  # target's clock less the portal's; None: it has no clock to ask
    problems: tuple[str, ...] = ()  # sentences: what is wrong, what to do

    @property
    def usable(self) -> bool:
        return self.reachable and self.rights and not self.skewed

    @property
    def skewed(self) -> bool:
        return self.skew is not None and abs(self.skew) > MAX_SKEW


#: A target whose clock is further from the portal's than this is refused.
MAX_SKEW = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential that is shown once to its holder and stored nowhere."""

    login: str
    password: str = field(repr=False)
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """What a connector is told about one certificate. Nothing in it, nor in what comes of it, is secret."""

    lease: LeaseOrder
    serial: int
    key_id: str
    public_key: str  # the holder's own, in OpenSSH's format
    valid_after: datetime
    valid_before: datetime


@dataclass(frozen=True, slots=True)
class LoggedStatement:
    """One statement of a recorded session, as its server logged it; ``at`` None: its log's time "
    "can't be read."""

    at: datetime | None
    text: str
    session: str
    database: str


@dataclass(frozen=True, slots=True)
class LoggedPart:
    """A part of a server's log. ``lost``: something before or within it could not be read."""

    statements: tuple[LoggedStatement, ...]
    position: Mapping[str, object]  # where to go on
    more: bool
    lost: bool


@dataclass(frozen=True, slots=True)
class EnforcementPlan:
    """Who ends a role's access on its target, and what may outlive the end, for the page."""

    enforcement: Enforcement
    longest_residual: timedelta | None  # None: no bound that the target itself keeps
    explanation: str

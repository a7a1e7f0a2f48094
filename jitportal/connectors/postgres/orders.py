"""Orders as the server's functions take them, and what the server answers as the portal's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jitportal.connectors.postgres.settings import LONGEST_NAME, is_name
from jitportal.rules.vocabulary import Holding, LeaseOrder, Presence, Refusal

DYNAMIC = "dynamic"
STANDING = "standing"
#: The option ``session`` of a role whose use is recorded: its login's statements go to the server's log.
RECORDED = "recorded"


def is_dynamic(options: Mapping[str, str]) -> bool:
    return options.get("login") == DYNAMIC


def malformed(order: LeaseOrder) -> Refusal | None:
    """Refuse what PostgreSQL would cut off or can't store, before it spoils the batch."""
    for what, name in (("account", order.account), ("role", order.entitlement), ("handle", order.handle)):
        if not is_name(name):
            shown = name[:80].encode("ascii", "backslashreplace").decode()
            return Refusal(
                order.handle,
                f"The {what} “{shown}” can't be a name in PostgreSQL: 1 to {LONGEST_NAME} bytes of text.",
                permanent=True,
            )
    return None


def as_json(orders: Sequence[LeaseOrder]) -> str:
    return json.dumps(
        [
            {
                "handle": order.handle,
                "claim": order.claim,
                "account": order.account,
                "role": order.entitlement,
                "until": order.until.isoformat() if order.until else None,
                "dynamic": is_dynamic(order.options),
                "logged": is_dynamic(order.options) and order.options.get("session") == RECORDED,
            }
            for order in orders
        ]
    )


def refusal(handle: str, outcome: str, message: str | None) -> Refusal | None:
    """What the server refused, or None where it carried the order out."""
    match outcome:
        case "done":
            return None
        case "superseded":
            return Refusal(
                handle,
                "The server has seen a later order for this lease: this one comes too late. If it goes on, "
                "the portal's database was restored from a backup: see docs/targets-postgres.md.",
                superseded=True,
            )
        case "busy":
            return Refusal(
                handle, "The server was busy with this role or lease, and did nothing yet: it is tried again."
            )
        case "refused":
            return Refusal(handle, message or "The server refused it.", permanent=True)
        case _:
            return Refusal(handle, f"The server could not carry it out: {message}.")


@dataclass(frozen=True, slots=True)
class Observed:
    """One row of ``jit.observe``."""

    handle: str
    state: str
    expires_at: datetime | None
    open_sessions: int
    problem: str | None


def holding(order: LeaseOrder, seen: Observed | None) -> Holding:
    """What the server holds for the order, in words."""
    if seen is None:
        return Holding(
            order.handle,
            Presence.UNKNOWN,
            detail="The server doesn't know this handle as one of this portal's: JITPORTAL_INSTANCE and "
            "the prefix of install.sql must agree.",
        )
    presence, sentence = _meaning(order, seen)
    detail = " ".join(part for part in (sentence, seen.problem, _sessions(presence, seen)) if part)
    until = seen.expires_at if presence is Presence.PRESENT else None
    return Holding(order.handle, presence, until, seen.open_sessions, detail)


def after_removal(order: LeaseOrder, seen: Observed | None) -> Holding | Refusal:
    """What is there after a removal: a standing grant is nothing that trying again would take away."""
    held = holding(order, seen)
    if seen is not None and seen.state == STANDING:
        return Refusal(order.handle, held.detail, permanent=True)
    return held


def _meaning(order: LeaseOrder, seen: Observed) -> tuple[Presence, str]:
    account, role = order.account, order.entitlement
    end = f" until {seen.expires_at:%Y-%m-%d %H:%M:%S} UTC" if seen.expires_at else ""
    match seen.state:
        case "member":
            return Presence.PRESENT, f"{account} is a member of {role}{end}."
        case "standing":
            return Presence.PRESENT, (
                f"{account} holds {role} by a standing grant that no lease is behind, and that the portal "
                f"does not touch: whoever gave it takes it back with REVOKE."
            )
        case "login":
            return Presence.PRESENT, f"{account} can log in{end}, but holds no role."
        case "covered":
            return Presence.ABSENT, f"This lease has ended; another one still gives {account} {role}."
        case "husk":
            return Presence.ABSENT, f"{account} holds no role and can't log in."
        case _:
            return Presence.ABSENT, f"{account} is no member of {role}."


def _sessions(presence: Presence, seen: Observed) -> str:
    if presence is Presence.PRESENT or not seen.open_sessions:
        return ""
    count = "1 session" if seen.open_sessions == 1 else f"{seen.open_sessions} sessions"
    return f"{count} from before the end could not be cut yet."

"""Step-up: a fresh second factor for one act. What a proof is bound to, and what makes it count.

A proof is bound to the digest of what is decided: who decides, which act, and about what. A passkey signs a
challenge that is made of that digest, so that whoever has the proof can verify it again, without the portal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from jitportal.rules.canonical import Plain, digest

#: So long after it was asked for, a proof counts; and so long a proof that was given may wait for its act.
FRESH = timedelta(minutes=5)


class Act(StrEnum):
    """What takes a second factor."""

    SIGN_IN = "sign_in"
    FACTORS = "factors.change"
    APPROVE = "request.approve"
    START = "grant.start"
    CONNECT = "grant.connect"
    DELEGATE = "delegation.make"
    RESET = "factors.reset"
    POLICY = "policy.apply"
    REVOKE_SEVERAL = "grants.revoke"
    BREAK_GLASS = "break_glass"
    SIGN_REVIEW = "review.sign"


#: As the page says it: "Confirm ... with your second factor."
WORDS: Mapping[Act, str] = {
    Act.SIGN_IN: "signing in",
    Act.FACTORS: "a change of your second factors",
    Act.APPROVE: "the approval of a role of high risk",
    Act.START: "the start of a role of high risk",
    Act.CONNECT: "a new way into a role of high risk",
    Act.DELEGATE: "a delegation",
    Act.RESET: "the reset of somebody else's second factors",
    Act.POLICY: "bringing a policy into force",
    Act.REVOKE_SEVERAL: "revoking several grants at once",
    Act.BREAK_GLASS: "emergency access",
    Act.SIGN_REVIEW: "the sign-off of a review",
}


class Method(StrEnum):
    """What was shown."""

    PASSKEY = "passkey"
    CODE = "code"
    RECOVERY_CODE = "recovery_code"
    PROVIDER = "provider"
    #: For the first factor of who has no other way, and for nothing else.
    PASSWORD = "password"  # noqa: S105 - a kind, and no secret


def quoted(text: str) -> str:
    """What somebody typed, as a confirmation shows it: in one line, so that it never looks like another."""
    said = " ".join(text.split())
    return f"\u201c{said}\u201d" if said else "nothing"


def decision_digest(person: str, act: Act, about: Mapping[str, Plain]) -> str:
    """The hash of what is decided, and by whom."""
    return digest({"act": str(act), "person": person, "about": dict(about)})


def challenge(nonce: str, decided: str) -> bytes:
    """What a passkey signs: made of a number that is used once and of the digest of what is decided."""
    return hashlib.sha256(f"jitportal.step-up:{nonce}:{decided}".encode()).digest()


def stale(asked_at: datetime, now: datetime) -> bool:
    """Whether a proof that was asked for then counts no more. One from the future never counts."""
    return not timedelta() <= now - asked_at <= FRESH

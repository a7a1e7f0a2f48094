"""What people are told, by topic: which of it they may choose away, and what can't wait."""

from __future__ import annotations

from enum import StrEnum

#: The way that everybody has. Other ways are the operator's chat channels, by name.
MAIL = "mail"
TO_DECIDE = "request.to_decide"
REMINDER = "request.reminder"
ESCALATED = "request.escalated"
#: What asks for a decision: not sent any more once somebody has decided.
ASKS = (TO_DECIDE, REMINDER, ESCALATED)
LATE_REMOVAL = "removal.late"


class Topic(StrEnum):
    """What a notice is about, as people choose by."""

    ASKS = "asks"
    HANDLED = "handled"
    OWN = "own"
    REVIEWS = "reviews"
    WORK = "work"
    LATE = "late"
    EMERGENCY = "emergency"
    ACCOUNT = "account"  # who could sign in as one: nobody chooses that away
    ROOM = "room"  # what the policy tells a team's channel: nobody chooses it


class Pace(StrEnum):
    """When a notice goes out."""

    AT_ONCE = "at_once"
    HOURLY = "hourly"
    DAILY = "daily"


#: Those who have to act would be missed, so these reach everybody in some way.
NEEDED = frozenset({Topic.ASKS, Topic.REVIEWS, Topic.WORK, Topic.LATE, Topic.EMERGENCY, Topic.ACCOUNT})
#: Access that should be gone and isn't, and emergencies, wait for no digest, and for no other message.
URGENT = frozenset({Topic.LATE, Topic.EMERGENCY})
#: What somebody is woken for. It stands first in whatever it is sent with, and in its subject.
ALARMS = frozenset({"emergency.opened", "emergency.unacknowledged", "review.orphan"})

_BY_BEGINNING = {
    "request.handled": Topic.HANDLED,
    "request.": Topic.OWN,
    "grant.": Topic.OWN,
    "review.orphan": Topic.EMERGENCY,  # a sign-in that nobody announced may be going on
    "review": Topic.REVIEWS,
    "manual_task": Topic.WORK,
    "delegation.": Topic.WORK,
    "webhook.": Topic.WORK,
    LATE_REMOVAL: Topic.LATE,
    "emergency.": Topic.EMERGENCY,
    "sign_in.": Topic.EMERGENCY,
    "factor.": Topic.ACCOUNT,
    "room.": Topic.ROOM,
}


def topic_of(kind: str) -> Topic:
    """The topic of a kind of notice. Raises ``ValueError`` for a kind that belongs to none."""
    if kind in ASKS:
        return Topic.ASKS
    for beginning, topic in _BY_BEGINNING.items():
        if kind.startswith(beginning):
            return topic
    raise ValueError(f"{kind!r} is no kind of notice. Give it a topic in rules.notices.")


def rank_of(kind: str) -> int:
    """Where it stands among others in one message: alarms first, then what else is urgent."""
    if kind in ALARMS:
        return 0
    return 1 if topic_of(kind) in URGENT else 2

"""What goes out as one message: the notices that are due to one recipient in one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from jitportal.models import Notice, Person
from jitportal.operations.notice_details import Detail, one_line, read
from jitportal.rules.notices import ASKS, Topic, rank_of, topic_of

#: More than this in one message are counted, and no longer listed in full.
MOST_IN_FULL = 20

_BECAUSE = {
    Topic.ASKS: "You get this because you can decide on it, or are told when it waits for long.",
    Topic.HANDLED: "You get this because you were asked to decide on it.",
    Topic.OWN: "You get this because it is your own request or access.",
    Topic.REVIEWS: "You get this because you take part in this review.",
    Topic.WORK: "You get this because you carry this work out.",
    Topic.LATE: "You get this because you operate this portal or own the role.",
    Topic.EMERGENCY: "You get this because you must hear of emergency access at once.",
    Topic.ACCOUNT: "You get this because it is about who can sign in as you.",
    Topic.ROOM: "This channel gets this because the policy says so.",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """One or several notices to one recipient; ``recipient`` None: a team's channel."""

    recipient: Person | None
    notices: Sequence[Notice]

    @property
    def told(self) -> list[Notice]:
        """The notices, what is urgent first; where one request is asked about several times, the last time
        alone.
        """
        last: dict[int | None, Notice] = {
            notice.request_id: notice for notice in self.notices if notice.request_id and notice.kind in ASKS
        }
        told = [
            notice
            for notice in self.notices
            if notice.kind not in ASKS or last.get(notice.request_id) is notice
        ]
        return sorted(told, key=lambda notice: rank_of(notice.kind))

    @property
    def subject(self) -> str:
        first, *others = self.told
        subject = one_line(first.subject)
        return one_line(f"{subject[:150]}, and {len(others)} more") if others else subject

    @property
    def because(self) -> list[str]:
        """Why it was sent to this recipient, each reason once."""
        return list(dict.fromkeys(_BECAUSE[topic_of(notice.kind)] for notice in self.notices))

    @property
    def in_full(self) -> Sequence[Notice]:
        return self.told[:MOST_IN_FULL]

    @property
    def left_out(self) -> int:
        return len(self.told) - len(self.in_full)


def address_of(notice: Notice) -> str:
    """The page that the notice links to: one to read, for no link decides anything."""
    return f"{settings.PUBLIC_URL}{notice.path}"


def choices_address() -> str:
    """Where people choose what they are sent."""
    return f"{settings.PUBLIC_URL}/notices/"


def details_of(notice: Notice) -> list[Detail]:
    return read(notice.details)

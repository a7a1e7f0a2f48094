"""Many notices become one message, and a loop of clicks becomes no flood: folded, and never lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jitportal.models import Notice
from jitportal.operations.letters import Letter
from jitportal.rules.notices import URGENT, topic_of

#: After a message, the next to the same recipient in the same way waits so long, and takes along what
#: has come meanwhile.
APART = timedelta(seconds=30)
#: So many messages in an hour may one person's requests cause to one recipient; further ones are folded
#: into one for each longer wait.
MOST_AN_HOUR = 6
FAR_APART = timedelta(minutes=10)
_HOUR = timedelta(hours=1)

PutOff = tuple[Notice, datetime]


def folded(notices: Sequence[Notice], now: datetime) -> tuple[list[Letter], list[PutOff]]:
    """The letters that can go now, one for a recipient, and what has to wait, with until when.

    All are due, and of one channel.
    """
    letters: list[Letter] = []
    put_off: list[PutOff] = []
    for group in _by_recipient(notices):
        sent = _Sent.to(group[0], now)
        waits = {notice.pk: sent.wait_for(notice, now) for notice in group}
        going = [notice for notice in group if waits[notice.pk] is None]
        put_off += [(notice, until) for notice in group if (until := waits[notice.pk]) is not None]
        if going:
            letters.append(Letter(going[0].recipient, going))
    return letters, put_off


def _by_recipient(notices: Iterable[Notice]) -> list[list[Notice]]:
    groups: dict[int | None, list[Notice]] = {}
    for notice in notices:
        groups.setdefault(notice.recipient_id, []).append(notice)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class _Sent:
    """The messages that a recipient got in the last hour: when, and about whose requests."""

    messages: dict[datetime, set[int | None]]

    @classmethod
    def to(cls, notice: Notice, now: datetime) -> _Sent:
        rows = Notice.objects.filter(
            recipient=notice.recipient_id, channel=notice.channel, sent_at__gt=now - _HOUR
        )
        messages: dict[datetime, set[int | None]] = {}
        for at, requester in rows.values_list("sent_at", "request__requester"):
            if at is not None:
                messages.setdefault(at, set()).add(requester)
        return cls(messages)

    def wait_for(self, notice: Notice, now: datetime) -> datetime | None:
        """Until when this notice waits; None: it can go now."""
        if not self.messages or topic_of(notice.kind) in URGENT:
            return None
        free = max(self.messages) + APART
        requester = notice.request.requester_id if notice.request else None
        caused = [at for at, requesters in self.messages.items() if requester in requesters]
        if requester is not None and len(caused) >= MOST_AN_HOUR:
            free = max(free, max(caused) + FAR_APART)
        return free if free > now else None

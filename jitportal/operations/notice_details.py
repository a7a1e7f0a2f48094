"""What a notice says beside its sentence: who, what, until when, why."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jitportal.models import AccessRequest, Grant, Person
from jitportal.rules.durations import spoken
from jitportal.rules.vocabulary import StartMode

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_FROM_THE_RIGHT = {"R", "AL", "AN"}
#: What joins letters of many scripts, and emoji; other format characters only change how text is read.
_JOINERS = {"\u200c", "\u200d"}
_ISOLATES = {_FIRST_STRONG_ISOLATE, _POP_ISOLATE}


@dataclass(frozen=True, slots=True)
class Detail:
    """One fact with its label: a text, or a moment that each reader sees in their own zone.

    ``typed``: words of a person, shown as theirs.
    """

    label: str
    text: str = ""
    at: datetime | None = None
    typed: bool = False

    def stored(self) -> dict[str, Any]:
        """For the notice's row."""
        moment = self.at.isoformat() if self.at else None
        return {"label": self.label, "text": self.text, "at": moment, "typed": self.typed}


def read(details: Iterable[dict[str, Any]]) -> list[Detail]:
    """The details of a notice's row."""
    return [
        Detail(
            one["label"], one["text"], datetime.fromisoformat(one["at"]) if one["at"] else None, one["typed"]
        )
        for one in details
    ]


def of_request(request: AccessRequest) -> list[Detail]:
    """All that whoever decides on it wants to know first."""
    asked = request.asked
    details = [
        *_whom_and_what(request.requester, request.role.name, request.scope.name, request.role.target.name),
        Detail("For", spoken(request.minutes)),
    ]
    if asked.start_mode == StartMode.ON_CLICK:
        details += [Detail("To start from", at=asked.opens_at), Detail("To start by", at=asked.closes_at)]
    elif asked.start_mode == StartMode.SCHEDULED:
        details.append(Detail("From", at=asked.opens_at))
    details.append(Detail("To be decided by", at=request.lapses_at))
    if asked.ticket:
        details.append(Detail("Ticket", asked.ticket, typed=True))
    details.append(Detail("Why", asked.justification, typed=True))
    return details


def of_grant(grant: Grant) -> list[Detail]:
    """Who holds or held what, and from when to when."""
    details = _whom_and_what(grant.person, grant.role.name, grant.scope.name, grant.role.target.name)
    if grant.starts_at and grant.ends_at:
        details.append(Detail("From", at=grant.starts_at))
        details.append(Detail("Until", at=grant.stopped_at or grant.ends_at))
    return details


def _whom_and_what(person: Person, role: str, scope: str, target: str) -> list[Detail]:
    return [
        Detail("Who", f"{isolated(person.name or person.username)} ({person.username})"),
        Detail("Role", f"{role}, {scope}"),
        Detail("On", target),
    ]


def moment_words(moment: datetime, zone: ZoneInfo) -> str:
    """The moment with its day and its zone, because a mail is read at any time."""
    local = moment.astimezone(zone)
    return f"{local:%a %-d %B %Y, %H:%M} {local.tzname()}"


def value_words(detail: Detail, zone: ZoneInfo) -> str:
    """The detail's value, as the reader in this zone is shown it."""
    return moment_words(detail.at, zone) if detail.at else tame(detail.text)


def isolated(name: object) -> str:
    """A name for use within a sentence: one that is written from the right doesn't turn the rest round."""
    text = tame(str(name))
    if any(unicodedata.bidirectional(sign) in _FROM_THE_RIGHT for sign in text):
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text


def tame(text: str) -> str:
    """The text without what no reader sees: control characters but for line ends and tabs, and marks that
    show another order than the one in which it was typed. Isolates stay where each is closed.
    """
    kept = "".join(sign for sign in text if not _unseen(sign))
    if _balanced(kept):
        return kept
    return "".join(sign for sign in kept if sign not in _ISOLATES)


def one_line(text: str) -> str:
    """The same on one line, for a subject: what people typed may hold several."""
    return tame(" ".join(tame(text).split())[:200])


def _unseen(sign: str) -> bool:
    if sign in "\n\r\t" or sign in _JOINERS or sign in _ISOLATES:
        return False
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"}


def _balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == _FIRST_STRONG_ISOLATE) - (sign == _POP_ISOLATE)
        if depth < 0:
            return False
    return depth == 0

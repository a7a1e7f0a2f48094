"""What the page of one's own sessions shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY

from jitportal.models import Person, PersonSession
from jitportal.operations import own_sessions
from jitportal.web.presenters.browsers import browser_words
from jitportal.web.sessions import seen_at


@dataclass(frozen=True, slots=True)
class OpenSession:
    """``own``: the one in which it is looked at."""

    row: PersonSession
    browser: str
    seen_at: datetime
    own: bool


def open_sessions(person: Person, session_key: str) -> list[OpenSession]:
    """Those in which a click would still be let in, the latest first."""
    found = [
        OpenSession(row, browser_words(row.browser), seen, own_sessions.is_of(row, session_key))
        for row, content in own_sessions.of(person)
        if content.get(HASH_SESSION_KEY) == person.get_session_auth_hash()
        and (seen := seen_at(content)) is not None
    ]
    return sorted(found, key=lambda one: (one.own, one.seen_at), reverse=True)

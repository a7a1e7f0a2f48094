"""The sessions that somebody has: known again, and ended by themselves."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction

from jitportal.audit.events import record
from jitportal.models import Person, PersonSession
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.permissions import Verb

LONGEST_BROWSER = 300


def begin(*, person: Person, session_key: str, address: str | None, browser: str) -> None:
    """A session of this person's has begun; those that are over are forgotten."""
    now = clock.now()
    with transaction.atomic():
        _forget_ended(person)
        PersonSession.objects.update_or_create(
            session_key=session_key,
            defaults={
                "person": person,
                "began_at": now,
                "address": address,
                "browser": "".join(sign for sign in browser if sign.isprintable())[:LONGEST_BROWSER],
            },
        )


def forget(session_key: str) -> None:
    """It is over."""
    PersonSession.objects.filter(session_key=session_key).delete()


def of(person: Person) -> list[tuple[PersonSession, dict[str, Any]]]:
    """Those that aren't over, each with what stands in it."""
    rows = {row.session_key: row for row in PersonSession.objects.filter(person=person)}
    stored = Session.objects.filter(session_key__in=rows, expire_date__gt=clock.now())
    return [(rows[session.session_key], session.get_decoded()) for session in stored]


def end(*, actor: Person, session: PersonSession) -> None:
    """Sign this browser out."""
    with operation(actor):
        require(Verb.SESSIONS_END, actor)
        _end(session)
        where = session.address or "an unknown address"
        _say(actor, f"{actor} signed out a session of their own, last at {where}.", 1)


def end_others(*, actor: Person, session_key: str) -> int:
    """Sign every browser out but the one whose session this is; gives how many."""
    with operation(actor):
        lock_person(actor.pk)
        require(Verb.SESSIONS_END, actor)
        others = list(PersonSession.objects.filter(person=actor).exclude(session_key=session_key))
        for one in others:
            _end(one)
        if others:
            _say(actor, f"{actor} signed out all of their other sessions.", len(others))
        return len(others)


def _end(session: PersonSession) -> None:
    SessionStore(session.session_key).delete()
    session.delete()


def _forget_ended(person: Person) -> None:
    kept = Session.objects.filter(expire_date__gt=clock.now()).values("session_key")
    PersonSession.objects.filter(person=person).exclude(session_key__in=kept).delete()


def _say(actor: Person, sentence: str, count: int) -> None:
    record(
        verb="session.ended",
        actor=actor,
        sentence=sentence,
        now=clock.now(),
        person=actor,
        data={"sessions": count},
    )

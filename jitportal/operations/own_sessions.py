"""The sessions that somebody has: known again, and ended by themselves."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from jitportal.audit.events import record
from jitportal.models import Person, PersonSession
from jitportal.operations import clock, sealing
from jitportal.operations.facts import require
from jitportal.operations.sealing import Unreadable
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.permissions import Verb

LONGEST_BROWSER = 300
PURPOSE = "sessions"


def begin(*, person: Person, session_key: str, address: str | None, browser: str) -> None:
    """A session of this person's has begun; those that are over are forgotten."""
    now = clock.now()
    with transaction.atomic():
        _forget_ended(person)
        PersonSession.objects.update_or_create(
            key_hash=_hash(session_key),
            defaults={
                "person": person,
                "sealed_key": sealing.seal(PURPOSE, session_key),
                "began_at": now,
                "address": address,
                "browser": "".join(sign for sign in browser if sign.isprintable())[:LONGEST_BROWSER],
            },
        )


def forget(session_key: str) -> None:
    """It is over."""
    PersonSession.objects.filter(key_hash=_hash(session_key)).delete()


def is_of(row: PersonSession, session_key: str) -> bool:
    """Whether it is the session with this key."""
    return constant_time_compare(row.key_hash, _hash(session_key))


def of(person: Person) -> list[tuple[PersonSession, dict[str, Any]]]:
    """Those that aren't over, each with what stands in it."""
    rows = _by_key(person)
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
        others = list(PersonSession.objects.filter(person=actor).exclude(key_hash=_hash(session_key)))
        for one in others:
            _end(one)
        if others:
            _say(actor, f"{actor} signed out all of their other sessions.", len(others))
        return len(others)


def _end(session: PersonSession) -> None:
    key = _key_of(session)
    if key is not None:
        SessionStore(key).delete()
    session.delete()


def _key_of(row: PersonSession) -> str | None:
    """Its session's key; found by its hash where no key opens the sealed one any more. None: it is over."""
    try:
        return sealing.unseal(PURPOSE, row.sealed_key)
    except Unreadable:
        stored = Session.objects.values_list("session_key", flat=True)
        return next((key for key in stored.iterator() if is_of(row, key)), None)


def _forget_ended(person: Person) -> None:
    rows = _by_key(person)
    stored = Session.objects.filter(session_key__in=rows, expire_date__gt=clock.now())
    kept = {rows[key].pk for key in stored.values_list("session_key", flat=True)}
    PersonSession.objects.filter(person=person).exclude(pk__in=kept).delete()


def _by_key(person: Person) -> dict[str, PersonSession]:
    """The person's rows by their sessions' keys."""
    rows = PersonSession.objects.filter(person=person)
    return {key: row for row in rows if (key := _key_of(row)) is not None}


def _hash(session_key: str) -> str:
    return salted_hmac("jitportal.own_sessions", session_key, algorithm="sha256").hexdigest()


def _say(actor: Person, sentence: str, count: int) -> None:
    record(
        verb="session.ended",
        actor=actor,
        sentence=sentence,
        now=clock.now(),
        person=actor,
        data={"sessions": count},
    )

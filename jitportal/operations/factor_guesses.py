"""Guessing at one-time codes: a try is counted before it is looked at, and waits grow as at a password's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from jitportal.audit import context
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Person
from jitportal.operations import clock, notices
from jitportal.operations.limits import key_of, locked
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Invalid, TooOften
from jitportal.rules.limits import Guessing, spoken_wait

FORGOTTEN = timedelta(hours=24)


@contextmanager
def counted(person: Person, where: str) -> Iterator[None]:
    """One try: what is ``Invalid`` inside is a failure. Raises ``TooOften`` before it is looked at.

    ``where`` the guess is made: each place is counted by itself, so that who has only the password and
    guesses at the sign-in holds up nothing that the signed-in person confirms.

    Around the transaction that the try is about, not inside: it is counted whatever becomes of that.
    """
    failures = _begin(person, where)
    try:
        yield
    except Invalid:
        _failed(person, failures)
        raise
    _succeeded(person, where)


def _begin(person: Person, where: str) -> int:
    """Count one try, and say which it is. What is refused isn't counted."""
    with transaction.atomic():
        (row,) = locked("factor", [_key(person, where)], clock.now())
        now = clock.now()  # with the row locked: an earlier moment would be before who was just counted
        if row.free_at > now:
            wait = row.free_at - now
            raise TooOften(f"There were too many wrong codes. Try again in {spoken_wait(wait)}.", wait=wait)
        row.failures += 1
        row.free_at = now + _guessing().wait(row.failures)
        row.forgotten_at = now + FORGOTTEN
        row.save()
        return row.failures


def _failed(person: Person, failures: int) -> None:
    """Tell of guessing, and not of each try: whoever came so far has the password, or a session."""
    if not _guessing().is_told(failures):
        return
    now, where = clock.now(), context.current().address or "an unknown address"
    sentence = f"A second factor of {person} was wrong {failures} times, last from {where}."
    with operation(system()):
        record(verb="factor.guessed", actor=system(), sentence=sentence, now=now, person=person)
        notices.notify(
            recipients=[person],
            kind="factor.guessed",
            key=f"{person.pk}:{now.isoformat()}",
            subject="Somebody guesses at your second factor",
            body=f"{sentence} If that wasn't you, somebody has your password or your session: sign out "
            "everywhere, and tell an administrator.",
            path="/you/sessions/",
            now=now,
            actor=system(),
        )


def _succeeded(person: Person, where: str) -> None:
    """The try was none to guess: the series ends."""
    with transaction.atomic():
        now = clock.now()
        (row,) = locked("factor", [_key(person, where)], now)
        row.failures, row.free_at = 0, now
        row.save()


def _key(person: Person, where: str) -> str:
    return key_of("factor", person.pk, where)


def _guessing() -> Guessing:
    return Guessing(settings.SIGN_IN_FAILURES, timedelta(seconds=settings.SIGN_IN_LONGEST_WAIT))

"""Limits on how often things are done, counted in the database: every process counts together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from jitportal.models import RateLimit
from jitportal.operations import clock
from jitportal.rules.errors import TooOften
from jitportal.rules.limits import admit, spoken_wait

#: What is limited, in the words of the refusal. The figures are settings.
WORDS = {
    "request": "You have made many requests in a short time",
    "search": "You have searched very often in a short time",
    "sign_on": "There were many sign-ins from your address",
    "recording": "This host has announced many recordings in a short time",
    "recorded": "This host has delivered very much in a short time",
    "report": "Many sign-ins were reported in a short time",
    "export": "You have taken many files in a short time",
}


def take(what: str, whom: object, *, more: int = 1) -> None:
    """Count one more, or so many. Raises ``TooOften`` where that is too many; what is refused isn't counted.

    It is counted whatever becomes of it, so call it outside the transaction that it is about.
    """
    limit = settings.LIMITS[what]
    if limit is None:
        return
    with transaction.atomic():
        (row,) = locked(what, [key_of(what, whom)], clock.now())
        now = clock.now()  # with the row locked: an earlier moment would be before who was just counted
        row.free_at, wait = admit(limit, row.free_at, now, more=more)
        if wait:
            raise TooOften(f"{WORDS[what]}. Try again in {spoken_wait(wait)}.", wait=wait)
        row.forgotten_at = max(row.free_at, now)
        row.save()


def key_of(what: str, *parts: object) -> str:
    """Hashed with the portal's key: the table says nothing to who reads it."""
    return salted_hmac(
        "jitportal.limits", "\0".join(map(str, (what, *parts))), algorithm="sha256"
    ).hexdigest()


def locked(what: str, keys: Iterable[str], now: datetime) -> list[RateLimit]:
    """The rows of these keys, made where they are new, in the order given; locked in one order by all."""
    rows = {}
    for key in sorted(keys):
        RateLimit.objects.get_or_create(
            key=key, defaults={"what": what, "free_at": now, "forgotten_at": now + timedelta(minutes=1)}
        )
        row = RateLimit.objects.select_for_update().get(key=key)
        if row.forgotten_at < now:
            row.failures, row.free_at = 0, now
        rows[key] = row
    return [rows[key] for key in keys]


def forget() -> None:
    """Remove what counts no more."""
    RateLimit.objects.filter(forgotten_at__lt=clock.now() - timedelta(minutes=5)).delete()

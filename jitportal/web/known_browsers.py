"""A signed cookie says with which accounts a browser has signed in: its tries are counted by themselves.

So whoever guesses at an account from elsewhere makes themselves wait, and not its owner.
"""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string, salted_hmac

from jitportal.models import Person

COOKIE = "known_browser"
MAX_AGE = 180 * 24 * 60 * 60


def remember(answer: HttpResponse, person: Person) -> None:
    """Let this browser be known to the account that has just signed in."""
    value = f"{_mark(person.username)}:{get_random_string(16)}"
    answer.set_cookie(
        COOKIE,
        signing.TimestampSigner(salt=COOKIE).sign(value),
        max_age=MAX_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_as(request: HttpRequest, username: str) -> str:
    """What tells this browser from others that the account knows; empty where it doesn't know it."""
    try:
        said = signing.TimestampSigner(salt=COOKIE).unsign(request.COOKIES.get(COOKIE, ""), max_age=MAX_AGE)
    except signing.BadSignature:
        return ""
    mark, _, browser = said.partition(":")
    return browser if mark == _mark(username) else ""


def _mark(username: str) -> str:
    return salted_hmac(COOKIE, username.casefold(), algorithm="sha256").hexdigest()[:32]

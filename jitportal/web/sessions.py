"""A session ends so long after signing in, however busy, and after so long without a click."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from jitportal.models import Person
from jitportal.operations import own_sessions
from jitportal.web.middleware import trustworthy_address

BEGAN, SEEN = "began", "seen"
#: How exactly the last click is known: each is not worth a write.
GRAIN = 60


def begin(request: HttpRequest, person: Person) -> None:
    """From now on the session's time counts, and the person finds it on their page."""
    _count(request)
    if not request.session.session_key:
        request.session.create()
    own_sessions.begin(
        person=person,
        session_key=str(request.session.session_key),
        address=trustworthy_address(request),
        browser=request.headers.get("User-Agent", ""),
    )


def _count(request: HttpRequest) -> None:
    request.session[BEGAN] = request.session[SEEN] = _now()


class SessionLimitsMiddleware:
    """A page that asks by itself for news is no click: one that is left open ends too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and _has_ended(request):
            request.session.flush()
            request.user = AnonymousUser()
        return self.get_response(request)


def seen_at(content: Mapping[str, Any]) -> datetime | None:
    """When somebody last clicked in a session that holds this; None: it has ended."""
    if SEEN not in content or _is_over(content, _now()):
        return None
    return datetime.fromtimestamp(content[SEEN], UTC)


def _is_over(content: Mapping[str, Any], now: float) -> bool:
    busy, idle = now - content[BEGAN], now - content[SEEN]
    return bool(busy > settings.SESSION_COOKIE_AGE or idle > settings.SESSION_IDLE_SECONDS)


def _has_ended(request: HttpRequest) -> bool:
    now, session = _now(), request.session
    if BEGAN not in session:
        _count(request)
    if _is_over(session, now):
        return True
    if now - session[SEEN] >= GRAIN and not _asks_by_itself(request):
        session[SEEN] = now
    return False


def _asks_by_itself(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "seen" in request.GET


def _now() -> float:
    return time.time()  # noqa: TID251 - as Django's sessions: theirs is the clock of the web process

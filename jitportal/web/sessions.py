"""A session ends so long after signing in, however busy, and after so long without a click."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase

BEGAN, SEEN = "began", "seen"
#: How exactly the last click is known: each is not worth a write.
GRAIN = 60


def begin(request: HttpRequest) -> None:
    """From now on the session's time counts."""
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


def _has_ended(request: HttpRequest) -> bool:
    now, session = _now(), request.session
    if BEGAN not in session:
        begin(request)
    if (
        now - session[BEGAN] > settings.SESSION_COOKIE_AGE
        or now - session[SEEN] > settings.SESSION_IDLE_SECONDS
    ):
        return True
    if now - session[SEEN] >= GRAIN and not _asks_by_itself(request):
        session[SEEN] = now
    return False


def _asks_by_itself(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "seen" in request.GET


def _now() -> float:
    return time.time()  # noqa: TID251 - as Django's sessions: theirs is the clock of the web process

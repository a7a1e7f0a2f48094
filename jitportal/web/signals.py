"""Whichever way somebody signs in or out, the record says so."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from jitportal.models import Person
from jitportal.operations import own_sessions, signing_in
from jitportal.web import sessions


def connect() -> None:
    """For good, in every process."""
    user_logged_in.connect(_signed_in, dispatch_uid="jitportal.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="jitportal.signed_out")


def _signed_in(request: HttpRequest | None, user: Person, **_said: Any) -> None:
    if request is not None:
        sessions.begin(request, user)
    signing_in.signed_in(user)


def _signed_out(request: HttpRequest | None, user: Person | None, **_said: Any) -> None:
    if request is not None and request.session.session_key:
        own_sessions.forget(request.session.session_key)
    if user is not None:
        signing_in.signed_out(user)

"""Where one is signed in, and signing out there."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from jitportal.models import PersonSession
from jitportal.operations import own_sessions
from jitportal.rules.permissions import Verb
from jitportal.web import fetch
from jitportal.web.http import PortalRequest
from jitportal.web.presenters.sessions import open_sessions


@require_safe
def you_sessions(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.SESSIONS_END)
    rows = open_sessions(request.user, request.session.session_key or "")
    return render(request, "sessions/sessions.html", {"sessions": rows, "others": len(rows) > 1})


@require_POST
def session_end(request: PortalRequest, pk: int) -> HttpResponse:
    fetch.require(request, Verb.SESSIONS_END)
    session = get_object_or_404(PersonSession, pk=pk, person=request.user)
    if own_sessions.is_of(session, request.session.session_key or ""):
        logout(request)
        return redirect("sign_in")
    own_sessions.end(actor=request.user, session=session)
    messages.success(request, "Signed out there.")
    return redirect("you_sessions")


@require_POST
def sessions_end_others(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.SESSIONS_END)
    ended = own_sessions.end_others(actor=request.user, session_key=request.session.session_key or "")
    messages.success(request, f"Signed out in {ended} other place{'' if ended == 1 else 's'}.")
    return redirect("you_sessions")

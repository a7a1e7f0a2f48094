"""The overview of those who run the portal."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from jitportal.rules.permissions import Verb
from jitportal.web import fetch
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.overview import overview_of


@require_safe
def overview(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.OVERVIEW_VIEW)
    found = overview_of(now_of(request), timezone.get_current_timezone())
    sees = {
        "sees_problems": bool(fetch.answer(request, Verb.PROBLEM_VIEW)),
        "sees_record": bool(fetch.answer(request, Verb.RECORD_VIEW)),
    }
    return render(request, "overview/overview.html", {"overview": found, **sees})

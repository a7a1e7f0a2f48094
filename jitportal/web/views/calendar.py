"""A calendar of one's change windows: by week, and by day."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jitportal.web.http import PortalRequest
from jitportal.web.presenters.calendar import DAY, WEEK, calendar_of, day_named


@require_safe
def calendar(request: PortalRequest) -> HttpResponse:
    length = DAY if request.GET.get("by") == "day" else WEEK
    shown = calendar_of(request, day_named(request.GET.get("on", "")), length)
    return render(request, "access/calendar.html", {"calendar": shown})

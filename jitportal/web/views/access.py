"""My access: what I hold, what I may start, what I wait for; and what was before."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jitportal.web import head_first, paging
from jitportal.web.http import PortalRequest
from jitportal.web.live import live_page
from jitportal.web.presenters import access

PAGE_SIZE = 30
TEMPLATE = "access/my_access.html"


@require_safe
def my_access(request: PortalRequest) -> HttpResponseBase:
    if not request.htmx:
        return head_first.page(request, TEMPLATE, lambda: _shown(request))
    shown = _shown(request)
    return live_page(request, TEMPLATE, shown["live"], shown)


def _shown(request: PortalRequest) -> dict[str, Any]:
    mine = access.of_person(request)
    return {"access": mine, "live": access.live_of(request, mine)}


@require_safe
def history(request: PortalRequest) -> HttpResponse:
    after = paging.position(request.GET.get("after", ""))
    page = paging.older(access.past(request), "created_at", after=after, size=PAGE_SIZE)
    context = {
        "page": page,
        "older": paging.address_of(request.GET, after=page.following) if page.following else "",
        "newest": "" if page.first else paging.address_of(request.GET),
    }
    return render(request, "access/history.html", context)

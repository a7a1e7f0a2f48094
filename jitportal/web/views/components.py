"""The page of all components, for developers."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jitportal.web.http import PortalRequest
from jitportal.web.presenters.components import drawn


@require_safe
def components(request: PortalRequest) -> HttpResponse:
    """Each component in each state, with the code to include it; there is no such page in production."""
    if not (settings.DEMO or settings.DEBUG):
        raise Http404
    return render(request, "components/index.html", {"components": drawn(request)})

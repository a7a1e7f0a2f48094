"""An approver's own decisions and figures."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.figures import own_decisions


@require_safe
def my_decisions(request: PortalRequest) -> HttpResponse:
    """What the person has decided. Nobody else sees it, and they see nobody else's."""
    return render(request, "queue/decisions.html", {"own": own_decisions(request.user, now_of(request))})

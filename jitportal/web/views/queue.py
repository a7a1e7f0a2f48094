"""The queue of an approver."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jitportal.web import paging
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.decision import decision_box
from jitportal.web.presenters.queue import queue_page


@require_safe
def queue(request: PortalRequest) -> HttpResponse:
    """What waits for the person; ``chosen`` in the address opens one of the page's rows beside it.

    Without it the first is open, where there is room beside the list.
    """
    now = now_of(request)
    page = queue_page(request.user, now, after=paging.position(request.GET.get("after", "")))
    rows = {str(row.access_request.pk): row.access_request for row in page.rows}
    asked_for = rows.get(request.GET.get("chosen", ""))
    chosen = asked_for or next(iter(rows.values()), None)
    context = {
        "page": page,
        "chosen": chosen,
        "asked_for": asked_for is not None,
        "box": decision_box(chosen, request.user, now) if chosen else None,
        "after": request.GET.get("after", "") if not page.first else "",
        "more": paging.address_of(request.GET, after=page.following) if page.following else "",
    }
    return render(request, "queue/queue.html", context)

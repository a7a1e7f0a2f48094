"""Whether the portal works, for whatever watches it: no sign-in, no secrets, no names."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from jitportal.operations import clock, heartbeat, problems


@login_not_required
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; asks nothing of the database."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 where the database answers, a worker is alive and no removal is overdue; else 503.

    The body says which, each with a sentence.
    """
    try:
        now = clock.now()
        checks = {"database": "", "worker": _worker(now), "removals": _removals(now)}
    except DatabaseError:
        # Its own words name hosts and users: they are in the log of whoever asked for a page.
        checks = {"database": "The database doesn't answer."}
    ready = not any(checks.values())
    body = {
        "status": "ready" if ready else "not ready",
        "checks": {name: problem or "ok" for name, problem in checks.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)


def _worker(now: datetime) -> str:
    age = heartbeat.age(now)
    if age is None:
        return "No worker has ever run. Start one: manage.py worker"
    if age > heartbeat.FRESH:
        return f"The last sign of life of a worker was {age.total_seconds():.0f} s ago. Start one."
    return ""


def _removals(now: datetime) -> str:
    age = problems.overdue_removal_age(now)
    if age is None or age <= problems.PAGE_AFTER:
        return ""
    return f"Access that ended {age.total_seconds():.0f} s ago isn't verified absent. Look at Problems."

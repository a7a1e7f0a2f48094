"""The page of problems, and trying again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from jitportal.models import Lease
from jitportal.operations import problems as operations
from jitportal.rules.permissions import Verb
from jitportal.web import fetch
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.problems import problems_now


@require_safe
def problems(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.PROBLEM_VIEW)
    context = {
        "problems": problems_now(now_of(request)),
        "retry": fetch.answer(request, Verb.LEASE_RETRY),
        "sees_targets": bool(fetch.answer(request, Verb.TARGET_VIEW)),
    }
    return render(request, "problems/problems.html", context)


@require_POST
def lease_retry(request: PortalRequest, pk: int) -> HttpResponse:
    lease = get_object_or_404(Lease.objects.select_related("target"), pk=pk)
    fetch.authorised(request, lease, Verb.PROBLEM_VIEW, Verb.LEASE_RETRY)
    operations.retry(actor=request.user, lease=lease)
    messages.success(request, f"Tried again now: {lease.entitlement} for {lease.account} on {lease.target}.")
    return redirect("problems")

"""Targets: the list, one of them, and asking it how it is."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from jitportal.models import Event, Target
from jitportal.operations import targets as operations
from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import Denied, Verb
from jitportal.web import fetch
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.history import events_about, history_of
from jitportal.web.presenters.targets import target_page, target_rows
from jitportal.web.waiting import waits_for_target


@require_safe
def targets(request: PortalRequest) -> HttpResponse:
    return render(request, "targets/targets.html", {"rows": target_rows(_visible(request), now_of(request))})


@require_safe
def target_detail(request: PortalRequest, key: str) -> HttpResponse:
    target = fetch.target(request, key)
    context = {
        "page": target_page(target, request.user, now_of(request)),
        "check": fetch.answer(request, Verb.TARGET_CHECK),
        "history": history_of(target, _events(request, target)),
        "record_url": f"{reverse('record')}?target={key}" if fetch.answer(request, Verb.RECORD_VIEW) else "",
    }
    return render(request, "targets/target.html", context)


@require_POST
def target_check(request: PortalRequest, key: str) -> HttpResponse:
    target = fetch.target(request, key, Verb.TARGET_CHECK)
    with waits_for_target():
        health = operations.check(actor=request.user, target=target)
    if health.reachable and health.rights and not health.problems:
        messages.success(request, f"{target} answered, and is well.")
    else:
        messages.warning(request, f"{target} has problems. They are listed below.")
    return redirect("target_detail", key)


def _visible(request: PortalRequest) -> QuerySet[Target]:
    """Every target for those with a power over them; the owners of roles see the roles' targets."""
    answer = fetch.answer(request, Verb.TARGET_VIEW)
    if answer:
        return Target.objects.all()
    owned = Target.objects.filter(roles__owner=request.user, roles__retired_at__isnull=True).distinct()
    if isinstance(answer, Denied) and not owned.exists():
        raise NotAllowed(answer.reason)
    return owned


def _events(request: PortalRequest, target: Target) -> QuerySet[Event]:
    """Who sees the target isn't therefore shown everybody's grants on it."""
    events = events_about(target)
    sees_all = fetch.answer(request, Verb.RECORD_VIEW) or fetch.answer(request, Verb.TARGET_CHECK)
    return events if sees_all else events.filter(verb__startswith="target.")

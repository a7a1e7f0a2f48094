"""The record's pages: a search over the events, and one event with what changed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from jitportal.models import Event
from jitportal.rules.permissions import Verb
from jitportal.web import fetch, paging
from jitportal.web.forms.record import RecordFilter
from jitportal.web.http import PortalRequest
from jitportal.web.presenters import record as presenter


@require_safe
def record(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.RECORD_VIEW)
    form = RecordFilter(request.GET)
    found = None
    if form.is_valid():
        found = presenter.events(form.cleaned_data, paging.position(request.GET.get("after", "")))
    context = {
        "form": form,
        "page": found,
        "chips": presenter.chips(form, request.GET),
        "newest": "" if found is None or found.first else paging.address_of(request.GET),
        "older": paging.address_of(request.GET, after=found.following) if found and found.following else "",
    }
    return render(request, "record/search.html", context, status=form.status)


@require_safe
def event_detail(request: PortalRequest, pk: int) -> HttpResponse:
    fetch.require(request, Verb.RECORD_VIEW)
    rows = Event.objects.select_related(
        "actor", "person", "request", "grant", "lease", "role", "target", "policy_version"
    )
    event = get_object_or_404(rows, pk=pk)
    template = "record/_changes.html" if request.htmx else "record/event.html"
    return render(request, template, {"detail": presenter.detail(event)})

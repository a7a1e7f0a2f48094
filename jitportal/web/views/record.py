"""The record's pages: a search over the events, the same as a file, and one event with what changed."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from jitportal.models import Event
from jitportal.operations import limits
from jitportal.operations import record as operations
from jitportal.rules.permissions import Verb
from jitportal.web import fetch, paging
from jitportal.web.forms.record import ExportForm, RecordFilter
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.paging import Page
from jitportal.web.presenters import record as presenter
from jitportal.web.presenters.record_files import File
from jitportal.web.refusals import refusals_shown_in, say_when

CSV, JSON = "text/csv; charset=utf-8", "application/json"


@require_safe
def record(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.RECORD_VIEW)
    form = RecordFilter(request.GET, now=now_of(request))
    found = None
    if form.is_valid():
        with refusals_shown_in(form):
            limits.take("search", request.user.pk)
            found = presenter.events(form.wanted, paging.position(request.GET.get("after", "")))
    return _page(request, form, found)


@require_POST
def record_export(request: PortalRequest) -> HttpResponseBase:
    """A file of all pages of the same search, and not of the page alone."""
    fetch.require(request, Verb.RECORD_VIEW)
    form = RecordFilter(request.GET, now=now_of(request))
    chosen = ExportForm(request.POST)
    if not chosen.is_valid():
        form.refuse("Choose CSV or JSON.", None, 422)
    if not form.errors:
        filters = [f"{chip.label.lower()} {chip.value}" for chip in presenter.chips(form, request.GET)]
        with refusals_shown_in(form):
            limits.take("export", request.user.pk)
            return _file(request, form, chosen.cleaned_data["kind"], filters)
    return _page(request, form, None)


def _file(request: PortalRequest, form: RecordFilter, kind: str, filters: Sequence[str]) -> HttpResponseBase:
    export = operations.export(actor=request.user, wanted=form.wanted, kind=kind, filters=filters)
    # The reader's zone is put by before the rows are written, and so is its name here.
    zone = timezone.get_current_timezone()
    file = File(export, filters, request.user.username, now_of(request), zone)
    rows, content_type = (file.csv(), CSV) if kind == "CSV" else (file.json(), JSON)
    headers = {"Content-Disposition": f'attachment; filename="{file.name(kind.lower())}"'}
    return StreamingHttpResponse(rows, content_type=content_type, headers=headers)


def _page(request: PortalRequest, form: RecordFilter, found: Page[presenter.Row] | None) -> HttpResponse:
    context = {
        "form": form,
        "page": found,
        "kinds": presenter.kinds(),
        "chips": presenter.chips(form, request.GET),
        "all": paging.address_of(request.GET),
        "most": f"{operations.MOST_ROWS:,}",
        "newest": "" if found is None or found.first else paging.address_of(request.GET),
        "older": paging.address_of(request.GET, after=found.following) if found and found.following else "",
    }
    return say_when(render(request, "record/search.html", context, status=form.status), form.wait)


@require_safe
def event_detail(request: PortalRequest, pk: int) -> HttpResponse:
    fetch.require(request, Verb.RECORD_VIEW)
    rows = Event.objects.select_related(
        "actor", "person", "request", "grant", "lease", "role", "target", "policy_version"
    )
    event = get_object_or_404(rows, pk=pk)
    template = "record/_changes.html" if request.htmx else "record/event.html"
    return render(request, template, {"detail": presenter.detail(event)})

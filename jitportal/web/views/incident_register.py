"""The register of all uses of emergency accounts, the same as a file, and the follow-ups."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jitportal.models import PostIncidentReview
from jitportal.models.post_incident import PostIncidentReviewQuerySet
from jitportal.operations import follow_ups as operations
from jitportal.operations import incident_register as register
from jitportal.operations import limits
from jitportal.rules.spreadsheets import as_text
from jitportal.web import fetch, paging
from jitportal.web.forms.incident_register import RegisterFilter
from jitportal.web.forms.incidents import CompleteForm
from jitportal.web.http import PortalRequest, actor_of, now_of
from jitportal.web.presenters import incident_lists as lists
from jitportal.web.refusals import form_page, refusals_shown_in

PAGE_SIZE = 25
#: Without it Excel takes UTF-8 for the encoding of its own country.
BYTE_ORDER_MARK = "\ufeff"
COLUMNS = (
    "review",
    "activation",
    "drill",
    "account",
    "target",
    "responder",
    "criterion",
    "opened_at",
    "access_ended_at",
    "status",
    "due_at",
    "classification",
    "criterion_met",
    "reviewer",
    "second_reviewer",
    "rotated_at",
    "closed_at",
)


@require_safe
def incident_register(request: PortalRequest) -> HttpResponse:
    form = RegisterFilter(request.GET)
    return _page(request, form, _found(request, form))


def _page(request: PortalRequest, form: RegisterFilter, found: PostIncidentReviewQuerySet) -> HttpResponse:
    after = paging.position(request.GET.get("after", ""))
    page = paging.older(found, "opened_at", after=after, size=PAGE_SIZE)
    context = {
        "page": page,
        "filtered": form.filtered,
        "all": paging.address_of(request.GET),
        "older": paging.address_of(request.GET, after=page.following) if page.following else "",
        "newest": "" if page.first else paging.address_of(request.GET),
    }
    return form_page(request, "incidents/register.html", form, context)


@require_POST
def incident_register_export(request: PortalRequest) -> HttpResponse:
    """All pages of the same search."""
    form = RegisterFilter(request.GET)
    found = _found(request, form)
    if not form.is_valid():
        return _page(request, form, found)
    limits.take("export", request.user.pk)
    rows = list(found.order_by("-opened_at", "-pk")[: register.MOST_ROWS + 1])
    if len(rows) > register.MOST_ROWS:
        form.refuse(
            f"A file holds {register.MOST_ROWS:,} uses at the most. Choose a shorter time.", None, 422
        )
        return _page(request, form, found)
    filters = [f"{name} {request.GET[name]}" for name in form.fields if request.GET.get(name)]
    register.exported(actor=request.user, rows=rows, filters=filters)
    text = StringIO()
    text.write(BYTE_ORDER_MARK)
    lines = csv.writer(text, quoting=csv.QUOTE_ALL)
    lines.writerow(COLUMNS)
    lines.writerows([as_text(cell) for cell in _cells(review)] for review in rows)
    name = f"jitportal-emergencies-{now_of(request).astimezone(UTC):%Y%m%dT%H%M%SZ}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
def follow_ups(request: PortalRequest) -> HttpResponse:
    rows = lists.follow_ups_of(request.user, actor_of(request))
    after = paging.position(request.GET.get("after", ""))
    page = paging.older(rows.filter(done_at__isnull=False), "done_at", after=after, size=PAGE_SIZE)
    context = {
        "open": rows.open().order_by("due_at", "pk")[: lists.MOST_OPEN],
        "page": page,
        "seen": set(lists.visible(request.user, actor_of(request)).values_list("pk", flat=True)),
        "older": paging.address_of(request.GET, after=page.following) if page.following else "",
        "newest": "" if page.first else paging.address_of(request.GET),
    }
    return render(request, "incidents/follow_ups.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def follow_up_complete(request: PortalRequest, pk: int) -> HttpResponse:
    follow_up = fetch.follow_up(request, pk)
    form = CompleteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with refusals_shown_in(form):
            operations.complete(actor=request.user, follow_up=follow_up, note=form.cleaned_data["note"])
            messages.success(request, "It is done.")
            return redirect("follow_ups")
        follow_up = fetch.follow_up(request, pk)
    return form_page(request, "incidents/complete.html", form, {"follow_up": follow_up})


def _found(request: PortalRequest, form: RegisterFilter) -> PostIncidentReviewQuerySet:
    return form.narrowed(lists.visible(request.user, actor_of(request)), now_of(request))


def _cells(review: PostIncidentReview) -> list[str]:
    used = review.activation
    return [
        str(review.pk),
        str(review.activation_id or ""),
        "yes" if review.drill else "no",
        review.account.key,
        review.account.target.key,
        review.responder.username if review.responder else "",
        used.criterion.key if used else "",
        _moment(review.opened_at),
        _moment(review.access_ended_at),
        review.status,
        _moment(review.due_at),
        review.classification,
        review.criterion,
        review.reviewer.username if review.reviewer else "",
        review.second_reviewer.username if review.second_reviewer else "",
        _moment(review.rotated_at),
        _moment(review.closed_at),
    ]


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""

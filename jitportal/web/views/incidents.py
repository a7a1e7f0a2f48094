"""Post-incident reviews: who has to do what, and one review with all its steps."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jitportal.models import Person, PostIncidentReview
from jitportal.operations import post_incident_versions
from jitportal.web import fetch
from jitportal.web.forms import incidents as forms
from jitportal.web.forms.base import PortalForm
from jitportal.web.http import PortalRequest, forget_reading, now_of
from jitportal.web.incident_acts import ACTS, DRAFTED
from jitportal.web.incident_forms import bound, unbound
from jitportal.web.presenters import incident_lists as lists
from jitportal.web.presenters import incidents as presenter
from jitportal.web.refusals import form_page, refusals_shown_in


@require_safe
def incident_reviews(request: PortalRequest) -> HttpResponse:
    return render(request, "incidents/reviews.html", {"desk": lists.desk_of(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def incident_review(request: PortalRequest, pk: int) -> HttpResponse:
    review = fetch.incident_review(request, pk)
    name = request.POST.get("act", "") if request.method == "POST" else ""
    sent: PortalForm = PortalForm()
    if request.method == "POST":
        name = name if name in ACTS else "state"
        review = fetch.incident_review(request, pk, ACTS[name].verb)
        sent = bound(review, name, request.POST)
        drafted = "draft" in request.POST and isinstance(sent, forms.DraftedForm)
        if drafted or sent.is_valid():
            with refusals_shown_in(sent):
                said = _keep(request, review, name) if drafted else ACTS[name].do(request, review, sent)
                messages.success(request, said)
                return redirect("incident_review", pk)
        forget_reading(request)
        review = fetch.incident_review(request, pk)
    shown = {**unbound(review, request.user), **({name: sent} if name else {})}
    page = presenter.page_of(request, review)
    context = {
        "page": page,
        "forms": shown,
        # somebody was faster, and the form isn't there any more: what was typed still is
        "stranded": sent if name and name not in page.turn.forms else None,
        "people": Person.objects.active().exclude(pk=review.responder_id or 0).order_by("name"),
    }
    return form_page(request, "incidents/review.html", sent, context)


@require_POST
def incident_draft(request: PortalRequest, pk: int) -> HttpResponse:
    """What is typed is kept meanwhile; the answer is a word beside the form."""
    name = request.POST.get("act", "")
    name = name if name in DRAFTED else "state"
    review = fetch.incident_review(request, pk, ACTS[name].verb)
    form = bound(review, name, request.POST)
    with refusals_shown_in(form):
        _keep(request, review, name)
    context = {"problems": list(form.errors.values()) if form.refused else [], "at": now_of(request)}
    return render(request, "incidents/_saved.html", context)


def _keep(request: PortalRequest, review: PostIncidentReview, name: str) -> str:
    form = bound(review, name, request.POST)
    typed = form.typed if isinstance(form, forms.DraftedForm) else {}
    post_incident_versions.save_draft(actor=request.user, review=review, step=DRAFTED[name], typed=typed)
    return "Your draft is saved. You alone see it."

"""Reviews after use: the holder says what was done; somebody else reads it, and closes it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AfterUseReview
from jitportal.operations import reviews
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import ReviewStatus
from jitportal.web import fetch, paging
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.reviews import DeterminationForm, ReturnForm, StatementForm
from jitportal.web.http import PortalRequest, actor_of
from jitportal.web.presenters import incident_lists, story
from jitportal.web.presenters import reviews as presenter
from jitportal.web.refusals import form_page, refusals_shown_in

PAGE_SIZE = 25


@require_safe
def index(request: PortalRequest) -> HttpResponse:
    closed = presenter.visible(request.user, actor_of(request)).filter(status=ReviewStatus.CLOSED)
    after = paging.position(request.GET.get("after", ""))
    page = paging.older(closed, "closed_at", after=after, size=PAGE_SIZE)
    context = {
        "desk": presenter.desk_of(request),
        "incidents": incident_lists.waiting_count(request),
        "page": page,
        "older": paging.address_of(request.GET, after=page.following) if page.following else "",
        "newest": "" if page.first else paging.address_of(request.GET),
    }
    return render(request, "reviews/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: PortalRequest, pk: int) -> HttpResponse:
    review = fetch.review(request, pk)
    forms: dict[str, PortalForm] = {
        "state": StatementForm(initial={"statement": review.statement, "changes_left": review.changes_left}),
        "determine": DeterminationForm(),
        "return": ReturnForm(),
    }
    sent = forms["state"]
    if request.method == "POST":
        name = request.POST.get("act", "")
        if name not in ACTS:
            name = "state"
        verb, kind, say = ACTS[name]
        review = fetch.review(request, pk, verb)
        sent = forms[name] = kind(request.POST)
        if sent.is_valid():
            with refusals_shown_in(sent):
                messages.success(request, say(request, review, sent.cleaned_data))
                return redirect("review_detail", pk)
    context = {
        "review": review,
        "turn": presenter.turn_of(request, review),
        "story": story.of_grant(request, review.grant),
        "state_form": forms["state"],
        "determine_form": forms["determine"],
        "return_form": forms["return"],
    }
    return form_page(request, "reviews/detail.html", sent, context)


def _state(request: PortalRequest, review: AfterUseReview, said: dict[str, Any]) -> str:
    reviews.state(
        actor=request.user, review=review, statement=said["statement"], changes_left=said["changes_left"]
    )
    return "Your statement is handed in."


def _determine(request: PortalRequest, review: AfterUseReview, said: dict[str, Any]) -> str:
    reviews.determine(actor=request.user, review=review, determination=said["determination"])
    return "The review is closed."


def _return(request: PortalRequest, review: AfterUseReview, said: dict[str, Any]) -> str:
    reviews.return_to_holder(actor=request.user, review=review, note=said["note"])
    return f"The review is back with {review.holder}."


ACTS = {
    "state": (Verb.REVIEW_STATE, StatementForm, _state),
    "determine": (Verb.REVIEW_DETERMINE, DeterminationForm, _determine),
    "return": (Verb.REVIEW_DETERMINE, ReturnForm, _return),
}

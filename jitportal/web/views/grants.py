"""One grant: its times, its state on the target, and what its holder may do with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest, Grant
from jitportal.operations import connecting, grants
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import GrantStatus
from jitportal.web import fetch, step_up
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.grants import HandBackForm, RevokeForm
from jitportal.web.http import PortalRequest
from jitportal.web.live import live_page
from jitportal.web.presenters import beforehand, story
from jitportal.web.refusals import form_page, refusals_shown_in
from jitportal.web.waiting import waits_for_target


@require_safe
def detail(request: PortalRequest, pk: int) -> HttpResponse:
    grant = fetch.grant(request, pk)
    told = story.of_grant(request, grant)
    now = story.live_grant(request, grant, told)
    return live_page(request, "grants/detail.html", now, {"grant": grant, "story": told})


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: PortalRequest, pk: int) -> HttpResponse:
    grant = fetch.grant(request, pk, Verb.GRANT_START)
    if request.method != "POST":
        check_transition("grant", grant.status, GrantStatus.PROVISIONING)
    form = PortalForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        with refusals_shown_in(form):
            grants.start(actor=request.user, grant=grant, proof=step_up.given(request))
            messages.success(request, f"{grant.role} has started. The target is being told.")
            return redirect("grant_detail", pk)
    context = {"grant": grant, "factor": beforehand.of_start(request.user, grant)}
    return form_page(request, "grants/start.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
def hand_back(request: PortalRequest, pk: int) -> HttpResponse:
    grant = fetch.grant(request, pk, Verb.GRANT_HAND_BACK)
    if request.method != "POST":
        _check_stoppable(grant)
    renewal = Grant.objects.filter(renewal_of=grant, stopped_at__isnull=True).first()
    asked = AccessRequest.objects.open().filter(requester=request.user, renewal_of=grant).first()
    form = HandBackForm(renewal, asked, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        both = form.cleaned_data.get("renewal", False)
        with refusals_shown_in(form):
            grants.hand_back(actor=request.user, grant=grant, note=form.cleaned_data["note"], renewal=both)
            what = f"{grant.role} and its renewal" if both and renewal else str(grant.role)
            also = " The request to go on is withdrawn." if both and asked else ""
            messages.success(request, f"You have handed {what} back. The target is being told.{also}")
            if grant.activation_id:  # whose page leads to the statement that is owed now
                return redirect("activation_detail", grant.activation_id)
            return redirect("grant_detail", pk)
    return form_page(
        request, "grants/hand_back.html", form, {"grant": grant, "renewal": renewal, "asked": asked}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: PortalRequest, pk: int) -> HttpResponse:
    grant = fetch.grant(request, pk, Verb.GRANT_REVOKE)
    if request.method != "POST":
        _check_stoppable(grant)
    form = RevokeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            grants.revoke(actor=request.user, grant=grant, reason=form.cleaned_data["reason"])
            messages.success(request, f"{grant.role} of {grant.person} is revoked. The target is being told.")
            return redirect("grant_detail", pk)
    return form_page(request, "grants/revoke.html", form, {"grant": grant})


@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: PortalRequest, pk: int) -> HttpResponse:
    """A POST sets a fresh password on the target and shows it in its answer, once.

    There is no redirect: the password would have to be kept somewhere for the next page.
    """
    grant = fetch.grant(request, pk, Verb.GRANT_REVEAL)
    form = PortalForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        with refusals_shown_in(form):
            proof = step_up.given(request)
            with waits_for_target():
                secret = connecting.reveal(actor=request.user, grant=grant, proof=proof)
            return render(request, "grants/revealed.html", {"grant": grant, "secret": secret})
    context = {"grant": grant, "factor": beforehand.of_way_in(request.user, grant)}
    return form_page(request, "grants/reveal.html", form, context)


def _check_stoppable(grant: Grant) -> None:
    """No form to end what has ended; raises ``TransitionError``."""
    started = grant.status != GrantStatus.READY
    check_transition("grant", grant.status, GrantStatus.REMOVING if started else GrantStatus.ENDED)

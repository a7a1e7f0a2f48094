"""Who lacks a second factor that they need; and the reset of somebody's, who has lost them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import Person
from jitportal.operations import factors, factors_needed
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act
from jitportal.web import fetch, step_up
from jitportal.web.forms.factors import HolderForm, ResetForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters import beforehand
from jitportal.web.presenters import factors as presenter
from jitportal.web.refusals import form_page, refusals_shown_in


@require_safe
def people_factors(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.FACTORS_VIEW)
    form = HolderForm(request.GET if "q" in request.GET else None)
    context = {
        "needs": factors_needed.needs(now_of(request)),
        "found": factors_needed.found(form.words),
        "reset": fetch.answer(request, Verb.FACTORS_RESET),
    }
    return form_page(request, "factors/people.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
def factors_reset(request: PortalRequest, username: str) -> HttpResponse:
    fetch.require(request, Verb.FACTORS_VIEW)
    if request.method == "POST":
        fetch.require(request, Verb.FACTORS_RESET)
    person = get_object_or_404(Person.objects.active(), username=username)
    form = ResetForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            factors.reset(
                actor=request.user,
                person=person,
                reason=form.cleaned_data["reason"],
                proof=step_up.given(request),
            )
            messages.success(request, f"{person} has no second factor any more, and is told.")
            return redirect("people_factors")
    context = {
        "person": person,
        "factors": presenter.factors_page(person),
        "reset": fetch.answer(request, Verb.FACTORS_RESET),
        "factor": beforehand.of_act(request.user, Act.RESET),
    }
    return form_page(request, "factors/reset.html", form, context)

"""Break-glass before its use: what is open, whether it is needed, the accounts and the criteria."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.operations import probes
from jitportal.web import fetch
from jitportal.web.forms.emergencies import DecideForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters import emergencies
from jitportal.web.refusals import form_page


@require_safe
def desk(request: PortalRequest) -> HttpResponse:
    """Everybody may see that an emergency is open; the rest is for whoever has to do with it."""
    return render(request, "emergency/desk.html", {"desk": emergencies.desk(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: PortalRequest) -> HttpResponse:
    """Four questions. Nothing is stored: a POST, because what was typed may be long."""
    fetch.require_population(request)
    criteria = emergencies.criteria(now_of(request))
    choices = [(one.criterion.key, one.criterion.name) for one in criteria]
    form = DecideForm(request.POST if request.method == "POST" else None, criteria=choices)
    context: dict[str, object] = {"criteria": criteria}
    if form.is_bound and form.is_valid():
        why_not = form.why_not()
        context |= {"answered": True, "why_not": why_not, "said": form.cleaned_data}
        if why_not:
            context["routine"] = emergencies.routine_roles(request.user)
    return form_page(request, "emergency/decide.html", form, context)


@require_safe
def account(request: PortalRequest, key: str) -> HttpResponse:
    found = fetch.emergency_account(request, key)
    context = {"kept": emergencies.kept(found, now_of(request)), "account": found}
    return render(request, "emergency/account.html", context)


@require_safe
def criterion(request: PortalRequest, key: str) -> HttpResponse:
    found = fetch.criterion(request, key)
    context = {
        "criterion": found,
        "said": probes.says(found, now_of(request)),
        "results": emergencies.results(found),
    }
    return render(request, "emergency/criterion.html", context)

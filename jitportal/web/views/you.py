"""One's own pages: what the portal knows of one, and who decides while one is away."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from jitportal.models import Delegation
from jitportal.operations import delegations, people, power_holders, profile
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import Power
from jitportal.web import fetch, step_up
from jitportal.web.forms.you import DelegationForm, TimeZoneForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters import beforehand
from jitportal.web.presenters import you as presenter
from jitportal.web.presenters.times import exact_words
from jitportal.web.refusals import form_page, refusals_shown_in


@require_http_methods(["GET", "HEAD", "POST"])
def you(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.PROFILE_EDIT)
    posted = request.POST if request.method == "POST" else None
    form = TimeZoneForm(posted, initial={"time_zone": request.user.time_zone})
    if posted is not None and form.is_valid():
        with refusals_shown_in(form):
            zone = form.cleaned_data["time_zone"]
            profile.set_time_zone(actor=request.user, time_zone=zone)
            messages.success(request, f"Times are shown in {zone} from now on.")
            return redirect("you")
    return form_page(
        request, "you/you.html", form, {"you": presenter.you_page(request.user, now_of(request))}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def delegation(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.DELEGATION_MAKE)
    form = DelegationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            made = delegations.delegate(actor=request.user, proof=step_up.given(request), **form.cleaned_data)
            until = exact_words(made.ends_at, now_of(request))
            messages.success(request, f"{made.delegate} decides for you until {until}, and is told.")
            return redirect("you_delegation")
    context = {
        "delegations": presenter.delegations_of(request.user, now_of(request)),
        "colleagues": presenter.colleagues(request.user),
        "factor": beforehand.of_act(request.user, Act.DELEGATE),
    }
    return form_page(request, "you/delegation.html", form, context)


@require_POST
def delegation_end(request: PortalRequest, pk: int) -> HttpResponse:
    rows = Delegation.objects.select_related("delegator", "delegate")
    held = get_object_or_404(rows, pk=pk)
    fetch.authorised(request, held, Verb.DELEGATION_STOP, Verb.DELEGATION_STOP)
    delegations.stop(actor=request.user, delegation=held)
    messages.success(request, f"{held.delegate} no longer decides for {held.delegator}.")
    return redirect("you_delegation")


@require_http_methods(["GET", "HEAD", "POST"])
def standing_power_remove(request: PortalRequest, pk: int) -> HttpResponse:
    """Give up a power that nobody approved; what is asked for like any other stays."""
    held = get_object_or_404(request.user.standing_powers.filter(removed_at__isnull=True), pk=pk)
    if request.method == "POST":
        people.remove_standing_power(actor=request.user, standing_power=held)
        messages.success(request, f"You no longer hold {held.get_power_display()} without an end.")
        return redirect("you")
    power = [Power(held.power)]
    context = {
        "held": held,
        "others": [one for one in power_holders.holders(power, now_of(request)) if one != request.user],
        "could_ask": power_holders.could_ask(power),
    }
    return render(request, "you/power_remove.html", context)

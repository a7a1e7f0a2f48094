"""One use of break-glass: its form, its page, and how it goes on and ends."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest, Activation
from jitportal.operations import clock, emergencies, emergency_alerts, limits
from jitportal.operations.emergency_people import own_roles, security_contacts
from jitportal.operations.step_up import is_required
from jitportal.rules.errors import Conflict
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act
from jitportal.web import fetch, step_up
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.emergencies import ActivateForm, EndForm, ExtendForm, GiveBackForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.live import live_page
from jitportal.web.presenters import emergencies as shown
from jitportal.web.presenters.beforehand import of_extension
from jitportal.web.refusals import form_page, refusals_shown_in
from jitportal.web.waiting import waits_for_target

#: What the decision page hands over to the form.
_CARRIED = ("broken", "incident", "criterion")


@require_http_methods(["GET", "HEAD", "POST"])
def activate(request: PortalRequest) -> HttpResponse:
    """The emergency form. ``?request=`` names a request of one's own that it takes the place of."""
    fetch.require_population(request)
    waiting = _waiting(request)
    criteria = shown.criteria(now_of(request))
    roles = own_roles(request.user)
    only_looks = "look" in request.POST
    form = ActivateForm(
        request.POST if request.method == "POST" and not only_looks else None,
        roles=roles,
        accounts=shown.account_names(roles),
        criteria=[(one.criterion.key, one.criterion.name) for one in criteria],
        initial=_initial(request, waiting),
    )
    if form.is_bound and form.is_valid():
        with refusals_shown_in(form):
            limits.take("request", request.user.pk)
            with waits_for_target():
                made = emergencies.activate(
                    actor=request.user, claim=form.claim(), from_request=waiting, proof=step_up.given(request)
                )
            messages.success(request, "The target is being told. Everybody who must hear of it is alerted.")
            return redirect("activation_detail", made.pk)
    context = {
        "criteria": criteria,
        "access_request": waiting,
        "unheard": not security_contacts(),
        "second_factor": is_required(Act.BREAK_GLASS),
    }
    return form_page(request, "emergency/activate.html", form, context)


@require_safe
def detail(request: PortalRequest, pk: int) -> HttpResponse:
    page = shown.of_activation(request, fetch.activation(request, pk))
    now = shown.live_activation(request, page)
    return live_page(request, "emergency/activation.html", now, {"page": page, "activation": page.activation})


@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge(request: PortalRequest, pk: int) -> HttpResponse:
    activation = fetch.activation(request, pk, Verb.ALERT_ACKNOWLEDGE)
    form = PortalForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        with refusals_shown_in(form):
            emergency_alerts.acknowledge(actor=request.user, activation=activation)
            messages.success(request, "Acknowledged. Your name and the time stand with the activation.")
            return redirect("activation_detail", pk)
    return form_page(request, "emergency/acknowledge.html", form, {"activation": activation})


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: PortalRequest, pk: int) -> HttpResponse:
    activation = fetch.activation(request, pk, Verb.ACTIVATION_END)
    _refuse_over(request, activation)
    form = EndForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with refusals_shown_in(form):
            emergencies.end(actor=request.user, activation=activation, reason=form.cleaned_data["reason"])
            messages.success(request, f"{activation.account} is ended. The target is being told.")
            return redirect("activation_detail", pk)
    return form_page(request, "emergency/end.html", form, {"activation": activation})


@require_http_methods(["GET", "HEAD", "POST"])
def hand_back(request: PortalRequest, pk: int) -> HttpResponse:
    activation = fetch.activation(request, pk, Verb.ACTIVATION_HAND_BACK)
    _refuse_over(request, activation)
    form = GiveBackForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with refusals_shown_in(form):
            emergencies.hand_back(actor=request.user, activation=activation, note=form.cleaned_data["note"])
            messages.success(request, f"You have handed {activation.account} back. Now write your statement.")
            return redirect("activation_detail", pk)
    return form_page(request, "emergency/hand_back.html", form, {"activation": activation})


@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: PortalRequest, pk: int) -> HttpResponse:
    activation = fetch.activation(request, pk, Verb.ACTIVATION_EXTEND)
    _refuse_over(request, activation)
    posted = request.POST if request.method == "POST" else None
    form = ExtendForm(posted, longest=activation.role.max_minutes)
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        with refusals_shown_in(form):
            with waits_for_target():
                made = emergencies.extend(
                    actor=request.user,
                    activation=activation,
                    minutes=said["minutes"],
                    why=said["why"],
                    proof=step_up.given(request),
                )
            messages.success(request, "It goes on, as another activation. Everybody is alerted again.")
            return redirect("activation_detail", made.pk)
    context = {"activation": activation, "factor": of_extension(request.user)}
    return form_page(request, "emergency/extend.html", form, context)


def _waiting(request: PortalRequest) -> AccessRequest | None:
    """One's own open request that the form takes the place of; raises ``Http404`` for any other."""
    said = request.GET.get("request", "")
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        raise Http404
    mine = AccessRequest.objects.open().filter(requester=request.user)
    return get_object_or_404(mine.select_related("role__target", "scope", "current"), pk=int(said))


def _initial(request: PortalRequest, waiting: AccessRequest | None) -> dict[str, object]:
    initial: dict[str, object] = {}
    if waiting is not None:
        initial = {"broken": waiting.asked.justification, "incident": waiting.asked.ticket}
    if "drill" in request.GET:
        initial["drill"] = True
        initial["account"] = request.GET.get("account", "")
    for name in _CARRIED:
        if request.method == "POST" and request.POST.get(name):
            initial[name] = request.POST[name]
    return initial


def _refuse_over(request: PortalRequest, activation: Activation) -> None:
    """No form to end what has ended."""
    if request.method != "POST" and not activation.entitles(clock.now()):
        raise Conflict("This activation has ended already.")

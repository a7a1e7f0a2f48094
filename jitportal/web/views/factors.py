"""One's own second factors: what there is, adding one, removing one, and recovery codes."""

from __future__ import annotations

import json
from typing import Any

from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jitportal.operations import factors, one_time_codes, passkeys, provider, proving
from jitportal.operations import step_up as operation
from jitportal.operations.step_up import has_factor
from jitportal.rules.errors import Conflict
from jitportal.rules.permissions import Verb
from jitportal.web import fetch, kept, setups, step_up
from jitportal.web.forms.factors import CodesForm, PasskeyForm
from jitportal.web.http import PortalRequest
from jitportal.web.presenters import factors as presenter
from jitportal.web.refusals import form_page, refusals_shown_in

CODES, PASSKEY = "codes", "passkey"
_AGAIN = "That took too long, so here is a new one: begin again with this."


@require_safe
def you_factors(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.FACTORS_CHANGE)
    takes = step_up.takes_passkeys(step_up.site_of(request))
    context = {
        "factors": presenter.factors_page(request.user),
        "takes_passkeys": takes,
        "needed": settings.SECOND_FACTOR and not settings.STEP_UP_BY_PROVIDER,
        "waiting": kept.kept_by(request) if has_factor(request.user) else None,
    }
    return render(request, "factors/factors.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def you_factor_codes(request: PortalRequest) -> HttpResponse:
    """Shows a secret as a picture and as text, and takes the code that an app makes of it."""
    fetch.require(request, Verb.FACTORS_CHANGE)
    if request.method != "POST":
        presenter.refuse_second_app(request.user)
    form = CodesForm(request.POST if request.method == "POST" else None)
    secret = setups.opened(request.POST.get("setup", ""), request.user, CODES)
    if request.method == "POST" and form.is_valid():
        if secret is None:
            form.refuse(_AGAIN, None, 422)
        else:
            with refusals_shown_in(form):
                codes = factors.add_codes(
                    actor=request.user,
                    secret=secret,
                    code=form.cleaned_data["code"],
                    proof=step_up.given(request),
                    by_password=step_up.began_by_password(request),
                )
                return _added(request, codes)
    secret = secret or one_time_codes.new_secret()
    address = get_adapter().build_totp_url(request.user, secret)
    context = {
        "setup": setups.sealed(request.user, CODES, secret),
        "address": address,
        "secret": " ".join(secret[index : index + 4] for index in range(0, len(secret), 4)),
        "picture": _picture(address),
    }
    return form_page(request, "factors/codes.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
def you_factor_passkey(request: PortalRequest) -> HttpResponse:
    """Has the browser make a passkey, and takes its answer."""
    fetch.require(request, Verb.FACTORS_CHANGE)
    site = step_up.site_of(request)
    if not step_up.takes_passkeys(site):
        raise Conflict(
            "Browsers make passkeys for a host's name, and not for an address. Open the portal by its name."
        )
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        state = setups.opened(form.cleaned_data["setup"], request.user, PASSKEY)
        if state is None:
            form.refuse(_AGAIN, None, 422)
        else:
            with refusals_shown_in(form):
                codes = factors.add_passkey(
                    actor=request.user,
                    name=form.cleaned_data["name"],
                    answer=form.cleaned_data["answer"],
                    state=state,
                    site=site,
                    proof=step_up.given(request),
                    by_password=step_up.began_by_password(request),
                )
                return _added(request, codes)
    options, state = passkeys.to_register(request.user, site)
    context = {"setup": setups.sealed(request.user, PASSKEY, state), "options": json.dumps(options)}
    return form_page(request, "factors/passkey.html", form, context)


@require_http_methods(["GET", "HEAD", "POST"])
def you_step_up(request: PortalRequest) -> HttpResponse:
    """By the provider: what is to be confirmed waits here while they sign in there again.

    A page and a link, and no redirect: browsers let no form lead to another site here.
    """
    fetch.require(request, Verb.FACTORS_CHANGE)
    if request.method == "POST":
        kept.keep(request)
        return redirect("you_step_up")
    waiting, set_up = kept.kept_by(request), provider.current()
    asked = operation.opened(dict(waiting.fields).get(step_up.TOKEN, ""), request.user) if waiting else None
    if waiting is None or asked is None or set_up is None:
        return redirect("you_factors")
    context = {
        "asked": asked,
        "waiting": waiting,
        "provider": set_up,
        "came_back": proving.signed_in_since(asked, request.session.get(step_up.CLAIMS) or {}),
    }
    return render(request, "factors/by_provider.html", context)


@require_POST
def factor_remove(request: PortalRequest, pk: int) -> HttpResponse:
    fetch.require(request, Verb.FACTORS_CHANGE)
    name = factors.remove(actor=request.user, factor_id=pk, proof=step_up.given(request))
    messages.success(request, f"Removed: {name}.")
    return redirect("you_factors")


@require_POST
def you_recovery_codes(request: PortalRequest) -> HttpResponse:
    """New codes, shown in the answer and nowhere else: a redirect would have to keep them somewhere."""
    fetch.require(request, Verb.FACTORS_CHANGE)
    codes = factors.new_recovery_codes(actor=request.user, proof=step_up.given(request))
    return _shown_once(request, codes)


def _added(request: PortalRequest, codes: list[str]) -> HttpResponse:
    if codes:
        return _shown_once(request, codes)
    messages.success(request, "Added. It counts from now on.")
    return redirect("you_factors")


def _shown_once(request: PortalRequest, codes: list[str]) -> HttpResponse:
    context: dict[str, Any] = {"text": "\n".join(codes), "waiting": kept.kept_by(request)}
    return render(request, "factors/recovery_codes.html", context)


def _picture(address: str) -> str:
    """The QR code, without a style: the page gives it its light ground."""
    drawn = str(get_adapter().build_totp_svg(address))
    return mark_safe(drawn[drawn.index("<svg") :])  # noqa: S308  # qrcode's own drawing: squares

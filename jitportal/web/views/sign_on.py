"""Single sign-on: to the provider and back, with a page for whatever goes wrong on the way."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from allauth.account.utils import perform_login
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.views.decorators.http import require_safe

from jitportal.models import Person
from jitportal.operations import limits, provider, sign_on
from jitportal.operations.provider import ProviderTrouble, TokenRefused
from jitportal.rules.errors import JitportalError, TooOften
from jitportal.rules.limits import network_of
from jitportal.rules.sign_on import arrival
from jitportal.sign_on_settings import SignOn
from jitportal.web.middleware import trustworthy_address
from jitportal.web.own_address import own_address
from jitportal.web.refusals import say_when, status_of

log = logging.getLogger(__name__)

#: In the session: what the provider said of this sign-in. {issuer, subject, auth_time, acr, amr, at}
SAID = "sign_on"
_SHOWN = 300
_MOVED = "moved"


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponseBase:
    """To the provider. ``again``: they sign in there anew, though they have already."""
    set_up = _set_up()
    if settings.PRODUCTION and _elsewhere(request):
        return redirect(f"{settings.PUBLIC_URL}{request.path}?{urlencode({_MOVED: 1, **request.GET.dict()})}")
    try:
        limits.take("sign_on", network_of(trustworthy_address(request)))
        found = provider.discover(set_up)
    except (ProviderTrouble, TooOften) as error:
        return _trouble(request, error)
    again = request.user.is_authenticated and bool(request.GET.get("again"))
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    kept = {
        "nonce": nonce,
        "verifier": verifier,
        "next": own_address(request),
        "again": again,
        "at": int(_now()),
    }
    state = statekit.stash_state(request, provider_id=set_up.issuer, state=kept)
    address = provider.authorize_address(
        found, back=_back(), state=state, nonce=nonce, verifier=verifier, again=again
    )
    return HttpResponseRedirect(address)


@login_not_required
@require_safe
def callback(request: HttpRequest) -> HttpResponseBase:
    """Back from the provider."""
    set_up = _set_up()
    kept = statekit.unstash_state(request, state_id=request.GET.get("state", ""), provider_id=set_up.issuer)
    if kept is None:
        return _refused(
            request,
            "This sign-in wasn't begun in this browser, is finished already, or took too long. Begin again.",
        )
    try:
        limits.take("sign_on", network_of(trustworthy_address(request)))
        claims = _claims(request, set_up, kept)
        person = sign_on.arrive(sign_on=set_up, arrival=arrival(claims, set_up.claims))
    except (ProviderTrouble, TooOften) as error:
        return _trouble(request, error)
    except TokenRefused as error:
        log.warning("A sign-in by single sign-on was refused: %s", error)
        return _refused(request, f"{error} Nobody was signed in. Begin again.")
    except JitportalError as error:
        return _refused(request, error.sentence, status=status_of(error))
    return _signed_in(request, set_up, person, claims, kept)


def _claims(request: HttpRequest, set_up: SignOn, kept: dict[str, Any]) -> dict[str, object]:
    said = request.GET
    if said.get("error"):
        raise TokenRefused(_refusal_of_provider(said["error"]))
    if said.get("iss", set_up.issuer) != set_up.issuer or not said.get("code"):
        raise TokenRefused("The answer isn't from the provider that was asked.")
    claims = provider.redeem(
        provider.discover(set_up),
        code=said["code"],
        back=_back(),
        nonce=kept["nonce"],
        verifier=kept["verifier"],
    )
    signed_in_at = claims.get("auth_time")
    if kept["again"] and (not isinstance(signed_in_at, int) or signed_in_at < kept["at"] - provider.LEEWAY):
        raise TokenRefused("The provider didn't have you sign in anew.")
    return claims


def _signed_in(
    request: HttpRequest,
    set_up: SignOn,
    person: Person,
    claims: dict[str, object],
    kept: dict[str, Any],
) -> HttpResponseBase:
    after = kept["next"] or resolve_url(settings.LOGIN_REDIRECT_URL)
    if request.user.is_authenticated and request.user.pk == person.pk:
        _keep(request, set_up, claims)
        return redirect(after)
    if request.user.is_authenticated:
        if kept["again"]:
            return _refused(request, f"You signed in at the provider as {person}, and here you are another.")
        logout(request)
    account = SocialAccount(user=person, provider=set_up.issuer, uid=str(claims["sub"]))
    coming_in = SocialLogin(user=person, account=account)
    answer: HttpResponseBase = perform_login(
        request,
        person,
        email_verification="none",
        redirect_url=after,
        signal_kwargs={"sociallogin": coming_in},
    )
    if request.user.is_authenticated:
        _keep(request, set_up, claims)
    return answer


def _keep(request: HttpRequest, set_up: SignOn, claims: dict[str, object]) -> None:
    """What a step-up asks of the provider's own sign-in: when it was, and how sure."""
    request.session[SAID] = {
        "issuer": set_up.issuer,
        "subject": claims["sub"],
        **{name: claims.get(name) for name in ("auth_time", "acr", "amr")},
        "at": int(_now()),
    }


def _elsewhere(request: HttpRequest) -> bool:
    """Whether the browser is at another of the portal's names than that to which the provider sends it back:
    the session that it begins here would be missing there. Once is enough, whatever a proxy does to names.
    """
    return request.get_host() != urlsplit(settings.PUBLIC_URL).netloc and _MOVED not in request.GET


def _set_up() -> SignOn:
    set_up = provider.current()
    if set_up is None:
        raise Http404
    return set_up


def _back() -> str:
    """Where the provider sends people: fixed, as it stands there too."""
    return f"{settings.PUBLIC_URL}{reverse('sign_in_callback')}"


def _refusal_of_provider(code: str) -> str:
    if code == "access_denied":
        return "The provider didn't let you in, or you turned round."
    shown = code if code.isascii() and code.isprintable() and len(code) <= 60 else "an unknown error"
    return f"The provider refused: {shown}."


def _trouble(request: HttpRequest, error: Exception) -> HttpResponse:
    """Nothing was decided about anybody: try again, or in an emergency go round."""
    log.warning("Single sign-on doesn't work: %s", error)
    wait = error.wait if isinstance(error, TooOften) else None
    context = {"title": "Single sign-on doesn’t work now", "sentence": str(error)[:_SHOWN], "trouble": True}  # noqa: RUF001 - the page's apostrophe
    answer = render(request, "sign_in/refused.html", context, status=429 if wait else 503)
    return say_when(answer, wait)


def _refused(request: HttpRequest, sentence: str, *, status: int = 400) -> HttpResponse:
    context = {"title": "You aren’t signed in", "sentence": sentence}  # noqa: RUF001 - the page's apostrophe
    return render(request, "sign_in/refused.html", context, status=status)


def _now() -> float:
    return time.time()  # noqa: TID251 - compared with the provider's clock, not with the portal's

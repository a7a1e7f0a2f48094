"""The pages between somebody and an act that takes a second factor. What was typed stays with them.

A view hands ``given(request)`` to its operation, and needs nothing else: what the operation raises becomes a
page here, which holds every field that was sent and sends them again with the answer.
"""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jitportal.models import Person, StepUpProof
from jitportal.operations import first_factor, one_time_codes, passkeys, provider, proving, step_up
from jitportal.operations.passkeys import Site
from jitportal.operations.step_up import Ask, EnrolmentNeeded, StepUpNeeded
from jitportal.rules.step_up import Method
from jitportal.web import kept, known_browsers
from jitportal.web.http import PortalRequest

TOKEN, CODE, PASSKEY = "step_up_token", "step_up_code", "step_up_passkey"
PROVIDER, PASSWORD = "step_up_provider", "step_up_password"
#: Fields of the step-up's own, which aren't sent again.
OWN = frozenset({TOKEN, CODE, PASSKEY, PROVIDER, PASSWORD, kept.ADDRESS, "csrfmiddlewaretoken"})
#: Where single sign-on keeps what the provider said of this session: the claims of the last id token.
CLAIMS = "sign_on"
LONGEST = 200_000
#: Browsers leave these out of an origin.
_PORTS = {"https": 443, "http": 80}


def given(request: PortalRequest) -> StepUpProof | None:
    """The second factor that came with this request, verified and stored; None: there came none.

    Raises ``StepUpNeeded`` with what was wrong with it.
    """
    kept.sent(request)
    asked = step_up.opened(request.POST.get(TOKEN, "")[:LONGEST], request.user)
    return answered(request, asked, request.user) if asked else None


def answered(request: HttpRequest, asked: Ask, person: Person) -> StepUpProof | None:
    """The answer to this question, by whichever factor it came."""
    if answer := request.POST.get(PASSKEY, ""):
        return proving.prove_by_passkey(actor=person, asked=asked, answer=answer, site=site_of(request))
    if PROVIDER in request.POST and not request.POST.get(CODE):
        claims = request.session.get(CLAIMS) or {}
        return proving.prove_by_provider(actor=person, asked=asked, claims=claims)
    if password := request.POST.get(PASSWORD, "")[:LONGEST]:
        return proving.prove_by_password(actor=person, asked=asked, password=password)
    code = request.POST.get(CODE, "").strip()
    if not code and first_factor.is_for(asked, person):
        raise StepUpNeeded(asked.act, asked.about, asked.sentence, "Type your password.", own=asked.own)
    if not code:
        problem = "Type a code, or use a passkey."
        raise StepUpNeeded(asked.act, asked.about, asked.sentence, problem, own=asked.own)
    browser = known_browsers.known_as(request, person.username)
    return proving.prove_by_code(actor=person, asked=asked, code=code, browser=browser)


def site_of(request: HttpRequest) -> Site:
    """For which host passkeys are. In production it is the portal's own address, whatever name the request
    came by; elsewhere the request's.
    """
    address = settings.PUBLIC_URL if settings.PRODUCTION else f"{request.scheme}://{request.get_host()}"
    parts = urlsplit(address)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    try:
        number = parts.port
    except ValueError as error:
        raise DisallowedHost("There is no such port.") from error
    port = "" if number in (None, _PORTS.get(parts.scheme)) else f":{number}"
    return Site(host, f"{parts.scheme}://{named}{port}")


def takes_passkeys(site: Site) -> bool:
    """Browsers make passkeys for names, and not for bare addresses."""
    try:
        ip_address(site.host)
    except ValueError:
        return True
    return False


def page(request: HttpRequest, needed: StepUpNeeded | EnrolmentNeeded) -> HttpResponse:
    """What stands between: the question, or the way to a first second factor."""
    if isinstance(needed, EnrolmentNeeded):
        kept.keep(request)
        return render(request, "factors/enrol.html", {"sentence": str(needed)}, status=403)
    person = cast("Person", request.user)
    asked = step_up.ask(person, needed.act, needed.about, needed.sentence, own=needed.own)
    context = {
        **ways(request, asked, person),
        "asked": asked,
        "title": title_of(asked, person),
        "problem": needed.problem,
        "fields": kept.fields_of(request, OWN),
        "address": request.get_full_path(),
        "keep_in": kept.ADDRESS,
    }
    return render(request, "factors/step_up.html", context, status=422 if needed.problem else 403)


def title_of(asked: Ask, person: Person) -> str:
    """What the page asks for."""
    first = first_factor.is_for(asked, person)
    return "Show that it is you" if first else "Confirm with your second factor"


def ways(request: HttpRequest, asked: Ask, person: Person) -> dict[str, Any]:
    """By which factors this person can answer, for the template."""
    site = site_of(request)
    options = passkeys.to_sign(person, asked.challenge, site) if takes_passkeys(site) else None
    counts = settings.STEP_UP_BY_PROVIDER and not asked.own
    way = None
    if first_factor.is_for(asked, person):
        way = first_factor.way(person, by_password=began_by_password(request))
    return {
        "token": step_up.sealed(asked),
        "passkey": json.dumps(options) if options else "",
        "codes": one_time_codes.takes_codes(person),
        "has_app": one_time_codes.has_app(person),
        "provider": provider.current() if counts or way is Method.PROVIDER else None,
        "password": way is Method.PASSWORD,
    }


def began_by_password(request: HttpRequest) -> bool:
    """Whether this session did, and not by single sign-on."""
    return CLAIMS not in request.session

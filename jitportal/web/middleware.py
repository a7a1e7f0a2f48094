"""Headers on every answer, who acts from where, the person's time zone, and refusals as pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from jitportal.audit.context import AuditContext, bound
from jitportal.operations.step_up import EnrolmentNeeded, StepUpNeeded
from jitportal.operations.time_zones import zone_of
from jitportal.rules.errors import JitportalError
from jitportal.web import step_up
from jitportal.web.refusals import refusal_page

Next = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

#: What no page here needs. Copying a text and signing in with a passkey stay allowed.
_NEEDED_BY_NO_PAGE = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _NEEDED_BY_NO_PAGE),
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
}

#: Twice what Django reads into memory of a form's fields: a policy's file fits in beside its text.
LARGEST_BODY = 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,47}")  # 64 fit into the record, with what is added
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*):\d+")


class BodySizeMiddleware:
    """Refuses a body that no form takes before anything of it is read.

    Django bounds a form's fields, and not the files beside them: those it would write to the disk,
    whatever their size and whoever sends them.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        said = request.headers.get("Content-Length", "")
        if said.isdecimal() and int(said[:19]) > LARGEST_BODY:
            raise RequestDataTooBig(f"A body of {said[:19]} bytes was refused; {LARGEST_BODY} are allowed.")
        return self.get_response(request)


class SecurityHeadersMiddleware:
    """Nothing inline, nothing from elsewhere, no framing; and no page is kept in a cache.

    It stands outside all others: a redirect to https, a refused host and a static file carry the
    headers too. Files say themselves how long they may be kept.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class AuditContextMiddleware:
    """Binds who acts, from which address, and the id that ties a request's traces together."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        correlation = correlation_id(request)
        request.correlation_id = correlation  # type: ignore[attr-defined]
        actor_id = request.user.pk if request.user.is_authenticated else None
        context = AuditContext(
            actor_id=actor_id, correlation_id=correlation, address=trustworthy_address(request)
        )
        with bound(context):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = correlation
        return response


def correlation_id(request: HttpRequest) -> str:
    """The caller's X-Request-ID where it is short and safe, made this request's own; else a fresh one.

    What belongs together in the record is found by this id. Whoever chose it whole could put what they
    did under somebody else's event, or bury an event's changes under hundreds of others.
    """
    said, own = request.headers.get("X-Request-ID", ""), uuid4().hex
    return f"{said}.{own[:16]}" if _SAFE_ID.fullmatch(said) else own


def trustworthy_address(request: HttpRequest) -> str | None:
    """Where the request came from, as far as the operator's own proxies vouch for it.

    Each proxy appends the address it was called from, so with N trusted proxies the Nth from the
    right is the first that nobody could forge. With fewer entries than proxies somebody has gone
    round them: then only the peer's own address is known. What is no address is None.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    proxies = settings.TRUSTED_PROXIES
    if proxies < 1:
        return _address(peer)
    entries = [entry for entry in request.headers.get("X-Forwarded-For", "").split(",") if entry.strip()]
    return _address(entries[-proxies] if len(entries) >= proxies else peer)


def _address(text: str) -> str | None:
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    if match:
        text = match[1] or match[2] or ""
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None


class TimeZoneMiddleware:
    """Times are shown, and read, in the person's own zone."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zone_of(request.user)):
            return self.get_response(request)


class RefusalMiddleware:
    """A refusal that no view has put into its form becomes a page with the fitting status."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, JitportalError):
            return refusal_page(request, exception)
        if isinstance(exception, StepUpNeeded | EnrolmentNeeded):
            return step_up.page(request, exception)
        return None


class SignInAgainMiddleware:
    """Where a part of a page asks after the session has ended, the whole page goes to sign in."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        place = response.headers.get("Location", "")
        if "HX-Request" in request.headers and place.partition("?")[0] == resolve_url(settings.LOGIN_URL):
            return HttpResponseClientRefresh()
        return response

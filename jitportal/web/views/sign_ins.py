"""Where targets report sign-ins of emergency accounts: by a host's own token, or by the operator's."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from jitportal.models import EmergencyAccount, SshHost
from jitportal.operations import limits, sign_ins, ssh_hosts
from jitportal.operations.sign_ins import Seen
from jitportal.rules.errors import Invalid, JitportalError, NotAllowed, TooOften
from jitportal.rules.plain_text import is_plain
from jitportal.web.refusals import say_when, status_of

LARGEST = 8_192
LONGEST = 200


@csrf_exempt
@login_not_required
@require_POST
def report_sign_in(request: HttpRequest) -> JsonResponse:
    """``{"account", "login", "at", "reference", "address", "detail"}``: what came of it, as JSON."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() if kind.lower() == "bearer" else ""
    host = ssh_hosts.by_token(token) if token else None
    if host is None and not _is_operators(token):
        refused = _no("Give a token as Authorization: Bearer.", HTTPStatus.UNAUTHORIZED)
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused
    try:
        said = _read(request)
        account = _account(said, host)
        limits.take("report", f"host {host.pk}" if host else f"account {account.pk}")
        sign_in = sign_ins.report(
            source="ssh" if host else "report",
            account=account,
            seen=_seen(said, f"{host.pk}" if host else f"account {account.pk}"),
        )
    except JitportalError as error:
        refused = _no(error.sentence, status_of(error))
        say_when(refused, error.wait if isinstance(error, TooOften) else None)
        return refused
    orphan = sign_in.activation_id is None
    return JsonResponse({"sign_in": sign_in.pk, "activation": sign_in.activation_id, "orphan": orphan})


def _is_operators(token: str) -> bool:
    known = settings.SIGN_IN_REPORT_TOKEN
    return bool(known and token) and constant_time_compare(token, known)


def _read(request: HttpRequest) -> dict[str, Any]:
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise Invalid(f"A report holds {LARGEST:,} bytes at the most.")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError and what is no JSON, or without end
        said = None
    if not isinstance(said, dict):
        raise Invalid("Send a JSON object.")
    return said


def _account(said: dict[str, Any], host: SshHost | None) -> EmergencyAccount:
    """By its key; a host may name the login alone, and speaks of its own target's accounts alone."""
    if host is not None and "account" not in said:
        found = EmergencyAccount.objects.filter(target=host.target, login=_text(said, "login")).first()
        if found is None:
            raise Invalid("No emergency account of this fleet has this login.", field="login")
        return found
    account = sign_ins.account_named(_text(said, "account"))
    if host is not None and account.target_id != host.target_id:
        raise NotAllowed("This host belongs to another target than that account.")
    return account


def _seen(said: dict[str, Any], whose: str) -> Seen:
    """Two systems may know different sign-ins by one reference: it counts for one host, or one account."""
    return Seen(
        login=_text(said, "login"),
        at=_moment(_text(said, "at")),
        reference=f"{whose}:{_text(said, 'reference')}",
        address=_address(_text(said, "address", needed=False)),
        detail=_text(said, "detail", needed=False, longest=2_000),
    )


def _text(said: dict[str, Any], name: str, *, needed: bool = True, longest: int = LONGEST - 20) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or (needed and not value.strip()) or len(value) > longest:
        raise Invalid(f"{name} is a text of 1 to {longest} characters.", field=name)
    if not is_plain(value):
        raise Invalid("The text holds characters that aren't text.", field=name)
    return value.strip()


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid("at is a moment with its zone, as 2030-01-31T14:00:00Z.", field="at")
    return at


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text)) if text else None
    except ValueError:
        raise Invalid("address is an IP address.", field="address") from None


def _no(sentence: str, status: int) -> JsonResponse:
    return JsonResponse({"refused": sentence}, status=status)

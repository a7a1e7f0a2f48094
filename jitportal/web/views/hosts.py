"""Addresses for the hosts of a fleet: what they fetch, what they say, and the recordings they deliver.

They sign in with a token of their own, in the Authorization header. The list of revoked certificates and
the authority's public key are anybody's to read: nothing in them is secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import Recording, SshHost, Target
from jitportal.operations import recordings, ssh_hosts
from jitportal.operations.recordings import LARGEST_PIECE, Announced, Piece, TooLarge, WrongOffset
from jitportal.rules.errors import Conflict, JitportalError, OutsideError, TooOften
from jitportal.rules.vocabulary import RecordingKind
from jitportal.web.refusals import say_when

LARGEST_NOTE = 16_384
LATEST = 253_402_214_400  # the last day of the year 9999: later is no moment
_SESSION = re.compile(r"[A-Za-z0-9_-]{8,100}", re.ASCII)
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_SHA256 = re.compile(r"[0-9a-f]{64}")
View = Callable[..., HttpResponseBase]


def for_hosts(*methods: str) -> Callable[[View], View]:
    """An address for hosts: these methods, with a token; what is refused is JSON with a sentence."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            host = ssh_hosts.by_token(token.strip()) if kind.lower() == "bearer" else None
            if host is None:
                refused = _no("Give this host's token as Authorization: Bearer.", HTTPStatus.UNAUTHORIZED)
                refused.headers["WWW-Authenticate"] = "Bearer"
                return refused
            try:
                return view(request, host, *args, **kwargs)
            except JitportalError as error:
                return _refused(error)

        return csrf_exempt(login_not_required(require_http_methods(methods)(answer)))

    return decorate


@login_not_required
@require_safe
def revoked_list(request: HttpRequest, key: str) -> HttpResponse:
    """The revocation list of a fleet, made anew for each answer: no cache may hold it back."""
    try:
        listed = ssh_hosts.revocation_list(_target(key))
    except OutsideError as error:
        return _no(error.sentence, HTTPStatus.SERVICE_UNAVAILABLE)
    answer = HttpResponse(listed, content_type="application/octet-stream")
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["ETag"] = f'"{hashlib.sha256(listed).hexdigest()}"'
    return get_conditional_response(request, etag=answer.headers["ETag"], response=answer) or answer


@login_not_required
@require_safe
def authority_key(_request: HttpRequest, key: str) -> HttpResponse:
    """The public key that the hosts of a fleet trust."""
    try:
        line = ssh_hosts.authority_line(_target(key))
    except OutsideError as error:
        return _no(error.sentence, HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(f"{line}\n", content_type="text/plain; charset=us-ascii")


@for_hosts("POST")
def host_report(request: HttpRequest, host: SshHost) -> HttpResponse:
    """What a host says of itself, and its clock's time."""
    said = _json(request)
    ssh_hosts.heard(host, said, _moment(said.get("time")))
    return JsonResponse({"host": host.name})


@for_hosts("POST")
def host_recordings(request: HttpRequest, host: SshHost) -> HttpResponse:
    """Announce a recording; the answer says where to go on. Announced again, it is the same one."""
    said = _json(request)
    try:
        announced = Announced(
            session=str(said["session"]),
            serial=int(str(said["serial"])),
            account=str(said["account"])[:200],
            kind=RecordingKind(str(said["kind"])),
            started=float(said["started"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return _no("Say session, serial, account, kind and started.", HTTPStatus.UNPROCESSABLE_ENTITY)
    if not _SESSION.fullmatch(announced.session) or not 0 < announced.serial < 2**63:
        return _no("The session or the serial can't be one.", HTTPStatus.UNPROCESSABLE_ENTITY)
    made = recordings.begin(host, announced)
    body = {"recording": made.pk, "offset": made.size, "finished": made.finished_at is not None}
    return _with_end(JsonResponse(body, status=HTTPStatus.CREATED), made)


@for_hosts("GET", "HEAD", "PATCH")
def host_recording(request: HttpRequest, host: SshHost, pk: int) -> HttpResponse:
    """HEAD says how far it has come; PATCH brings the next piece."""
    found = recordings.of_host(host, pk)
    if found is None:
        return _no("There is no such recording of this host.", HTTPStatus.NOT_FOUND)
    if request.method != "PATCH":
        return _with_end(HttpResponse(status=HTTPStatus.NO_CONTENT), found)
    piece = _piece(request)
    if piece is None:
        said = "Say Upload-Offset and Repr-Digest (sha-256); with Upload-Complete: ?1 the hash of the whole."
        return _no(said, HTTPStatus.UNPROCESSABLE_ENTITY)
    received = recordings.receive(found, piece)
    return _with_end(HttpResponse(status=HTTPStatus.NO_CONTENT), received)


def _piece(request: HttpRequest) -> Piece | None:
    """The piece as its headers and body give it; None: they don't."""
    offset = request.headers.get("Upload-Offset", "")
    digest = _DIGEST.fullmatch(request.headers.get("Repr-Digest", ""))
    last = request.headers.get("Upload-Complete", "?0") == "?1"
    whole = request.headers.get("X-Whole-Sha256", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 19) or digest is None:
        return None
    if last and not _SHA256.fullmatch(whole):
        return None
    try:
        sha256 = base64.b64decode(digest[1], validate=True).hex()
    except binascii.Error:
        return None
    data = request.read(LARGEST_PIECE + 1)
    return Piece(int(offset), data, sha256, last=last, whole=whole)


def _with_end(answer: HttpResponse, recording: Recording) -> HttpResponse:
    answer.headers["Upload-Offset"] = str(recording.size)
    if why := recordings.why_ended(recording):
        answer.headers["Session-Ended"] = why
    return answer


def _moment(said: object) -> float | None:
    """A host's time in seconds since 1970; None for what is no time of a clock."""
    if not isinstance(said, int | float) or isinstance(said, bool) or not 0 <= said < LATEST:
        return None
    return float(said)


def _json(request: HttpRequest) -> dict[str, Any]:
    """The body as an object; what is none is an empty one."""
    try:
        said = json.loads(request.read(LARGEST_NOTE))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _target(key: str) -> Target:
    found = get_object_or_404(Target, key=key, connector="ssh")
    if found.retired_at is not None:
        raise Http404
    return found


def _refused(error: JitportalError) -> HttpResponse:
    if isinstance(error, TooOften):
        return say_when(_no(error.sentence, HTTPStatus.TOO_MANY_REQUESTS), error.wait)
    if isinstance(error, TooLarge):
        return _no(error.sentence, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.UNPROCESSABLE_ENTITY
    answer = _no(error.sentence, status)
    if isinstance(error, WrongOffset):
        answer.headers["Upload-Offset"] = str(error.offset)
    return answer


def _no(sentence: str, status: HTTPStatus) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=status)

"""Recordings: what is known of one, and, once it is written down who looks, the recording itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from django.core import signing
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from jitportal.models import Person, Recording
from jitportal.operations import recording_text, recordings
from jitportal.web import fetch
from jitportal.web.forms.recordings import RecordingSearchForm
from jitportal.web.http import PortalRequest
from jitportal.web.middleware import CONTENT_SECURITY_POLICY
from jitportal.web.presenters import recordings as presenter

#: One viewing, with its reloads and searches.
VIEWING_SECONDS = 4 * 60 * 60
_SALT = "jitportal.recordings"
#: The player is compiled code (WebAssembly), which no other page needs.
PLAYERS_POLICY = CONTENT_SECURITY_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
BLOCK = 65_536
#: One part of a file; of several at once the whole file is sent, as is allowed.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@require_safe
def detail(request: PortalRequest, pk: int) -> HttpResponse:
    """What is known of it, without showing any of it."""
    found = fetch.recording(request, pk)
    return render(request, "recordings/detail.html", {"recording": found, "facts": presenter.facts_of(found)})


@require_POST
def watch(request: PortalRequest, pk: int) -> HttpResponse:
    """Write the viewing down, then show it: reading alone changes nothing, so this is a click."""
    found = fetch.recording(request, pk)
    recordings.viewed(actor=request.user, recording=found)
    return redirect("recording_play", pk, token_for(request.user, found.pk))


@require_safe
def play(request: PortalRequest, pk: int, token: str) -> HttpResponse:
    """The player, with the commands and a search beside it."""
    found = _viewing(request, pk, token)
    form = RecordingSearchForm(request.GET or None)
    words = form.cleaned_data["q"] if form.is_bound and form.is_valid() else ""
    shown = presenter.shown(found, words, token)
    status = 422 if form.is_bound and not form.is_valid() else 200
    answer = render(
        request, "recordings/play.html", {"recording": found, "shown": shown, "form": form}, status=status
    )
    answer.headers["Content-Security-Policy"] = PLAYERS_POLICY
    return answer


@require_safe
def cast(request: PortalRequest, pk: int, token: str) -> StreamingHttpResponse:
    """What the player plays: sound events alone, streamed.

    It is made while it is sent, and its player takes all of it at once: no part of it can be asked for, as
    one of the file can.
    """
    found = _viewing(request, pk, token)
    if not recording_text.is_cast(found):
        raise Http404
    answer = StreamingHttpResponse(recording_text.playable(found), content_type="application/x-asciicast")
    answer.headers["Accept-Ranges"] = "none"
    return answer


@require_safe
def whole_file(request: PortalRequest, pk: int, token: str) -> HttpResponseBase:
    """The recording exactly as it came, to be kept or to be checked against its hash; a part, if asked."""
    found = _viewing(request, pk, token)
    size = found.size if recordings.path_of(found).exists() else 0
    first, end = _part(request, found, size)
    if size and first >= end:
        refused = HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        refused.headers["Content-Range"] = f"bytes */{size}"
        return refused
    answer = StreamingHttpResponse(_bytes_of(found, first, end), content_type="application/octet-stream")
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Content-Length"] = str(end - first)
    if found.sha256:
        answer.headers["ETag"] = f'"{found.sha256}"'
    if (first, end) != (0, size):
        answer.status_code = HTTPStatus.PARTIAL_CONTENT
        answer.headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    ending = "cast" if recording_text.is_cast(found) else "txt"
    answer.headers["Content-Disposition"] = f'attachment; filename="recording-{found.pk}.{ending}"'
    return answer


def token_for(person: Person, pk: int) -> str:
    """What a viewing's address carries: whose it is, and of what."""
    return str(signing.TimestampSigner(salt=_SALT).sign(f"{pk}.{person.pk}")).replace(":", "~")


def _viewing(request: PortalRequest, pk: int, token: str) -> Recording:
    """The recording, where this person's viewing of it was written down lately."""
    found: Recording = fetch.recording(request, pk)
    try:
        said = signing.TimestampSigner(salt=_SALT).unsign(token.replace("~", ":"), max_age=VIEWING_SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    if said != f"{found.pk}.{request.user.pk}":
        raise Http404
    return found


def _part(request: PortalRequest, found: Recording, size: int) -> tuple[int, int]:
    """The bytes that were asked for, first and end: all, where none are named or the file is another."""
    named = _RANGE.fullmatch(request.headers.get("Range", ""))
    begun = request.headers.get("If-Range")
    if not size or named is None or named.groups() == ("", "") or (begun and begun != f'"{found.sha256}"'):
        return 0, size
    first, last = named.groups()
    if not first:  # the last so many
        return max(0, size - int(last)), size if int(last) else 0
    return int(first), min(size, int(last) + 1) if last else size


def _bytes_of(found: Recording, first: int, end: int) -> Iterator[bytes]:
    left = end - first
    if left <= 0:
        return
    with recordings.path_of(found).open("rb") as file:
        file.seek(first)
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block

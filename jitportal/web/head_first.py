"""Pages whose head is sent before the rest is known, so that the browser works while the portal does.

A browser needs the head alone to fetch the styles and the scripts, and to make room for a page. Where the
head comes at once, that goes on beside the queries and the templates of the rest, and the page shows sooner
by as much. docs/adr/0015 says what such a page gives up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from gzip import GzipFile
from io import BytesIO
from secrets import randbelow
from typing import Any

from django.contrib.messages import get_messages
from django.core.signals import got_request_exception
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers

from jitportal.rules.errors import JitportalError
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.refusals import sentences_of

#: What ``part`` says in a template: the first of two, or the second. Else it is a page in one piece.
HEAD, REST = "head", "rest"

BROKEN = (
    "The portal failed to show this page, and nothing was changed. Load it again; if it stays, tell the "
    "operators the reference below."
)

Context = Callable[[], dict[str, Any]]

logger = logging.getLogger(__name__)


class HeadFirst(StreamingHttpResponse):
    """A page in two pieces, each sent as soon as it is made."""


def page(request: PortalRequest, template: str, context: Context, status: int = 200) -> HttpResponseBase:
    """The page, its head first where a browser opens it.

    ``context`` is called after the head has gone: whatever decides on the answer's status, or that there is
    another answer, comes before. ``template``'s title and styles are the same whatever it shows.
    """
    answer: HttpResponseBase
    if opened_by_browser(request) and not _says_something(request):
        get_token(request)  # its cookie goes with the headers: with the form that needs it, it is too late
        now_of(request)  # the page agrees with its head
        # When the rest is made the middleware has been left: the person's zone, and who acts, are copied.
        answer = HeadFirst(_parts(request, template, context, copy_context().run), status=status)
    else:
        answer = render(request, template, context(), status=status)
    patch_vary_headers(answer, ("HX-Request",))
    return answer


def opened_by_browser(request: PortalRequest) -> bool:
    """Whether a browser says that it opens a document. Programs and parts of a page have it in one piece."""
    headers = request.headers
    as_document = headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return request.method == "GET" and not request.htmx and as_document


def _says_something(request: PortalRequest) -> bool:
    """Whether a message waits. That it was shown is said in a header, so the page has to be made before."""
    return len(get_messages(request)) > 0


def _parts(request: PortalRequest, template: str, context: Context, run: Callable[..., str]) -> Iterator[str]:
    def rest() -> str:
        return render_to_string(template, {"part": REST, **context()}, request)

    yield run(render_to_string, template, {"part": HEAD}, request)
    try:
        yield run(rest)
    except JitportalError as refusal:
        yield _broken_off(request, " ".join(sentences_of(refusal)))
    except Exception:  # the status has gone, so that nobody further out can make a page of it
        logger.exception("%s broke off after its head.", request.path)
        got_request_exception.send(sender=HeadFirst, request=request)
        yield _broken_off(request, BROKEN)


def _broken_off(request: HttpRequest, text: str) -> str:
    """What stands in for the rest; it needs no person and no database."""
    reference = getattr(request, "correlation_id", "")
    return render_to_string("errors/broken_off.html", {"text": text, "reference": reference})


class PageCompressionMiddleware(GZipMiddleware):
    """Django's, which holds small pieces back until there are more; a page's head goes on at once."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, HeadFirst):
            return super().process_response(request, response)
        patch_vary_headers(response, ("Accept-Encoding",))
        if re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")):
            response.streaming_content = _compressed(iter(response), self.max_random_bytes)
            response.headers["Content-Encoding"] = "gzip"
        return response


def _compressed(pieces: Iterable[bytes], most_random: int) -> Iterator[bytes]:
    """Each piece, so that all of it can be read when it has come. A random name hides their lengths."""
    held = BytesIO()
    with GzipFile("a" * randbelow(most_random), "wb", 6, held, mtime=0) as compressing:
        for piece in pieces:
            compressing.write(piece)
            compressing.flush()  # a synchronizing one
            yield _taken(held)
    yield _taken(held)


def _taken(held: BytesIO) -> bytes:
    taken = held.getvalue()
    held.seek(0)
    held.truncate()
    return taken

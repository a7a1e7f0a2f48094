"""Pages that stand in for another. They need no person and no database, so they always show."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    reference = getattr(request, "correlation_id", "")
    content = render_to_string("errors/plain.html", {"title": title, "text": text, "reference": reference})
    return HttpResponse(content, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        text = "That is more than any field takes, so nothing was saved. Shorten it and send it again."
        return _page(request, 413, "That is too much at once", text)
    text = "The portal couldn't read what was sent, so nothing changed. Go back and try again."
    return _page(request, 400, "That couldn't be read", text)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = str(exception or "") or "You aren't allowed to do this. Nothing was changed."
    return _page(request, 403, "This isn't yours to do", text)


def csrf_failure(request: HttpRequest, **_said: object) -> HttpResponse:
    text = (
        "The form was older than your session, or cookies are blocked, so nothing was saved. Go back, copy "
        "what you typed, reload the page and send it again."
    )
    return _page(request, 403, "This form had gone stale", text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    del exception  # Django's words are for developers
    text = "There is nothing at this address, or it isn't yours to see. Check the link."
    return _page(request, 404, "Not found", text)


def broken(request: HttpRequest) -> HttpResponse:
    text = (
        "The portal failed to show this page. Nothing was half done: a change is either recorded in full or "
        "not at all. Try again; if it stays, tell the operators the reference below."
    )
    return _page(request, 500, "Something broke", text)

"""Pages that keep up: while something is on its way, the page asks again, and is told only what is new.

Without script a reload does the same. A page that reads the same answers 204, so that nothing is
swapped under the reader's hands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django_htmx.http import HttpResponseStopPolling

from jitportal.web.http import PortalRequest

#: Seconds between two questions: while a target is at work, while people decide, while time runs.
AT_WORK, DECIDING, RUNNING = 2, 5, 10
#: While somebody works through a list that others change too.
WATCHING = 15
#: Seconds for a page on which nothing can change by itself.
SETTLED = 0


@dataclass(frozen=True, slots=True)
class Live:
    """What a page shows, in short; and how soon to ask again (0: never)."""

    seen: str
    seconds: int


def live(seconds: int, *shown: object) -> Live:
    return Live(hashlib.sha256(repr(shown).encode()).hexdigest()[:16], seconds)


def live_page(request: PortalRequest, template: str, now: Live, context: Mapping[str, Any]) -> HttpResponse:
    """The whole page; 204 where the page asks for news and there is none."""
    if request.htmx and request.GET.get("seen") == now.seen:
        return HttpResponse(status=204) if now.seconds else HttpResponseStopPolling()
    answer = render(request, template, {"live": now, **context})
    answer.headers["Vary"] = "HX-Request"
    return answer

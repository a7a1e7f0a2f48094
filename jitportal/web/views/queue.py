"""The queue of an approver: the list, and the chosen request beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jitportal.models import AccessRequest
from jitportal.operations.decisions import seen_digest
from jitportal.rules.errors import NotAllowed
from jitportal.rules.vocabulary import Verdict
from jitportal.web import fetch, head_first
from jitportal.web.forms.decisions import FORMS, VerdictForm, seen_of
from jitportal.web.forms.queue import ALL, QueueFilter
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.live import WATCHING, Live, live, live_page
from jitportal.web.paging import Page
from jitportal.web.presenters.decision import DecisionBox, decision_box
from jitportal.web.presenters.queue import QueueRow, address, chips, queue_page

#: Ids and minutes in an address are no longer than this: databases hold them.
MOST_DIGITS = 9

TEMPLATE = "queue/queue.html"


@dataclass(frozen=True, slots=True)
class Pane:
    """The chosen request, and the addresses of what can be done in the pane.

    ``form`` is open where the address names a verdict that the viewer can give. ``seen`` and ``digest`` are
    what the pane was shown with, for whoever asks what has changed since.
    """

    box: DecisionBox
    form: VerdictForm | None
    seen: str
    digest: str
    approve: str
    send_back: str
    deny: str
    closed: str

    @property
    def request(self) -> AccessRequest:
        return self.box.access_request

    @property
    def action(self) -> str:
        """Where the open form is sent to."""
        return reverse(f"decide_{self.form.verdict}", args=[self.request.pk]) if self.form else ""

    @property
    def lengths(self) -> list[tuple[int, str]]:
        """Shorter lengths, each with the address that fills it in."""
        return [(minutes, f"{self.approve}&minutes={minutes}") for minutes in self.box.shorter]


@require_safe
def queue(request: PortalRequest) -> HttpResponseBase:
    """What waits for the person; ``chosen`` in the address opens one of the requests beside the list, and
    ``verdict`` the form to give it. Without ``chosen`` the first is open, where there is room.
    """
    form = QueueFilter(request.GET, auto_id="filter_%s")
    if not request.htmx:
        return head_first.page(
            request, TEMPLATE, lambda: _shown(request, form, _page(request, form)), form.status
        )
    page = _page(request, form)
    now = _live(page)
    if request.GET.get("seen") == now.seen:
        return live_page(request, TEMPLATE, now, {})
    answer = render(request, TEMPLATE, _shown(request, form, page), status=form.status)
    answer.headers["Vary"] = "HX-Request"
    return answer


def _page(request: PortalRequest, form: QueueFilter) -> Page[QueueRow]:
    after = request.GET.get("after", "")
    return queue_page(request.user, now_of(request), form.sought, everybodys=form.everybodys, after=after)


def _shown(request: PortalRequest, form: QueueFilter, page: Page[QueueRow]) -> dict[str, Any]:
    asked_for = _asked_for(request, page)
    chosen = asked_for or (page.rows[0].access_request if page.rows else None)
    return {
        "filter": form,
        "everybodys": form.everybodys,
        "mine": address(request.GET, show="", after=""),
        "all": address(request.GET, show=ALL, after=""),
        "chips": chips(form, request.GET),
        "page": page,
        "here": address(request.GET),
        "row_base": _row_base(address(request.GET)),
        "more": address(request.GET, after=page.following) if page.following else "",
        "first": "" if page.first else address(request.GET, after=""),
        "changed": request.htmx and "seen" in request.GET,
        "chosen": chosen,
        "asked_for": asked_for is not None,
        "pane": _pane(request, page, chosen) if chosen else None,
        "live": _live(page),
    }


def _asked_for(request: PortalRequest, page: Page[QueueRow]) -> AccessRequest | None:
    """The request that the address names, if this person may see it: also where others have decided it."""
    chosen = request.GET.get("chosen", "")
    for row in page.rows:
        if str(row.access_request.pk) == chosen:
            return row.access_request
    if not _number(chosen):
        return None
    try:
        return fetch.access_request(request, int(chosen))
    except (Http404, NotAllowed):
        return None


def _pane(request: PortalRequest, page: Page[QueueRow], chosen: AccessRequest) -> Pane:
    plans = {row.access_request.pk: row.plan for row in page.rows}
    box = decision_box(chosen, request.user, now_of(request), plans.get(chosen.pk))
    here, onward = (address(request.GET, chosen=pk) for pk in (str(chosen.pk), _next(page, chosen)))
    return Pane(
        box=box,
        form=None if box.why_not else _form(request, chosen, onward),
        seen=seen_of(chosen),
        digest=seen_digest(chosen),
        approve=f"{here}&verdict=approve",
        send_back=f"{here}&verdict=send_back",
        deny=f"{here}&verdict=deny",
        closed=here,
    )


def _form(request: PortalRequest, chosen: AccessRequest, back: str) -> VerdictForm | None:
    """The form of the verdict that the address names; for approving, with the minutes that it names."""
    verdict, minutes = request.GET.get("verdict", ""), request.GET.get("minutes", "")
    if verdict not in set(Verdict):
        return None
    initial: dict[str, object] = {"back": back}
    if _number(minutes) and 1 <= int(minutes) <= chosen.minutes:
        initial["minutes"] = int(minutes)
    return FORMS[Verdict(verdict)](chosen, initial=initial)


def _next(page: Page[QueueRow], chosen: AccessRequest) -> str:
    """The request after the chosen one in the list, to go on with; empty at its end."""
    ids = [row.access_request.pk for row in page.rows]
    later = ids[ids.index(chosen.pk) + 1 :] if chosen.pk in ids else []
    return str(later[0]) if later else ""


def _live(page: Page[QueueRow]) -> Live:
    """What the list shows that others can change."""
    shown = [(row.access_request.pk, row.revision.pk, row.number, row.missing) for row in page.rows]
    return live(WATCHING, shown)


def _row_base(here: str) -> str:
    """The beginning of each row's address: its id is what follows."""
    return f"{here}chosen=" if here == "?" else f"{here}&chosen="


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS

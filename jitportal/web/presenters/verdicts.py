"""Several requests that one person decides together: what each asks for, and what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.http import QueryDict

from jitportal.models import AccessRequest, Approval, Person
from jitportal.operations import decisions
from jitportal.operations.facts import visible_requests
from jitportal.operations.queue import in_order, queue_for
from jitportal.operations.submissions import MOST_VERDICTS, Wish
from jitportal.rules.permissions import Denied
from jitportal.web.forms.verdicts import StagedForm
from jitportal.web.presenters.decision import News, news
from jitportal.web.presenters.queue import QueueRow, rows_of, with_related

CONFLICT = 409
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Staged:
    """One request with the form of its verdict. ``row`` says what a queue's row says, while it is pending;
    ``why_not`` is empty where the person can decide; ``changed`` is what they haven't seen.
    """

    access_request: AccessRequest
    row: QueueRow | None
    form: StagedForm
    why_not: str
    changed: News | None

    @property
    def wish(self) -> Wish | None:
        return self.form.wish


def staged(person: Person, now: datetime, wanted: Sequence[str], posted: QueryDict | None) -> list[Staged]:
    """The wanted requests that the person may see, each with its form; ids that name nothing are left out."""
    requests = _requests(person, now, wanted)
    mine = set(
        queue_for(person, now).filter(pk__in=[one.pk for one in requests]).values_list("pk", flat=True)
    )
    rows = {row.access_request.pk: row for row in rows_of(requests, person, now, mine)}
    latest = _latest(requests)
    found = []
    for request in requests:
        form = StagedForm(request, latest.get(request.pk, 0), posted)
        answer = None if request.pk in mine else decisions.why_not(person, request, now)
        why_not = answer.reason if isinstance(answer, Denied) else ""
        found.append(Staged(request, rows.get(request.pk), form, why_not, _changed(form)))
    return found


def refuse_stale(items: Sequence[Staged]) -> None:
    """A verdict on what reads otherwise now, or can't be decided, is shown again before it is submitted."""
    for item in items:
        if not item.wish:
            continue
        if item.why_not:
            item.form.refuse(item.why_not, "verdict", CONFLICT)
        elif item.form.is_stale:
            sentence = "The request reads otherwise now than when you chose. Look at it again, then decide."
            item.form.refuse(sentence, "verdict", CONFLICT)
            item.form.show_anew()


def _requests(person: Person, now: datetime, wanted: Sequence[str]) -> list[AccessRequest]:
    ids = {int(text) for text in wanted[: 2 * MOST_VERDICTS] if _is_id(text)}
    if not ids:
        return []
    rows = in_order(visible_requests(person, now).filter(pk__in=ids))
    return list(with_related(rows)[:MOST_VERDICTS])


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def _latest(requests: Sequence[AccessRequest]) -> dict[int, int]:
    """The id of each request's latest verdict."""
    given = Approval.objects.filter(request__in=[one.pk for one in requests])
    return dict(given.values_list("request_id").annotate(last=Max("pk")).order_by())


def _changed(form: StagedForm) -> News | None:
    if not form.is_stale:
        return None
    seen, digest = (str(form.data.get(form.add_prefix(name), "")) for name in ("seen", "digest"))
    return news(form.access_request, seen, digest)

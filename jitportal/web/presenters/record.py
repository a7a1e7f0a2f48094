"""The record, searched: events in words, and what changed in the rows with each of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from jitportal.models import Entry, Event, Person, Role, Target
from jitportal.rules.lifecycle import spoken_state
from jitportal.web.forms.record import RecordFilter
from jitportal.web.paging import Page, Position, older
from jitportal.web.presenters.differences import ChangedRow, changed_rows, points_to
from jitportal.web.presenters.history import ABOUT
from jitportal.web.presenters.times import precise_words

EVENTS_A_PAGE = 50
#: So many changed rows are shown with one event; a bulk change has more.
MOST_ROWS = 200
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on, and the address without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class About:
    """One object that an event is about, and its page where it has one."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One event: what it was about, its data, and the rows that changed with it.

    ``others`` changed in the same go, and are about something else: a worker's batch, mostly.
    """

    event: Event
    about: Sequence[About]
    data: Sequence[tuple[str, str]]
    rows: Sequence[ChangedRow]
    others: Sequence[ChangedRow]
    more_rows: bool


def events(wanted: Mapping[str, Any], after: Position | None) -> Page[Event]:
    """A page of the events that pass the filters, newest first. ``wanted``: cleaned ``RecordFilter``."""
    rows = Event.objects.select_related("actor").filter(*_filters(wanted))
    return older(rows, "at", after=after, size=EVENTS_A_PAGE)


def _filters(wanted: Mapping[str, Any]) -> list[Q]:
    people, verb = wanted.get("person"), wanted.get("verb")
    filters = [
        Q(role=wanted["role"]) if wanted.get("role") else None,
        Q(target=wanted["target"]) if wanted.get("target") else None,
        Q(at__gte=wanted["since"]) if wanted.get("since") else None,
        Q(at__lt=wanted["until"]) if wanted.get("until") else None,
        Q(actor__in=people) | Q(person__in=people) if people else None,
        (Q(verb=verb) if "." in verb else Q(verb__startswith=f"{verb}.")) if verb else None,
        *(Q(sentence__icontains=word) for word in wanted.get("words", "").split()),
    ]
    return [one for one in filters if one is not None]


def chips(form: RecordFilter, address: QueryDict) -> list[Chip]:
    """The filters that are on, each with the address that it leaves when taken away."""
    shown = []
    for name, field in form.fields.items():
        if typed := address.get(name, "").strip():
            rest = address.copy()
            rest.pop(name, None)
            rest.pop("after", None)
            shown.append(Chip(str(field.label or name.capitalize()), typed, f"?{rest.urlencode()}"))
    return shown


def detail(event: Event) -> Detail:
    """The event with its data and the rows that changed with it."""
    entries = list(_entries_with(event).select_related("actor", "content_type")[: MOST_ROWS + 1])
    objects = _objects(event)
    own = [_is_about(entry, objects) for entry in entries]
    rows = changed_rows(entries)
    return Detail(
        event=event,
        about=_about(event),
        data=[(spoken_state(name).capitalize(), _spoken(value)) for name, value in event.data.items()],
        rows=[row for row, mine in zip(rows, own, strict=True) if mine],
        others=[row for row, mine in zip(rows[:MOST_ROWS], own, strict=False) if not mine],
        more_rows=len(entries) > MOST_ROWS,
    )


def _about(event: Event) -> list[About]:
    person, lease = event.person, event.lease
    grant, request, role, target = event.grant, event.request, event.role, event.target
    version = event.policy_version
    found = [
        About("Person", str(person), f"{reverse('record')}?{urlencode({'person': person.username})}")
        if person
        else None,
        About("Request", f"Request {request.pk}", reverse("request_detail", args=[request.pk]))
        if request
        else None,
        About("Grant", f"Grant {grant.pk}", reverse("grant_detail", args=[grant.pk])) if grant else None,
        About("Lease", lease.handle, "") if lease else None,
        About("Role", role.name, reverse("role_detail", args=[role.key])) if role else None,
        About("Target", target.name, reverse("target_detail", args=[target.key])) if target else None,
        About("Policy", str(version), reverse("policy_version", args=[version.number])) if version else None,
    ]
    return [one for one in found if one is not None]


def _entries_with(event: Event) -> QuerySet[Entry]:
    """What was written in the same request, or in the same task of the worker."""
    if not event.correlation_id:
        return Entry.objects.none()
    return Entry.objects.filter(cid=event.correlation_id).order_by("timestamp", "pk")


def _objects(event: Event) -> dict[type[Model], int]:
    """What the event itself is about. A role, a target and a person it only mentions, mostly."""
    found = {model: getattr(event, f"{field}_id") for model, field in ABOUT.items()}
    told = {model: key for model, key in found.items() if key is not None}
    narrow = {model: key for model, key in told.items() if model not in (Person, Role, Target)}
    return narrow or told


def _is_about(entry: Entry, objects: Mapping[type[Model], int]) -> bool:
    """Whether the entry's row is one of the objects, or came to point at one of them."""
    model = entry.content_type.model_class()
    if model is None or objects.get(model) == entry.object_id:
        return True
    return any(_points_at(model, name, change, objects) for name, change in (entry.changes or {}).items())


def _points_at(model: type[Model], name: str, change: object, objects: Mapping[type[Model], int]) -> bool:
    target = points_to(model, name)
    if target is None or target not in objects or not isinstance(change, list):
        return False
    return str(change[-1]) == str(objects[target])


def _spoken(value: object) -> str:
    """A value of an event's data: moments are written there in ISO 8601."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return precise_words(datetime.fromisoformat(value))
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)
    )

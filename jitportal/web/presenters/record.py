"""The record, searched: events in words, and what changed in the rows with each of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.urls import reverse

from jitportal.audit.search import Wanted
from jitportal.models import Entry, Event, Person, Role, Target
from jitportal.operations import record
from jitportal.rules.lifecycle import spoken_state
from jitportal.web.forms.record import WITHIN, RecordFilter
from jitportal.web.paging import Page, Position
from jitportal.web.presenters.differences import ChangedRow, changed_rows, points_to
from jitportal.web.presenters.history import ABOUT
from jitportal.web.presenters.times import precise_words

EVENTS_A_PAGE = 50
#: So many changed rows are shown with one event; a bulk change has more.
MOST_ROWS = 200
#: From each kind to the next one, so that a million events are fifty steps.
_KINDS = """
WITH RECURSIVE kind(verb) AS (
    SELECT min(verb) FROM jitportal_event
    UNION ALL
    SELECT (SELECT min(verb) FROM jitportal_event WHERE verb > kind.verb)
    FROM kind WHERE kind.verb IS NOT NULL
) SELECT verb FROM kind
"""
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
class Row:
    """One event in the list, with the objects that it is about."""

    event: Event
    links: Sequence[About]


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


def events(wanted: Wanted, after: Position | None) -> Page[Row]:
    """A page of the events that pass the filters, newest first. Raises ``Invalid`` if it takes too long."""
    before = (after.moment, after.pk) if after else None
    found = record.newest(wanted, before=before, size=EVENTS_A_PAGE + 1)
    shown = Event.objects.select_related("actor", "person", "role", "target", "policy_version").in_bulk(
        found[:EVENTS_A_PAGE]
    )
    rows = [Row(shown[pk], _links(shown[pk])) for pk in found[:EVENTS_A_PAGE]]
    last = rows[-1].event if len(found) > EVENTS_A_PAGE else None
    return Page(rows, str(Position(last.at, last.pk)) if last else "", first=after is None)


def kinds() -> list[str]:
    """Every kind of event that the record holds, by one step in the index for each."""
    with connection.cursor() as cursor:
        cursor.execute(_KINDS)
        return [verb for (verb,) in cursor.fetchall() if verb]


def chips(form: RecordFilter, address: QueryDict) -> list[Chip]:
    """The filters that are on, each with the address that it leaves when taken away."""
    shown = []
    for name, field in form.fields.items():
        if typed := address.get(name, "").strip():
            rest = address.copy()
            rest.pop(name, None)
            rest.pop("after", None)
            label = str(field.label or name.capitalize())
            shown.append(Chip(label, _filter_in_words(form, name, typed), f"?{rest.urlencode()}"))
    return shown


def _filter_in_words(form: RecordFilter, name: str, typed: str) -> str:
    """What a filter means: a role's name for its key, a moment in the viewer's zone."""
    read = form.read.get(name)
    if isinstance(read, Role | Target):
        return read.name
    if isinstance(read, datetime):
        return precise_words(read)
    if name == "within" and read in WITHIN:
        return WITHIN[read][1].lower()
    return typed


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
    """What the event is about: a person, and objects with their pages."""
    person, lease = event.person, event.lease
    found = [
        About("Person", str(person), f"{reverse('record')}?{urlencode({'person': person.username})}")
        if person
        else None,
        *_links(event),
        About("Lease", lease.handle, "") if lease else None,
    ]
    return [one for one in found if one is not None]


def _links(event: Event) -> list[About]:
    """The objects that an event is about and that have a page."""
    grant, request, role, target = event.grant_id, event.request_id, event.role, event.target
    version = event.policy_version
    found = [
        About("Request", f"Request {request}", reverse("request_detail", args=[request]))
        if request
        else None,
        About("Grant", f"Grant {grant}", reverse("grant_detail", args=[grant])) if grant else None,
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
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return ", ".join(map(str, value))
    return (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)
    )

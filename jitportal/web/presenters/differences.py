"""auditlog's entries for the pages: what changed in each row, in words and not in ids."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Field, ForeignKey, Model
from django.utils.dateformat import format as date_format
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.timezone import is_aware, localtime, make_aware

from jitportal.models import Entry, Person
from jitportal.rules.lifecycle import spoken_state

#: Never shown, even should an entry hold them.
HIDDEN = frozenset({"password", "session_data", "session_key"})
NOTHING = "nothing"
ACTIONS = {
    Entry.Action.CREATE: "made",
    Entry.Action.UPDATE: "changed",
    Entry.Action.DELETE: "deleted",
    Entry.Action.ACCESS: "looked at",
}

#: The rows that foreign keys point to, by model and primary key.
Pointed = Mapping[tuple[type[Model], str], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one row. ``before`` is empty where the row is new: what is nothing in it is left out."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One entry: which row, what was done to it, by whom, and each difference."""

    at: datetime
    actor: Person
    action: str
    kind: str
    row: str
    differences: Sequence[Difference]


def changed_rows(entries: Iterable[Entry]) -> list[ChangedRow]:
    """The entries as a page shows them, in their order; two queries for each model pointed to.

    ``actor`` and ``content_type`` should have been fetched with the entries.
    """
    listed = list(entries)
    pointed = _pointed(listed)
    return [_changed_row(entry, pointed) for entry in listed]


def _changed_row(entry: Entry, pointed: Pointed) -> ChangedRow:
    model = entry.content_type.model_class()
    new = entry.action == Entry.Action.CREATE
    differences = [
        _difference(_field(model, name), name, change, pointed, new=new)
        for name, change in (entry.changes or {}).items()
        if name not in HIDDEN
    ]
    return ChangedRow(
        at=entry.timestamp,
        actor=entry.actor,
        action=ACTIONS.get(entry.action, "changed"),
        kind=capfirst(entry.content_type.name),
        row=entry.object_repr,
        differences=[one for one in differences if not (new and one.after == NOTHING)],
    )


def _difference(
    field: Field[Any, Any] | None, name: str, change: Any, pointed: Pointed, *, new: bool
) -> Difference:
    words = capfirst(str(field.verbose_name)) if field is not None else spoken_state(capfirst(name))
    if isinstance(change, dict):  # many to many: {"type": "m2m", "operation": …, "objects": […]}
        return Difference(words, "", f"{change.get('operation', '')}: {', '.join(change.get('objects', []))}")
    before, after = change
    return Difference(words, "" if new else _value(field, before, pointed), _value(field, after, pointed))


def _value(field: Field[Any, Any] | None, value: object, pointed: Pointed) -> str:
    if value is None or value in ("None", ""):
        return NOTHING
    if isinstance(field, DateTimeField):
        return _moment(str(value))
    if isinstance(field, ForeignKey):
        return pointed.get((field.related_model, str(value)), f"number {value}")
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _moment(text: str) -> str:
    """auditlog writes moments in UTC, and without saying so."""
    moment = parse_datetime(text)
    if moment is None:
        return text
    aware = moment if is_aware(moment) else make_aware(moment, UTC)
    return date_format(localtime(aware), "j M Y, H:i:s T")


def _pointed(entries: Sequence[Entry]) -> Pointed:
    wanted: dict[type[Model], set[str]] = defaultdict(set)
    for entry in entries:
        model = entry.content_type.model_class()
        for name, change in (entry.changes or {}).items():
            field = _field(model, name)
            if isinstance(field, ForeignKey) and not isinstance(change, dict):
                wanted[field.related_model] |= {str(key) for key in change if str(key).isdecimal()}
    return {
        (model, str(key)): str(row)
        for model, keys in wanted.items()
        for key, row in model._base_manager.in_bulk(keys).items()
    }


def points_to(model: type[Model], name: str) -> type[Model] | None:
    """The model that a field of this one points to; None where it isn't a foreign key."""
    field = _field(model, name)
    return field.related_model if isinstance(field, ForeignKey) else None


def _field(model: type[Model] | None, name: str) -> Field[Any, Any] | None:
    """The model's field; None where the model or the field has gone since."""
    try:
        found = model._meta.get_field(name) if model is not None else None
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, Field) else None

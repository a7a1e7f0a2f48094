"""The record as a file, row by row: CSV for a spreadsheet, and JSON for a program.

The events were found before the first byte, and never change: a slow reader holds no query open.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from jitportal.models import Event, Person
from jitportal.operations.record import MOST_ROWS, Export
from jitportal.rules.spreadsheets import as_text

#: Rows of one query.
BATCH = 500
COLUMNS = (
    "id",
    "at",
    "local_time",
    "kind",
    "sentence",
    "actor",
    "actor_username",
    "person",
    "person_username",
    "request",
    "grant",
    "lease",
    "role",
    "role_key",
    "target",
    "target_key",
    "policy_version",
    "address",
    "correlation_id",
    "data",
)
CUT = f"Cut: the newest {MOST_ROWS:,} events are above, and older ones pass too. Narrow the times."
#: Without it Excel takes UTF-8 for the encoding of its own country.
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class File:
    """One export as its reader asked for it. ``zone``: theirs, for the column of local times."""

    export: Export
    filters: Sequence[str]
    exporter: str
    at: datetime
    zone: tzinfo

    def name(self, ending: str) -> str:
        return f"jitportal-record-{self.at.astimezone(UTC):%Y%m%dT%H%M%SZ}.{ending}"

    def csv(self) -> Iterator[str]:
        """Every cell quoted, and none that a spreadsheet would run. The last line says so where it is cut."""
        yield BYTE_ORDER_MARK + _line(COLUMNS)
        for row in self._rows():
            yield _line([as_text(_cell(row[name])) for name in COLUMNS])
        if self.export.cut:
            yield _line([CUT, *[""] * (len(COLUMNS) - 1)])

    def json(self) -> Iterator[str]:
        """One object; ``events`` comes last, one to a line."""
        head = {
            "exported_at": _moment(self.at),
            "exported_by": self.exporter,
            "filters": list(self.filters),
            "cut": self.export.cut,
            "count": len(self.export.events),
        }
        yield json.dumps(head, ensure_ascii=False)[:-1] + ', "events": ['
        for number, row in enumerate(self._rows()):
            yield f"{',' if number else ''}\n{json.dumps(row, ensure_ascii=False)}"
        yield "\n]}\n"

    def _rows(self) -> Iterator[dict[str, Any]]:
        ids = self.export.events
        related = Event.objects.select_related("actor", "person", "role", "target", "policy_version")
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            events = related.in_bulk(batch)
            for pk in batch:
                yield self._row(events[pk])

    def _row(self, event: Event) -> dict[str, Any]:
        role, target, version = event.role, event.target, event.policy_version
        return {
            "id": event.pk,
            "at": _moment(event.at),
            "local_time": f"{event.at.astimezone(self.zone):%Y-%m-%d %H:%M:%S %Z}",
            "kind": event.verb,
            "sentence": event.sentence,
            **_named("actor", event.actor),
            **_named("person", event.person),
            "request": event.request_id,
            "grant": event.grant_id,
            "lease": event.lease_id,
            "role": role.name if role else None,
            "role_key": role.key if role else None,
            "target": target.name if target else None,
            "target_key": target.key if target else None,
            "policy_version": version.number if version else None,
            "address": event.address,
            "correlation_id": event.correlation_id,
            "data": event.data,
        }


def _named(role: str, person: Person | None) -> dict[str, str | None]:
    return {
        role: person.name if person else None,
        f"{role}_username": person.username if person else None,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _cell(value: object) -> str:
    if value is None or value == {}:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()

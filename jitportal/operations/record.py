"""Searching the record, and taking a part of it away as a file, which is in the record itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitportal.audit import search
from jitportal.audit.events import record
from jitportal.audit.search import Place, TooSlow, Wanted
from jitportal.models import Person
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Invalid
from jitportal.rules.permissions import Verb

#: What a page may take, and what a file may: in seconds.
PAGE_SECONDS, FILE_SECONDS = 2.0, 10.0
#: The rows of one file; what is older is another file's.
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Export:
    """What a file is to hold: the events by id, the newest first. ``cut``: there are older ones that pass."""

    events: Sequence[int]
    cut: bool


def newest(wanted: Wanted, *, before: Place | None, size: int) -> list[int]:
    """The ids of the newest events that pass. Raises ``Invalid`` where that takes too long."""
    return _found(wanted, before, size, PAGE_SECONDS)


def export(*, actor: Person, wanted: Wanted, kind: str, filters: Sequence[str]) -> Export:
    """Take what passes the filters away as a file of this kind ("CSV"); an event says so.

    ``filters`` are the same as ``wanted`` in words. Raises ``NotAllowed``, and ``Invalid`` where the search
    takes too long. It searches before the transaction, which on SQLite would hold everybody else up.
    """
    require(Verb.RECORD_VIEW, actor)
    found = _found(wanted, None, MOST_ROWS + 1, FILE_SECONDS)
    made = Export(found[:MOST_ROWS], cut=len(found) > MOST_ROWS)
    number = len(made.events)
    with operation(actor):
        now = clock.now()
        require(Verb.RECORD_VIEW, actor, now=now)
        about = f" with {'; '.join(filters)}" if filters else ", without a filter"
        record(
            verb="record.exported",
            actor=actor,
            sentence=f"{actor} exported {number} event{'' if number == 1 else 's'} as {kind}{about}.",
            now=now,
            data={"kind": kind, "events": number, "cut": made.cut, "filters": list(filters)},
        )
    return made


def _found(wanted: Wanted, before: Place | None, size: int, seconds: float) -> list[int]:
    try:
        return search.find(wanted, before=before, size=size, seconds=seconds)
    except TooSlow:
        raise Invalid(
            f"This search was stopped: it had taken {seconds:g} seconds. Narrow the times, or add a filter."
        ) from None

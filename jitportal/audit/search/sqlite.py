"""The search on SQLite: a full-text index of every filter at once, kept by a trigger.

An index of SQLite's narrows by one filter alone, and a second one that rarely meets the first would have
all rows of that looked at. So each event's words, people, role, target and verb are terms of one FTS5
document: their lists are intersected, and read from the newest on. The index's row number is the
event's moment in seconds and, in its last 31 bits, its id: a range of times is a range of rows.

FTS5 keeps the terms alone here ("contentless"), and nobody can change or delete one. The events are the
truth: what the index lacks or has too much of is made right by ``install``, after each migration.
"""

# ruff: noqa: S608 - statements are made of this file's own names and expressions; values are bound

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from jitportal.audit.search.wanted import Place, Wanted

EVENTS = "jitportal_event"
INDEX = "jitportal_eventsearch"
TRIGGER = "jitportal_search_event"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID_BITS = 31
#: Begins a term that is no word: FTS5 takes it for a letter, and none stands in a sentence's document.
MARK, _STOP, _JOINT = "\ue000", "\ue001", "\ue002"

CREATE_INDEX = (
    f"CREATE VIRTUAL TABLE \"{INDEX}\" USING fts5(terms, content='', "
    'tokenize="unicode61 remove_diacritics 0")'
)


def _place(row: str) -> str:
    """The row number of an event in the index. The fraction is cut: SQLite would round it."""
    return f"(CAST(strftime('%s', substr({row}.at, 1, 19)) AS INTEGER) << {ID_BITS}) + {row}.id"


def _terms(row: str) -> str:
    """The document of an event. A mark in its sentence is no mark: nobody may write terms there."""
    mark = f"char({ord(MARK)})"
    verb = f"replace(replace({row}.verb, '_', char({ord(_JOINT)})), '.', char({ord(_STOP)}))"
    group = f"substr({verb}, 1, instr({verb} || char({ord(_STOP)}), char({ord(_STOP)})) - 1)"
    marked = [
        f"'p' || {row}.actor_id",
        f"'p' || {row}.person_id",
        f"'r' || {row}.role_id",
        f"'t' || {row}.target_id",
        f"'v' || {verb}",
        f"'g' || {group}",
    ]
    terms = " || ".join(f"coalesce(' ' || {mark} || {one}, '')" for one in marked)
    return f"replace({row}.sentence, {mark}, ' ') || {terms}"


CREATE_TRIGGER = (
    f'CREATE TRIGGER "{TRIGGER}" AFTER INSERT ON "{EVENTS}" FOR EACH ROW BEGIN '
    f'INSERT INTO "{INDEX}" (rowid, terms) VALUES ({_place("NEW")}, {_terms("NEW")}); END'
)
_FILL = f'INSERT INTO "{INDEX}" (rowid, terms) SELECT {_place("kept")}, {_terms("kept")} FROM "{EVENTS}" kept'


def install(connection: BaseDatabaseWrapper) -> bool:
    """Make the index and its trigger as they should be; whether anything had to be done."""
    if not problems(connection):
        return False
    standing = _standing(connection)
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER IF EXISTS "{TRIGGER}"')
        if standing.get(INDEX) != CREATE_INDEX:
            cursor.execute(f'DROP TABLE IF EXISTS "{INDEX}"')
            cursor.execute(CREATE_INDEX)
        cursor.execute(f'INSERT INTO "{INDEX}" ("{INDEX}") VALUES (\'delete-all\')')
        cursor.execute(_FILL)
        cursor.execute(CREATE_TRIGGER)
    return True


def problems(connection: BaseDatabaseWrapper) -> list[str]:
    """What is wrong with the index, as sentences."""
    standing = _standing(connection)
    wanted = {INDEX: CREATE_INDEX, TRIGGER: CREATE_TRIGGER}
    wrong = [name for name, statement in wanted.items() if standing.get(name) != statement]
    if wrong:
        return [f"{name} is missing, or reads otherwise than it should." for name in wrong]
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT (SELECT count(*) FROM "{INDEX}_docsize"), (SELECT count(*) FROM "{EVENTS}")')
        indexed, events = cursor.fetchone()
    return [] if indexed == events else [f"{INDEX} knows {indexed} events, and the record holds {events}."]


def find(connection: BaseDatabaseWrapper, wanted: Wanted, before: Place | None, size: int) -> list[int]:
    """The ids of the newest events that pass, from one second to the one before, and by id in each."""
    conditions: list[str] = [f'"{INDEX}" MATCH %s']
    values: list[Any] = [_match(wanted)]
    for condition, value in _bounds(connection, wanted, before):
        conditions.append(condition)
        values.append(value)
    statement = (
        f'SELECT event.id FROM "{INDEX}" JOIN "{EVENTS}" event '
        f'ON event.id = "{INDEX}".rowid & {2**ID_BITS - 1} '
        f'WHERE {" AND ".join(conditions)} ORDER BY "{INDEX}".rowid DESC LIMIT %s'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, size])
        return [pk for (pk,) in cursor.fetchall()]


def _bounds(
    connection: BaseDatabaseWrapper, wanted: Wanted, before: Place | None
) -> Iterator[tuple[str, Any]]:
    """The times as rows of the index, which its list is cut by, and exactly."""
    stored = connection.ops.adapt_datetimefield_value
    if wanted.since is not None:
        yield f'"{INDEX}".rowid >= %s', place(wanted.since, 0)
        yield "event.at >= %s", stored(wanted.since)
    if wanted.until is not None:
        yield f'"{INDEX}".rowid < %s', place(wanted.until + timedelta(seconds=1), 0)
        yield "event.at < %s", stored(wanted.until)
    if before is not None:
        yield f'"{INDEX}".rowid < %s', place(*before)


def place(moment: datetime, pk: int) -> int:
    """The row number that an event of this moment and id has in the index."""
    return ((moment - EPOCH) // timedelta(seconds=1) << ID_BITS) + pk


def _match(wanted: Wanted) -> str:
    """The search as FTS5 reads it. Nothing typed is syntax: signs part words, and words are quoted."""
    verb = wanted.verb.replace("_", _JOINT)
    marked = [
        f"r{wanted.role}" if wanted.role is not None else "",
        f"t{wanted.target}" if wanted.target is not None else "",
        "" if not verb else f"v{verb.replace('.', _STOP)}" if "." in verb else f"g{verb}",
    ]
    people = " OR ".join(f'"{MARK}p{person}"' for person in wanted.people)
    terms = [
        *(f'"{MARK}{one}"' for one in marked if one),
        *([f"({people})"] if people else []),
        *(f'"{" ".join(phrase.words)}"{" *" if phrase.begins else ""}' for phrase in wanted.phrases()),
    ]
    return " AND ".join(terms)


def _standing(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE name IN (%s, %s)", [INDEX, TRIGGER])
        return dict(cursor.fetchall())

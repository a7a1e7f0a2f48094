"""The search on PostgreSQL: the events' own indexes, and one over the words of their sentences.

A page wants the newest 50 of what passes. The planner takes the filters for independent and what passes
for evenly spread, and walks back through all of the record for what is rare, or was usual long ago. So
the newest events are walked through first, which is enough for all that is usual; then more of them; and
what is still missing is looked up by the filters' indexes, and sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, F, Func, Q, QuerySet, Value

from jitportal.audit.search.times import in_time
from jitportal.audit.search.wanted import PARTING, Phrase, Place, Wanted
from jitportal.models import Event

INDEX = "event_words"
#: So many of the newest events are walked through for each one that is wanted, and then so many more.
WALKS = (40, 1_000)
#: The same where words are looked for: a walk takes each sentence apart, which is ten times as long as a look
#: at who did it; and what isn't found in this many is rare enough for the index, or long ago.
WALKS_FOR_WORDS = (40, 200)
#: A document must stay under a megabyte, or PostgreSQL refuses the event.
LONGEST = 100_000
#: The parser takes care of the percent sign, which would be one of psycopg's here.
_SIGNS = PARTING.replace("%", "")


def document(sentence: str) -> str:
    """The words of a sentence as the index holds them: signs part them, and none is stemmed.

    Without the signs PostgreSQL's parser sees no hosts, paths, tags or numbers with a sign, which it
    would keep whole.
    """
    signs = _SIGNS.replace("'", "''")
    spaced = f"translate({sentence}, '{signs}', '{' ' * len(_SIGNS)}')"
    return f"to_tsvector('simple'::regconfig, left({spaced}, {LONGEST}))"


def create_index() -> str:
    """The index over the words. A migration made it so: another document needs another migration."""
    return f'CREATE INDEX "{INDEX}" ON jitportal_event USING gin ({document("sentence")})'


class _Document(Func):
    output_field = SearchVectorField()
    template = document("%(expressions)s")


class _Query(Func):
    output_field = SearchQueryField()
    template = "to_tsquery('simple'::regconfig, %(expressions)s)"


class _HasWords(Func):
    output_field = BooleanField()
    template = "(%(expressions)s)"
    arg_joiner = " @@ "


def problems(connection: BaseDatabaseWrapper) -> list[str]:
    """What is wrong with the index, as sentences."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_indexes WHERE indexname = %s AND schemaname = current_schema()", [INDEX]
        )
        return [] if cursor.fetchone() else [f"The index {INDEX} is missing: a migration makes it."]


def find(wanted: Wanted, before: Place | None, size: int) -> list[int]:
    """The ids of the newest events that pass, by moment and then id."""
    found: list[int] = []
    for walk in WALKS_FOR_WORDS if any(wanted.phrases()) else WALKS:
        edge = _last_of(walk * size, wanted, before)
        newest = passing(wanted, before)
        if edge is not None:
            newest = newest.filter(Q(at__gt=edge[0]) | Q(pk__gte=edge[1]), at__gte=edge[0])
        found += newest.values_list("pk", flat=True)[: size - len(found)]
        if len(found) == size or edge is None:
            return found
        before = edge
    # No index is ordered by this, so that all which pass are found by the filters' indexes.
    moment = ExpressionWrapper(F("at") + Value(timedelta()), output_field=DateTimeField())
    rest = passing(wanted, before).order_by(moment.desc(), "-pk").values_list("pk", flat=True)
    return [*found, *rest[: size - len(found)]]


def passing(wanted: Wanted, before: Place | None) -> QuerySet[Event]:
    """All events that pass, the newest first."""
    return in_time(wanted, before).filter(*_filters(wanted))


def _last_of(number: int, wanted: Wanted, before: Place | None) -> Place | None:
    """Where the newest so many events end, whatever they are; None: there are fewer."""
    rows = in_time(wanted, before).values_list("at", "pk")[number - 1 : number]
    return next(iter(rows), None)


def _filters(wanted: Wanted) -> Iterator[Q | _HasWords]:
    if wanted.people:
        yield Q(actor__in=wanted.people) | Q(person__in=wanted.people)
    if wanted.role is not None:
        yield Q(role=wanted.role)
    if wanted.target is not None:
        yield Q(target=wanted.target)
    if wanted.verb:
        yield Q(verb=wanted.verb) if "." in wanted.verb else Q(verb__startswith=f"{wanted.verb}.")
    if query := " & ".join(_phrase(phrase) for phrase in wanted.phrases()):
        yield _HasWords(_Document(F("sentence")), _Query(Value(query)))


def _phrase(phrase: Phrase) -> str:
    quoted = " <-> ".join(f"'{word}'" for word in phrase.words)
    return f"({quoted}{':*' if phrase.begins else ''})"

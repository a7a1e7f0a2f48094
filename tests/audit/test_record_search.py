"""The record's search finds what passes, all of it and in order, on either database; and ends in time."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitportal.audit import guards, search
from jitportal.audit.search import TooSlow, Wanted, finding, postgresql, sqlite
from jitportal.audit.search.times import in_time
from jitportal.models import Event
from tests.models import rows
from tests.models.refusals import sql
from tests.undone import undone

pytestmark = pytest.mark.django_db

ON_SQLITE = pytest.mark.sqlite
ON_POSTGRESQL = pytest.mark.postgresql


def event(sentence: str = "Something happened.", **values: Any) -> int:
    """An event, by its id."""
    return rows.event(**{"sentence": sentence, **values}).pk


def found(size: int = 100, **wanted: Any) -> list[int]:
    return search.find(Wanted(**wanted), size=size, seconds=30)


def test_words_are_whole_and_all_of_them_and_in_any_order() -> None:
    ours = event("Rita Test asked for Read orders in production.")
    event("Oskar Test asked for Change invoices.")
    for words in ("orders", "ORDERS", "production orders", "rita read", "orders, production!"):
        assert found(words=words) == [ours], words
    for words in ("order", "orders invoices", "rders", "productions"):
        assert found(words=words) == [], words


def test_an_asterisk_stands_for_the_rest_of_a_word() -> None:
    ours = event("Rita migrates the stock database.")
    assert found(words="migr*") == found(words="stock data*") == [ours]
    assert found(words="*stock") == found(words="stock*") == [ours]
    assert found(words="igrates*") == []


@pytest.mark.parametrize(
    ("sentence", "typed", "not_typed"),
    [
        ("Look at orders-db.example.com now.", "orders-db.example.com", "db-orders"),
        ("With ticket INC-1042, please.", "inc-1042", "inc-1043"),
        ("It wrote to /var/log/jit.log.", "/var/log", "/log/var"),
        ("A <b>bold</b> mail to rita@example.test", "<b>bold</b>", "test@example"),
        ("It moved by -5 and +7 of 1e10.", "-5", "-51"),
        ("It\u2019s Inês\u2019s stock \u2013 Müller\u2019s, too.", "müller\u2019s", "muller"),
        ("注文データベースを読む。 Das Größte", "größte", "groesste"),
        ("snake_case_key=value", "case_key", "case_value"),
        ('He said "it\'s \\ done" (100%).', "it's", "its"),
    ],
)
def test_signs_part_words_and_what_they_join_stands_together(
    sentence: str, typed: str, not_typed: str
) -> None:
    ours = event(sentence)
    assert found(words=typed) == [ours]
    assert found(words=not_typed) == []


@pytest.mark.parametrize(
    "words", ['"', "' OR 1", "a AND", "NOT b", "(", "x:*", "a & b | !c", "NEAR(a b)", "^a", "-", "\\", "%s"]
)
def test_what_is_typed_is_never_syntax(words: str) -> None:
    event("Plain words alone.")
    found(words=words)


def test_nobody_writes_a_filter_into_a_sentence() -> None:
    somebody = rows.person()
    event(f"Forged: {sqlite.MARK}p{somebody.pk} {sqlite.MARK}gforged")
    assert found(people=(somebody.pk,)) == found(verb="forged") == []


def test_a_very_long_sentence_is_recorded_and_found() -> None:
    ours = event("A tale. " + "word " * 300_000 + "x" * 5_000)
    assert found(words="tale") == [ours]


def test_people_did_it_or_it_is_about_them() -> None:
    one, other = rows.person(), rows.person()
    did, about = event(actor=one), event(person=one)
    others = event(actor=other)
    event()
    assert found(people=(one.pk,)) == [about, did]
    assert found(people=(one.pk, other.pk)) == [others, about, did]


def test_a_kind_is_whole_or_the_first_part_of_many() -> None:
    made = [event(verb=verb) for verb in ("lease.retried", "manual_task.confirmed", "manual_task.dropped")]
    event(verb="manual.confirmed"), event(verb="manual_taske.confirmed")
    assert found(verb="manual_task") == made[:0:-1]
    assert found(verb="manual_task.confirmed") == [made[1]]
    assert found(verb="lease.retried") == [made[0]]
    assert found(verb="lease.retry") == []


def test_times_are_exact_to_the_microsecond_and_half_open() -> None:
    at = rows.NOW.replace(microsecond=999_999)
    ours = event("Ours.", at=at)
    microsecond = timedelta(microseconds=1)
    for words in ("", "ours"):
        assert found(words=words, since=at, until=at + microsecond) == [ours]
        assert found(words=words, since=at + microsecond) == []
        assert found(words=words, until=at) == []


def test_what_is_written_late_stands_where_it_happened() -> None:
    moments = [rows.NOW + timedelta(hours=number) for number in (3, 1, 2)]
    three, one, two = (event("Late.", at=at) for at in moments)
    assert found(words="late") == found(since=moments[1]) == [three, two, one]


WORDS = ["orders", "stock", "export", "Read", "INC-7", "live"]
VERBS = ["request.submitted", "request.approved", "grant.live", "manual_task.confirmed"]


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    one = st.fixed_dictionaries(
        {
            "sentence": st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
            "verb": st.sampled_from(VERBS),
            "at": st.integers(0, 6).map(lambda number: rows.NOW + timedelta(seconds=number)),
            "actor": st.integers(0, 2),
            "person": st.none() | st.integers(0, 2),
            "role": st.none() | st.integers(0, 1),
        }
    )
    return draw(st.lists(one, min_size=1, max_size=25))


WANTED = st.fixed_dictionaries(
    {},
    optional={
        "words": st.lists(st.sampled_from([*WORDS, "sto*", "ex*", "7"]), max_size=2).map(" ".join),
        "verb": st.sampled_from([*VERBS, "request", "grant", "manual_task", "zebra"]),
        "people": st.lists(st.integers(0, 2), min_size=1, max_size=2, unique=True),
        "role": st.integers(0, 1),
        "since": st.integers(0, 6).map(lambda number: rows.NOW + timedelta(seconds=number)),
        "until": st.integers(0, 6).map(lambda number: rows.NOW + timedelta(seconds=number)),
    },
)


@given(record=records(), wanted=st.lists(WANTED, min_size=1, max_size=4), size=st.integers(1, 6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_page_by_page_it_finds_what_passes_and_nothing_else(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    record: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
    size: int,
) -> None:
    """Compared with a search that reads every event, with PostgreSQL's walks short enough to end."""
    monkeypatch.setattr(postgresql, "WALKS", (1, 2))
    with undone():
        people, roles = [rows.person() for _ in range(3)], [rows.role() for _ in range(2)]
        before = set(Event.objects.values_list("pk", flat=True))
        for one in record:
            person, role = one["person"], one["role"]
            event(
                **{
                    **one,
                    "actor": people[one["actor"]],
                    "person": None if person is None else people[person],
                    "role": None if role is None else roles[role],
                }
            )
        made = list(Event.objects.exclude(pk__in=before))
        for filters in wanted:
            chosen = dict(filters)
            if "people" in chosen:
                chosen["people"] = tuple(people[number].pk for number in chosen["people"])
            if "role" in chosen:
                chosen["role"] = roles[chosen["role"]].pk
            mine = [pk for pk in _all_pages(Wanted(**chosen), size) if pk not in before]
            passing = [one for one in made if _passes(one, chosen)]
            assert mine == [one.pk for one in sorted(passing, key=lambda one: (one.at, one.pk), reverse=True)]


def _all_pages(wanted: Wanted, size: int) -> list[int]:
    found: list[int] = []
    while page := search.find(wanted, before=_place(found), size=size, seconds=30):
        found += page
    return found


def _place(found: list[int]) -> search.Place | None:
    if not found:
        return None
    last = Event.objects.get(pk=found[-1])
    return last.at, last.pk


def _passes(one: Event, wanted: dict[str, Any]) -> bool:
    said = one.sentence.lower().replace("-", " ").split()
    parts = wanted.get("words", "").lower().replace("-", " ").split()
    verb = wanted.get("verb", "")
    return all(
        (
            all(
                any(word.startswith(part[:-1]) if part.endswith("*") else word == part for word in said)
                for part in parts
            ),
            not verb or one.verb == verb or one.verb.startswith(f"{verb}."),
            not wanted.get("people") or {one.actor_id, one.person_id} & set(wanted["people"]),
            "role" not in wanted or one.role_id == wanted["role"],
            "since" not in wanted or one.at >= wanted["since"],
            "until" not in wanted or one.at < wanted["until"],
        )
    )


# In time


def test_a_search_that_takes_too_long_is_ended_and_the_next_one_isnt() -> None:
    ours = event("Ours.")
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with pytest.raises(TooSlow), finding.bounded(connection, 0.2), transaction.atomic():
        sql(slow if connection.vendor == "sqlite" else "SELECT pg_sleep(30)")
    assert found(words="ours") == [ours]
    sql("SELECT 1" if connection.vendor == "sqlite" else "SELECT pg_sleep(0.3)")


def test_another_error_stays_what_it_is() -> None:
    with (
        pytest.raises(Exception, match="no_such_thing"),
        finding.bounded(connection, 5),
        transaction.atomic(),
    ):
        sql("SELECT * FROM no_such_thing")


# How it stands


def test_it_stands_and_installing_again_does_nothing() -> None:
    assert search.problems() == []
    assert search.install() is False


@ON_SQLITE
@pytest.mark.parametrize("undo", [f'DROP TRIGGER "{sqlite.TRIGGER}"', f'DROP TABLE "{sqlite.INDEX}"'])
def test_what_is_missing_is_named_and_made_again_with_every_event(undo: str) -> None:
    before = event("Written before.")
    sql(undo)
    if "TRIGGER" in undo:
        missed = event("Written meanwhile.")
        assert found(words="meanwhile") == []
    else:
        sql(f'DROP TRIGGER "{sqlite.TRIGGER}"')
        missed = event("Written meanwhile.")
    assert [problem.id for problem in _problems()] == ["jitportal.W002"] * len(search.problems())
    assert search.problems() != []
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert search.problems() == []
    assert found(words="written") == [missed, before]


@ON_SQLITE
def test_an_index_that_lacks_an_event_is_filled_again() -> None:
    ours = event("Ours.")
    sql(f'INSERT INTO "{sqlite.INDEX}" ("{sqlite.INDEX}") VALUES (\'delete-all\')')
    assert len(search.problems()) == 1
    assert search.install() is True
    assert found(words="ours") == [ours]


@ON_SQLITE
def test_the_guards_stand_as_before_when_it_has_been_made_again() -> None:
    sql(f'DROP TRIGGER "{sqlite.TRIGGER}"')
    search.install()
    assert guards.problems() == []


@ON_POSTGRESQL
def test_the_words_of_a_search_are_looked_up_in_the_index() -> None:
    passing = postgresql.passing(Wanted(words="stock data*"), None)
    sql("SET LOCAL enable_seqscan = off")
    sql("SET LOCAL enable_indexscan = off")
    plan = passing.order_by().explain()
    assert f"Bitmap Index Scan on {postgresql.INDEX}" in plan, plan


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("wanted", "walks"), [({"words": "never"}, [40, 200]), ({"verb": "a.b"}, [40, 1_000])]
)
def test_fewer_sentences_are_taken_apart_than_events_looked_at(
    wanted: dict[str, str], walks: list[int]
) -> None:
    for _ in range(41):
        event()
    with CaptureQueriesContext(connection) as captured:
        assert found(size=1, **wanted) == []
    skipped = [re.findall(r"OFFSET (\d+)", query["sql"]) for query in captured.captured_queries]
    assert [int(number) + 1 for (number,) in filter(None, skipped)] == walks


@ON_POSTGRESQL
def test_a_missing_index_is_named() -> None:
    sql(f'DROP INDEX "{postgresql.INDEX}"')
    assert [problem.id for problem in _problems()] == ["jitportal.W002"]


@ON_SQLITE
def test_the_row_of_an_event_in_the_index_is_what_the_search_takes_it_for() -> None:
    ours = rows.event(at=rows.NOW.replace(microsecond=999_999))
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT max(id) FROM "{sqlite.INDEX}_docsize" WHERE id % 2147483648 = %s', [ours.pk])
        assert cursor.fetchone() == (sqlite.place(ours.at, ours.pk),)


def test_by_time_alone_no_index_of_words_is_asked() -> None:
    assert Wanted(words="- !").by_time_alone
    assert not Wanted(words="a").by_time_alone
    assert str(in_time(Wanted(), None).query).count("JOIN") == 0


def _problems() -> list[Any]:
    return [
        found
        for found in run_checks(tags=[Tags.database], databases=["default"])
        if found.id == "jitportal.W002"
    ]

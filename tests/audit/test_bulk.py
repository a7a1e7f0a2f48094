"""Many rows at once are recorded as fully as one ``save()`` at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Model
from django.test.utils import CaptureQueriesContext

from jitportal.audit.bulk import BATCH, change_many, insert_many
from jitportal.audit.context import AuditContext, acting, bound
from jitportal.models import Entry, Event, Grant, Notice, Person, Target, Team
from jitportal.rules.vocabulary import EndReason, GrantStatus, Presence
from tests.models import rows
from tests.models.rows import NOW

pytestmark = pytest.mark.django_db

WEB = AuditContext(correlation_id="from-the-web", address="192.0.2.7")
OWN = {"id", "object_pk", "object_id", "timestamp"}  # what two entries can't share


def stored(row: Model) -> dict[str, Any]:
    """The last entry of the row as the database holds it, byte by byte, without what is its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM jitportal_entry WHERE content_type_id = "
            "(SELECT id FROM django_content_type WHERE app_label = 'jitportal' AND model = %s) "
            "AND object_id = %s ORDER BY id DESC LIMIT 1",
            [row._meta.model_name, row.pk],
        )
        names = [column[0] for column in cursor.description or ()]
        (found,) = cursor.fetchall()
    return {name: value for name, value in zip(names, found, strict=True) if name not in OWN}


def in_any_order(entry: dict[str, Any]) -> dict[str, Any]:
    """auditlog goes through a set of fields: their order in the text is chance."""
    return entry | {"changes": json.dumps(json.loads(entry["changes"]), sort_keys=True)}


def changed_singly(row: Model, values: dict[str, Any], actor: Person) -> dict[str, Any]:
    with bound(WEB), acting(actor):
        for name, value in values.items():
            setattr(row, name, value)
        row.save(update_fields=list(values))
    return in_any_order(stored(row))


def changed_in_bulk(row: Model, values: dict[str, Any], actor: Person) -> dict[str, Any]:
    with bound(WEB):
        assert change_many([(row, values)], actor) == 1
    return in_any_order(stored(row))


def _expiry() -> dict[str, Any]:
    return {
        "status": GrantStatus.REMOVING,
        "stopped_at": NOW + timedelta(minutes=60),
        "end_reason": EndReason.EXPIRED,
        "stopped_by": rows.person(username="somebody"),
    }


TWINS: dict[str, tuple[Callable[[], Model], Callable[[], dict[str, Any]]]] = {
    "status, moment, text and foreign key": (
        rows.started,
        _expiry,
    ),
    "foreign key by its id": (lambda: rows.person(name="Ada"), lambda: {"manager_id": None}),
    "JSON": (
        lambda: rows.target(name="Orders"),
        lambda: {"settings": {"host": "db", "port": "5432"}, "accounts": {"ada": "ada'); --"}},
    ),
    "JSON list": (lambda: rows.target(name="Orders"), lambda: {"declared": ["postgres", "backup ü"]}),
    "to null": (
        lambda: rows.lease(due_at=NOW, account="ada"),
        lambda: {"due_at": None, "presence": "absent"},
    ),
    "number, enum, flag": (
        lambda: rows.lease(account="ada"),
        lambda: {
            "claim": 7,
            "presence": Presence.PRESENT,
            "open_sessions": 2,
            "detail": "Held.\nTwo sessions.",
        },
    ),
    "moment without a fraction": (
        lambda: rows.lease(account="ada"),
        lambda: {"observed_at": NOW.replace(microsecond=0), "held_until": NOW},
    ),
}


@pytest.mark.parametrize("what", TWINS)
def test_an_entry_of_a_bulk_change_is_that_of_a_single_save(what: str) -> None:
    """The same row twice, by way of a savepoint: changed once by ``save()`` and once in bulk."""
    make, wish = TWINS[what]
    row, actor = make(), rows.person()
    if what == "foreign key by its id":
        type(row)._base_manager.filter(pk=row.pk).update(manager=actor)
        row.refresh_from_db()
    values = wish()
    entries = []
    for change in (changed_singly, changed_in_bulk):
        with transaction.atomic():
            fresh = type(row)._base_manager.get(pk=row.pk)
            entries.append(change(fresh, values, actor))
            again = type(row)._base_manager.get(pk=row.pk)
            assert {name: getattr(again, name) for name in values} == values
            transaction.set_rollback(True)
    single, bulk = entries
    assert bulk == single
    assert single["actor_id"] == actor.pk
    assert (single["cid"], single["remote_addr"]) == ("from-the-web", "192.0.2.7")


def test_an_entry_of_a_bulk_insert_is_that_of_a_single_save() -> None:
    actor, person = rows.person(), rows.person()
    values = {
        "recipient": person,
        "kind": "request.to_decide",
        "subject": "A request waits",
        "body": "Please decide.\n",
        "path": "/requests/1/",
        "created_at": NOW,
        "due_at": NOW,
    }
    with bound(WEB), acting(actor):
        single = Notice.objects.create(key="a notice: 1", **values)
    with bound(WEB):
        (bulk,) = insert_many(Notice, [Notice(key="a notice: 2", **values)], actor)
    texts = []
    for row in (single, bulk):
        entry = in_any_order(stored(row))
        changes = json.loads(entry["changes"])
        assert changes.pop("id") == [None, row.pk]
        assert changes.pop("key") == [None, row.key]
        texts.append(entry | {"changes": changes, "object_repr": entry["object_repr"][:-1]})
    assert texts[0] == texts[1]


def test_what_does_not_differ_is_not_recorded() -> None:
    team = rows.team(name="Databases")
    assert change_many([(team, {"name": "Databases"})], rows.person()) == 0
    assert Entry.objects.get_for_object(team).count() == 1


def test_rows_of_several_models_and_fields_go_together() -> None:
    team, other, target = rows.team(), rows.team(), rows.target()
    actor = rows.person()
    changes: list[tuple[Model, dict[str, Any]]] = [
        (team, {"name": "One"}),
        (target, {"name": "Two", "connector": "portal"}),
        (other, {"key": "three", "name": "Three"}),
    ]
    assert change_many(changes, actor) == 3
    for row, values in changes:
        row.refresh_from_db()
        assert {name: getattr(row, name) for name in values} == values


def test_old_values_come_from_the_database_not_from_a_stale_row() -> None:
    team = rows.team(name="Before")
    stale = Team.objects.get(pk=team.pk)
    Team.objects.filter(pk=team.pk).update(name="Meanwhile")
    change_many([(stale, {"name": "After"})], rows.person())
    assert json.loads(stored(team)["changes"]) == {"name": ["Meanwhile", "After"]}


def test_more_than_a_batch_takes_few_queries() -> None:
    actor = rows.person()
    number = BATCH + 1
    teams = insert_many(Team, [Team(key=f"t{n}", name=f"T {n}") for n in range(number)], actor)
    changes = [(team, {"name": f"Renamed {n}"}) for n, team in enumerate(teams)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert change_many(changes, actor) == number
    assert len(queries) < 40
    assert Team.objects.filter(name__startswith="Renamed").count() == number
    assert Entry.objects.filter(actor=actor).count() == 2 * number


def test_one_refused_row_leaves_none_changed() -> None:
    grants = [rows.started() for _ in range(3)]
    before = Entry.objects.count()
    changes: list[tuple[Model, dict[str, Any]]] = [(grant, {"end_note": "Moved."}) for grant in grants]
    changes[1] = (grants[1], {"end_note": "Moved.", "ends_at": NOW + timedelta(minutes=1)})
    with pytest.raises(IntegrityError), transaction.atomic():
        change_many(changes, rows.person())
    assert not Grant.objects.exclude(end_note="").exists()
    assert Entry.objects.count() == before


def test_a_model_that_is_not_audited_is_refused() -> None:
    event, actor = rows.event(), rows.person()
    with pytest.raises(ValueError, match=r"jitportal\.Event isn't audited"):
        change_many([(event, {"sentence": "Nobody asked."})], actor)
    with pytest.raises(ValueError, match=r"jitportal\.Event isn't audited"):
        insert_many(Event, [event], actor)


def test_a_row_that_comes_twice_is_refused() -> None:
    team = rows.team()
    with pytest.raises(ValueError, match="A team comes twice"):
        change_many(
            [(team, {"name": "One"}), (team, {"key": "two"})],
            rows.person(),
        )


def test_an_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="attempts is set to an expression"):
        change_many([(rows.notice(), {"attempts": F("attempts") + 1})], rows.person())


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(FieldDoesNotExist):
        change_many([(rows.team(), {"colour": "red"})], rows.person())


def test_a_field_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="groups is no column of"):
        change_many([(rows.person(), {"groups": []})], rows.person())


def test_a_row_that_is_not_stored_is_refused() -> None:
    with pytest.raises(ObjectDoesNotExist, match="There is no target 999999 to change"):
        change_many([(Target(pk=999_999), {"name": "Nowhere"})], rows.person())


def test_no_changes_are_none() -> None:
    assert change_many([], rows.person()) == 0
    assert insert_many(Team, [], rows.person()) == []

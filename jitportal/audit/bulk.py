"""Writes many rows at once, recorded as fully as one ``save()`` at a time.

auditlog sees neither ``bulk_create`` nor ``update``. Here the differences come from auditlog's own
code, and become entries in the same transaction. No signals are sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from auditlog.diff import model_instance_diff
from auditlog.registry import auditlog
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from django.utils.encoding import smart_str

from jitportal.audit.entries import stamp
from jitportal.models import Entry, Person

BATCH = 1_000
Change = tuple[Model, Mapping[str, Any]]
M = TypeVar("M", bound=Model)
T = TypeVar("T")


def change_many(changes: Sequence[Change], actor: Person) -> int:
    """Set the fields on each row and save them, with one entry for each row that differs.

    Each change is a saved row and the values for it, by field name or by ``<name>_id``; only these
    columns are written. Batches of 1,000, all in one transaction; the rows are locked where the
    database can. Gives the number of entries. ``str(row)`` goes into the entry: select related rows
    that it needs beforehand.

    Raises ``ValueError`` for a row that comes twice, an expression such as ``F()`` (an entry holds
    values) and a model that isn't audited, ``FieldDoesNotExist`` for an unknown field, and
    ``ObjectDoesNotExist`` for a row that isn't stored.
    """
    by_model: dict[type[Model], list[Change]] = defaultdict(list)
    for change in changes:
        by_model[type(change[0])].append(change)
    entries = 0
    with transaction.atomic(using=router.db_for_write(Entry)):
        for model, own in by_model.items():
            _refuse_unaudited(model)
            _refuse_twice(model, own)
            for batch in _batches(own):
                entries += _change_batch(model, batch, actor)
    return entries


def insert_many(model: type[M], objects: Sequence[M], actor: Person) -> list[M]:
    """Insert the rows, with one entry for each; gives them with their ids.

    Batches of 1,000, all in one transaction. Raises ``ValueError`` for a model that isn't audited.
    """
    _refuse_unaudited(model)
    with transaction.atomic(using=router.db_for_write(Entry)):
        for batch in _batches(objects):
            model._default_manager.bulk_create(batch)
            entries = [_entry(row, Entry.Action.CREATE, _difference(None, row), actor) for row in batch]
            Entry.objects.bulk_create(entry for entry in entries if entry is not None)
    return list(objects)


def _change_batch(model: type[Model], batch: Sequence[Change], actor: Person) -> int:
    columns = {name: _concrete(model, name) for name in {name for _, values in batch for name in values}}
    before = _stored(model, [row.pk for row, _ in batch], columns.values())
    entries: list[Entry] = []
    by_fields: dict[tuple[Field[Any, Any], ...], list[Model]] = defaultdict(list)
    for row, values in batch:
        fields = tuple(columns[name] for name in values)
        for name, value in values.items():
            setattr(row, name, _value(name, value))
        if fields:
            by_fields[fields].append(row)
            difference = _difference(before[row.pk], row, values)
            entry = _entry(row, Entry.Action.UPDATE, difference, actor)
            entries += [entry] if entry is not None else []
    for fields, rows in by_fields.items():
        _update(model, fields, rows)
    Entry.objects.bulk_create(entries)
    return len(entries)


def _stored(model: type[Model], keys: Sequence[Any], fields: Iterable[Field[Any, Any]]) -> dict[Any, Model]:
    """These columns of the rows as they are stored, by key, locked until the transaction ends."""
    locked = model._default_manager.select_for_update(no_key=True).order_by("pk")
    rows = locked.only("pk", *(field.name for field in fields)).in_bulk(keys)
    for key in keys:
        if key not in rows:
            raise ObjectDoesNotExist(f"There is no {model._meta.verbose_name} {key} to change.")
    return rows


def _update(model: type[Model], fields: Sequence[Field[Any, Any]], rows: Sequence[Model]) -> None:
    """One statement for all rows, ten times as fast as the CASE of Django's ``bulk_update``."""
    connection = connections[router.db_for_write(model)]
    columns = (*fields, model._meta.pk)
    values = [
        [field.get_db_prep_save(field.pre_save(row, add=False), connection) for field in columns]
        for row in rows
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = [list(column) for column in zip(*values, strict=True)]
            cursor.execute(_joined_update(model, columns, connection), arrays)
        else:
            cursor.executemany(_prepared_update(model, columns, connection), values)


def _prepared_update(
    model: type[Model], columns: Sequence[Field[Any, Any]], connection: BaseDatabaseWrapper
) -> str:
    """For SQLite: prepared once, run for each row without leaving the process."""
    *names, key = (connection.ops.quote_name(str(field.column)) for field in columns)
    sets = ", ".join(f"{name} = %s" for name in names)
    return f"UPDATE {connection.ops.quote_name(model._meta.db_table)} SET {sets} WHERE {key} = %s"  # noqa: S608 - names of models alone


def _joined_update(
    model: type[Model], columns: Sequence[Field[Any, Any]], connection: BaseDatabaseWrapper
) -> str:
    """For PostgreSQL: an array for each column, in one round trip."""
    table = connection.ops.quote_name(model._meta.db_table)
    *names, key = (connection.ops.quote_name(str(field.column)) for field in columns)
    sets = ", ".join(f"{name} = given.{name}" for name in names)
    arrays = ", ".join(f"%s::{field.cast_db_type(connection)}[]" for field in columns)
    given = f"unnest({arrays}) AS given({', '.join((*names, key))})"
    return f"UPDATE {table} SET {sets} FROM {given} WHERE {table}.{key} = given.{key}"  # noqa: S608 - names of models alone


def _difference(before: Model | None, after: Model, fields: Mapping[str, Any] | None = None) -> Any:
    return model_instance_diff(
        before, after, fields_to_check=fields, use_json_for_changes=settings.AUDITLOG_STORE_JSON_CHANGES
    )


def _entry(row: Model, action: int, difference: Any, actor: Person) -> Entry | None:
    """What auditlog's ``log_create`` makes of one row, unsaved; None where nothing differs."""
    if not difference:
        return None
    entry = Entry(
        content_type=ContentType.objects.get_for_model(row),
        object_pk=row.pk,
        object_id=row.pk if isinstance(row.pk, int) else None,
        object_repr=smart_str(row),
        action=action,
        changes=difference,
        actor=actor,
    )
    stamp(entry)
    return entry


def _concrete(model: type[Model], name: str) -> Field[Any, Any]:
    field = model._meta.get_field(name)
    if not isinstance(field, Field) or field not in model._meta.concrete_fields:
        raise ValueError(f"{name} is no column of {model._meta.label}, so it can't be changed in bulk.")
    return field


def _value(name: str, value: Any) -> Any:
    if hasattr(value, "resolve_expression"):
        raise ValueError(f"{name} is set to an expression. An entry holds values: work it out first.")
    return value


def _refuse_unaudited(model: type[Model]) -> None:
    if not auditlog.contains(model):
        raise ValueError(f"{model._meta.label} isn't audited (audit.registration): write it directly.")


def _refuse_twice(model: type[Model], changes: Sequence[Change]) -> None:
    seen = {row.pk for row, _ in changes}
    if len(seen) != len(changes):
        raise ValueError(f"A {model._meta.verbose_name} comes twice: its second entry would be wrong.")


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]

"""Sees that the database itself refuses, and by which of its constraints or guards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import BaseConstraint, Model, UniqueConstraint

from jitportal.audit.guards.catalogue import catalogue
from jitportal.audit.guards.definitions import Guard

Break = Callable[[], object]


def guards_here() -> dict[str, Guard]:
    """Every guard of the database that the tests run on, by its name."""
    return {guard.name: guard for guard in catalogue() if connection.vendor in guard.vendors}


def constraints() -> dict[str, tuple[type[Model], BaseConstraint]]:
    """Every constraint of the portal's models, by its name."""
    return {
        constraint.name: (model, constraint)
        for model in apps.get_app_config("jitportal").get_models()
        for constraint in model._meta.constraints
    }


@contextmanager
def refused_by_constraint(name: str) -> Iterator[None]:
    """This constraint refuses what is done inside, with the table's guards taken away."""
    table = constraints()[name][0]._meta.db_table
    guards = [guard for guard in guards_here().values() if guard.table == table]
    with _without(guards), pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
    assert _refuser(refusal.value) in (name, _sqlite_says(name))


@contextmanager
def refused_as_duplicate(model: type[Model], *fields: str) -> Iterator[None]:
    """The database refuses what is done inside, since these fields of the model are unique."""
    columns = [str(model._meta.get_field(field).column) for field in fields]  # type: ignore[union-attr]
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
    if connection.vendor == "sqlite":
        wanted = ", ".join(f"{model._meta.db_table}.{column}" for column in columns)
        assert str(refusal.value) == f"UNIQUE constraint failed: {wanted}"
    else:
        assert f"Key ({', '.join(columns)})=" in str(refusal.value)


@contextmanager
def refused_by_guard(name: str) -> Iterator[None]:
    """This guard refuses what is done inside, with the table's other guards taken away."""
    guard = guards_here()[name]
    others = [other for other in guards_here().values() if other.table == guard.table and other != guard]
    with _without(others), pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
    if connection.vendor == "sqlite":
        assert str(refusal.value) == guard.sentence
    else:
        assert _refuser(refusal.value) == guard.trigger
        assert str(refusal.value).splitlines()[0] == guard.sentence


def sql(statement: str, *parameters: str | int | datetime) -> None:
    """Run a statement as any program with the database's password could."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@contextmanager
def _without(guards: list[Guard]) -> Iterator[None]:
    """Take guards away until the end of the block, and undo with it whatever was done inside.

    PostgreSQL changes no triggers while a table's deferred foreign keys are unchecked.
    """
    connection.check_constraints()
    with transaction.atomic():
        for guard in guards:
            on = f' ON "{guard.table}"' if connection.vendor == "postgresql" else ""
            sql(f'DROP TRIGGER "{guard.trigger}"{on}')
        yield
        transaction.set_rollback(True)


def _refuser(error: IntegrityError) -> str:
    """What the database names: PostgreSQL the constraint, SQLite something in its message."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name)
    return str(error).removeprefix("CHECK constraint failed: ")


def _sqlite_says(name: str) -> str:
    """How SQLite names a unique constraint: by its columns."""
    model, constraint = constraints()[name]
    if not isinstance(constraint, UniqueConstraint):
        return name
    fields = (model._meta.get_field(field) for field in constraint.fields)
    columns = (f"{model._meta.db_table}.{field.column}" for field in fields)  # type: ignore[union-attr]
    return f"UNIQUE constraint failed: {', '.join(columns)}"

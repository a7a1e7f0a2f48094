"""The guards as PostgreSQL keeps them.

Its catalogue rewrites what it was told, so each trigger carries its statement's fingerprint as a
comment, which goes when the trigger does; a function's body is compared as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from jitportal.audit.guards.definitions import PREFIX, Guard
from jitportal.audit.guards.statements import (
    Function,
    fingerprint,
    postgresql_function,
    postgresql_trigger,
)

#: Made by a migration, and checked here with the guards.
OVERLAP_CONSTRAINT = "grant_no_overlap"


@dataclass(frozen=True, slots=True)
class _Standing:
    table: str
    fingerprint: str | None
    enabled: str


def install(connection: BaseDatabaseWrapper, wanted: Mapping[str, Guard]) -> list[str]:
    """Make the triggers and functions those that are wanted; gives the names of those made."""
    schema, standing, bodies = _schema(connection), _triggers(connection), _functions(connection)
    functions = _wanted_functions(wanted.values())
    made = [name for name, guard in wanted.items() if _trouble(guard, standing.get(name))]
    statements = [
        function.create(schema) for name, function in functions.items() if bodies.get(name) != function.body
    ]
    for name, trigger in standing.items():
        if name in made or name not in wanted:
            statements.append(f'DROP TRIGGER "{name}" ON "{trigger.table}"')
    for name in made:
        statements += _create(wanted[name])
    statements += [f'DROP FUNCTION "{name}"()' for name in bodies if name not in functions]
    _execute(connection, statements)
    return made


def problems(connection: BaseDatabaseWrapper, wanted: Mapping[str, Guard]) -> list[str]:
    """A sentence for each trigger or function that is missing, switched off or reads otherwise."""
    standing, bodies = _triggers(connection), _functions(connection)
    found = [
        f"{name} {trouble}."
        for name, guard in wanted.items()
        if (trouble := _trouble(guard, standing.get(name)))
    ]
    found += [
        f"The function {name} reads otherwise than it should."
        for name, function in _wanted_functions(wanted.values()).items()
        if bodies.get(name) != function.body
    ]
    if not _has_overlap_constraint(connection):
        found.append(f"The constraint {OVERLAP_CONSTRAINT} is missing: a migration makes it.")
    return found


def lift(connection: BaseDatabaseWrapper, guards: Sequence[Guard]) -> None:
    """Switch these triggers off for a while."""
    _switch(connection, guards, "DISABLE")


def put_back(connection: BaseDatabaseWrapper, guards: Sequence[Guard]) -> None:
    """Switch them on again."""
    _switch(connection, guards, "ENABLE")


def _switch(connection: BaseDatabaseWrapper, guards: Sequence[Guard], how: str) -> None:
    _execute(
        connection,
        [f'ALTER TABLE "{guard.table}" {how} TRIGGER "{guard.trigger}"' for guard in guards],
    )


def _create(guard: Guard) -> tuple[str, str]:
    statement = postgresql_trigger(guard)
    comment = f'COMMENT ON TRIGGER "{guard.trigger}" ON "{guard.table}" IS \'{fingerprint(statement)}\''
    return statement, comment


def _trouble(guard: Guard, standing: _Standing | None) -> str:
    if standing is None:
        return "is missing"
    if standing.enabled != "O":
        return "is switched off"
    if standing.fingerprint != fingerprint(postgresql_trigger(guard)):
        return "reads otherwise than it should"
    return ""


def _wanted_functions(guards: Iterable[Guard]) -> dict[str, Function]:
    return {function.name: function for function in map(postgresql_function, guards)}


def _execute(connection: BaseDatabaseWrapper, statements: Sequence[str]) -> None:
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(";\n".join(statements))


def _schema(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def _triggers(connection: BaseDatabaseWrapper) -> dict[str, _Standing]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT t.tgname, c.relname, obj_description(t.oid, 'pg_trigger'), t.tgenabled
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE starts_with(t.tgname, %s) AND c.relnamespace = current_schema()::regnamespace
            """,
            [PREFIX],
        )
        return {name: _Standing(*rest) for name, *rest in cursor.fetchall()}


def _functions(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT proname, prosrc FROM pg_proc
            WHERE starts_with(proname, %s) AND pronamespace = current_schema()::regnamespace
            """,
            [PREFIX],
        )
        return dict(cursor.fetchall())


def _has_overlap_constraint(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_constraint WHERE conname = %s AND contype = 'x'", [OVERLAP_CONSTRAINT]
        )
        return cursor.fetchone() is not None

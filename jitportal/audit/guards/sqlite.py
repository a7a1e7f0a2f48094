"""The guards as SQLite keeps them: ``sqlite_master`` holds each trigger word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from jitportal.audit.guards.definitions import PREFIX, Guard
from jitportal.audit.guards.statements import sqlite_trigger


def install(connection: BaseDatabaseWrapper, wanted: Mapping[str, Guard]) -> list[str]:
    """Make the triggers those that are wanted; gives the names of those made."""
    standing = _standing(connection)
    statements = {name: sqlite_trigger(guard) for name, guard in wanted.items()}
    made = [name for name, statement in statements.items() if standing.get(name) != statement]
    with connection.cursor() as cursor:
        for name in standing:
            if standing[name] != statements.get(name):
                cursor.execute(f'DROP TRIGGER "{name}"')
        for name in made:
            cursor.execute(statements[name])
    return made


def problems(connection: BaseDatabaseWrapper, wanted: Mapping[str, Guard]) -> list[str]:
    """A sentence for each trigger that is missing or reads otherwise."""
    standing = _standing(connection)
    return [
        f"{name} {'reads otherwise than it should' if name in standing else 'is missing'}."
        for name, guard in wanted.items()
        if standing.get(name) != sqlite_trigger(guard)
    ]


def lift(connection: BaseDatabaseWrapper, guards: Sequence[Guard]) -> None:
    """Drop these triggers for a while."""
    with connection.cursor() as cursor:
        for guard in guards:
            cursor.execute(f'DROP TRIGGER IF EXISTS "{guard.trigger}"')


def put_back(connection: BaseDatabaseWrapper, guards: Sequence[Guard]) -> None:
    """Create them again."""
    lift(connection, guards)
    with connection.cursor() as cursor:
        for guard in guards:
            cursor.execute(sqlite_trigger(guard))


def _standing(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, %s) = %s",
            [len(PREFIX), PREFIX],
        )
        return dict(cursor.fetchall())

"""A guard: one trigger that refuses, and how each database says it.

A condition is written once, in the SQL that SQLite and PostgreSQL share; a ``Dialect`` supplies the
few words that they don't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Model

PREFIX = "jitportal_guard_"


class On(StrEnum):
    """What a guard stands before."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    TRUNCATE = "TRUNCATE"  # PostgreSQL alone: SQLite deletes row by row


@dataclass(frozen=True, slots=True)
class Dialect:
    """What SQLite and PostgreSQL say differently."""

    vendor: str

    def differs(self, one: str, other: str) -> str:
        """Whether two values differ, NULL being a value like any other."""
        return f"{one} {'IS NOT' if self.vendor == 'sqlite' else 'IS DISTINCT FROM'} {other}"

    def minutes_after(self, moment: str, minutes: str) -> str:
        """The moment so many minutes later, exactly.

        Django stores moments on SQLite as text, whose date functions count in milliseconds: whole
        seconds go through them, and the fraction, which minutes don't change, is put back.
        """
        if self.vendor == "postgresql":
            return f"({moment} + {minutes} * interval '1 minute')"
        whole = f"datetime(substr({moment}, 1, 19), '+' || {minutes} || ' minutes')"
        return f"({whole} || substr({moment}, 20))"

    def elements(self, array: str, name: str) -> str:
        """The elements of a JSON array as rows with ``number``, from 0, and ``value``."""
        if self.vendor == "postgresql":
            numbered = f"jsonb_array_elements({array}) WITH ORDINALITY AS one (value, ordinal)"
            return f"LATERAL (SELECT value, ordinal - 1 AS number FROM {numbered}) AS {name}"
        return f"(SELECT value, key AS number FROM json_each({array})) AS {name}"

    def elements_count(self, array: str) -> str:
        """How many elements a JSON array has."""
        function = "jsonb_array_length" if self.vendor == "postgresql" else "json_array_length"
        return f"{function}({array})"

    def member(self, document: str, key: str) -> str:
        """A member of a JSON object, as text; empty where it isn't there."""
        if self.vendor == "postgresql":
            return f"COALESCE({document} ->> '{key}', '')"
        return f"COALESCE(json_extract({document}, '$.{key}'), '')"


#: SQL over NEW and OLD; a function of the dialect where the databases differ.
Condition = str | Callable[[Dialect], str]


@dataclass(frozen=True, slots=True)
class Guard:
    """One refusal. ``condition`` is over ``NEW`` and ``OLD``; without one it always refuses.

    ``columns`` are those whose update it looks at. ``looks_up`` says that the condition asks other
    rows, which PostgreSQL doesn't allow in a trigger's WHEN. ``sentence`` is what the database says.
    """

    name: str
    model: type[Model]
    on: On
    sentence: str
    condition: Condition = ""
    columns: tuple[str, ...] = ()
    looks_up: bool = False
    vendors: frozenset[str] = frozenset({"sqlite", "postgresql"})

    @property
    def trigger(self) -> str:
        """The trigger's name in the database; PostgreSQL keeps 63 characters."""
        return f"{PREFIX}{self.name}"

    @property
    def table(self) -> str:
        return str(self.model._meta.db_table)

    def refuses_when(self, dialect: Dialect) -> str:
        """The whole condition, or an empty text where it always refuses."""
        condition = self.condition if isinstance(self.condition, str) else self.condition(dialect)
        if self.on is On.UPDATE and self.columns and self.looks_up:
            changed = any_of(changes(dialect, column) for column in self.columns)
            return f"({changed}) AND ({condition})"
        return condition


def table_of(model: type[Model]) -> str:
    """The model's table, quoted."""
    return f'"{model._meta.db_table}"'


def old(column: str) -> str:
    return f'OLD."{column}"'


def new(column: str) -> str:
    return f'NEW."{column}"'


def changes(dialect: Dialect, column: str) -> str:
    """The column gets another value."""
    return dialect.differs(new(column), old(column))


def any_of(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions)


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(model: type[Model], names: Sequence[str]) -> tuple[str, ...]:
    """The columns of the model's fields; raises ``FieldDoesNotExist`` for an unknown field."""
    return tuple(str(model._meta.get_field(name).column) for name in names)  # type: ignore[union-attr]

"""What creates a guard on each database, as SQL."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from jitportal.audit.guards.definitions import PREFIX, Dialect, Guard, On, literal

#: PostgreSQL's function of every guard that looks at its own row alone; the sentence is its argument.
REFUSE = f"{PREFIX}refuse"
_RAISE = "RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME"
REFUSE_BODY = f"BEGIN {_RAISE}, MESSAGE = TG_ARGV[0]; END"


@dataclass(frozen=True, slots=True)
class Function:
    """A trigger function of PostgreSQL: its name and its body."""

    name: str
    body: str

    def create(self, schema: str) -> str:
        """Names are looked up where the portal's tables are, never first among temporary ones."""
        return (
            f'CREATE OR REPLACE FUNCTION "{self.name}"() RETURNS trigger LANGUAGE plpgsql '
            f'SET search_path = "{schema}", pg_temp AS {literal(self.body)}'
        )


def sqlite_trigger(guard: Guard) -> str:
    """``CREATE TRIGGER``, which SQLite keeps word for word in its schema."""
    condition = guard.refuses_when(Dialect("sqlite"))
    when = f" WHEN {condition}" if condition else ""
    return (
        f'CREATE TRIGGER "{guard.trigger}" BEFORE {_event(guard)} ON "{guard.table}" FOR EACH ROW{when} '
        f"BEGIN SELECT RAISE(ABORT, {literal(guard.sentence)}); END"
    )


def postgresql_function(guard: Guard) -> Function:
    """The function that the guard's trigger calls: one of its own where it asks other rows."""
    if not guard.looks_up:
        return Function(REFUSE, REFUSE_BODY)
    condition = guard.refuses_when(Dialect("postgresql"))
    body = f"BEGIN IF {condition} THEN {_RAISE}, MESSAGE = TG_ARGV[0]; END IF; RETURN NEW; END"
    return Function(guard.trigger, body)


def postgresql_trigger(guard: Guard) -> str:
    """``CREATE TRIGGER``; a condition on the row alone stands in WHEN, so that nothing is called."""
    condition = "" if guard.looks_up else guard.refuses_when(Dialect("postgresql"))
    when = f" WHEN ({condition})" if condition else ""
    each = "STATEMENT" if guard.on is On.TRUNCATE else "ROW"
    return (
        f'CREATE TRIGGER "{guard.trigger}" BEFORE {_event(guard)} ON "{guard.table}" FOR EACH {each}{when} '
        f'EXECUTE FUNCTION "{postgresql_function(guard).name}"({literal(guard.sentence)})'
    )


def fingerprint(statement: str) -> str:
    """What PostgreSQL keeps as the trigger's comment: it doesn't keep the statement itself."""
    return sha256(statement.encode()).hexdigest()


def _event(guard: Guard) -> str:
    if guard.on is not On.UPDATE or not guard.columns:
        return str(guard.on)
    return f"UPDATE OF {', '.join(f'{chr(34)}{column}{chr(34)}' for column in guard.columns)}"

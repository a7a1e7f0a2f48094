"""Installs the guards, says what is wrong with them, and lifts those that tests must pass.

``migrate`` takes the guards off before it changes the portal's tables and installs them after: SQLite
drops a table's triggers silently when Django rebuilds it, and refuses to rename a table that another
table's trigger names; PostgreSQL refuses to alter a column that a trigger names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate, pre_migrate

from jitportal.audit.guards import postgresql, sqlite
from jitportal.audit.guards.catalogue import catalogue
from jitportal.audit.guards.definitions import Guard
from jitportal.audit.guards.record import removal_guards

_lifted: ContextVar[bool] = ContextVar("jitportal_guards_lifted", default=False)


class _Vendor(Protocol):
    """What ``sqlite`` and ``postgresql`` both do."""

    def install(self, connection: BaseDatabaseWrapper, wanted: Mapping[str, Guard]) -> list[str]: ...
    def problems(self, connection: BaseDatabaseWrapper, wanted: Mapping[str, Guard]) -> list[str]: ...
    def lift(self, connection: BaseDatabaseWrapper, guards: Sequence[Guard]) -> None: ...
    def put_back(self, connection: BaseDatabaseWrapper, guards: Sequence[Guard]) -> None: ...


_VENDORS: Mapping[str, _Vendor] = {"sqlite": sqlite, "postgresql": postgresql}


def connect() -> None:
    """Take the guards off before each migration, install them after it, and check them with the rest."""
    portal = apps.get_app_config("jitportal")
    pre_migrate.connect(_before_migrating, sender=portal, dispatch_uid="jitportal.audit.guards")
    post_migrate.connect(_after_migrating, sender=portal, dispatch_uid="jitportal.audit.guards")
    checks.register(check, checks.Tags.database)


def install(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Make the database's guards those of the catalogue; gives the names of those that it made.

    What stands already as it should is left alone, and what the catalogue no longer holds is dropped.
    """
    connection = connections[using]
    wanted = _wanted(connection)
    with transaction.atomic(using=using):
        return _VENDORS[connection.vendor].install(connection, wanted)


def remove(using: str = DEFAULT_DB_ALIAS) -> None:
    """Take every guard off, for a migration."""
    connection = connections[using]
    with transaction.atomic(using=using):
        _VENDORS[connection.vendor].install(connection, {})


def problems(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """A sentence for each guard that is missing, altered or switched off; none when all stand."""
    connection = connections[using]
    return _VENDORS[connection.vendor].problems(connection, _wanted(connection))


@contextmanager
def lifted(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let tables be emptied inside, for the flush after a test. Everything else stays refused.

    Raises ``RuntimeError`` in production.
    """
    if settings.PRODUCTION:
        raise RuntimeError("The record's guards are lifted for tests alone, never in production.")
    connection = connections[using]
    names = [guard.trigger for guard in removal_guards() if connection.vendor in guard.vendors]
    wanted = _wanted(connection)
    vendor = _VENDORS[connection.vendor]
    token = _lifted.set(True)
    try:
        with transaction.atomic(using=using):
            vendor.lift(connection, [wanted[name] for name in names])
        yield
    finally:
        _lifted.reset(token)
        with transaction.atomic(using=using):
            vendor.put_back(connection, [wanted[name] for name in names])


def check(*, databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """A warning where the portal's tables stand without their guards."""
    return [
        checks.Warning(
            f"The record isn't guarded as it should be: {problem}",
            hint="Run: manage.py guards",
            id="jitportal.W001",
        )
        for using in databases or ()
        if _migrated(connections[using])
        for problem in problems(using)
    ]


def _before_migrating(using: str, plan: list[tuple[Any, bool]], **_signal: Any) -> None:
    if any(migration.app_label == "jitportal" for migration, _ in plan):
        remove(using)


def _after_migrating(using: str, **_signal: Any) -> None:
    if not _lifted.get() and _migrated(connections[using]):
        install(using)


def _wanted(connection: BaseDatabaseWrapper) -> Mapping[str, Guard]:
    return {guard.trigger: guard for guard in catalogue() if connection.vendor in guard.vendors}


def _migrated(connection: BaseDatabaseWrapper) -> bool:
    """Whether every guarded table is there, with every column of its model: not half-way migrated."""
    tables = set(connection.introspection.table_names())
    models = {guard.model for guard in catalogue()}
    if not {model._meta.db_table for model in models} <= tables:
        return False
    with connection.cursor() as cursor:
        return all(
            {field.column for field in model._meta.concrete_fields}
            <= {
                column.name
                for column in connection.introspection.get_table_description(cursor, model._meta.db_table)
            }
            for model in models
        )

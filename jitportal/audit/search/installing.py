"""Keeps the search's index standing: after each migration, and with a check among Django's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate

from jitportal.audit.search import postgresql, sqlite
from jitportal.models import Event


def connect() -> None:
    """Install the index after each migration, and check it with the rest."""
    portal = apps.get_app_config("jitportal")
    post_migrate.connect(_after_migrating, sender=portal, dispatch_uid="jitportal.audit.search")
    checks.register(check, checks.Tags.database)


def install(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Make SQLite's index what it should be, filled from the events; whether anything had to be done.

    Django drops the trigger silently where a migration rebuilds the events' table. PostgreSQL keeps its
    index by itself, and a migration makes it.
    """
    connection = connections[using]
    if connection.vendor != "sqlite":
        return False
    with transaction.atomic(using=using):
        return sqlite.install(connection)


def problems(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """What is wrong with the index, as sentences."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        return sqlite.problems(connection)
    return postgresql.problems(connection)


def check(*, databases: Sequence[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """A warning where events stand without the search's index."""
    return [
        checks.Warning(
            f"The record can't be searched as it should be: {problem}",
            hint="Run: manage.py migrate",
            id="jitportal.W002",
        )
        for using in databases or ()
        if _migrated(connections[using])
        for problem in problems(using)
    ]


def _after_migrating(using: str, **_signal: Any) -> None:
    if _migrated(connections[using]):
        install(using)


def _migrated(connection: BaseDatabaseWrapper) -> bool:
    return Event._meta.db_table in connection.introspection.table_names()

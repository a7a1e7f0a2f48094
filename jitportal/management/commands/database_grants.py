"""``manage.py database_grants``: what the running portal's own login may do in its PostgreSQL database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db.models import Model
from django_q.models import OrmQ, Task
from psycopg import sql

from jitportal.audit.guards.record import APPEND_ONLY
from jitportal.management.command import PortalCommand
from jitportal.models import Heartbeat, PersonSession, RateLimit

#: Rows that may go: the queue's, sessions, counts, the signs of life of workers long gone, and second
#: factors, whose coming and going is in the record.
PASSING: tuple[type[Model], ...] = (OrmQ, Task, Session, PersonSession, Authenticator, Heartbeat, RateLimit)
MIGRATIONS = "django_migrations"


class Command(PortalCommand):
    help = (
        "Print the statements that give the running portal's PostgreSQL login what it needs and no more: it "
        "may add to the record, and never change or remove what is there. Run them as the tables' owner "
        "after each migrate."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("login", help="the login in JITPORTAL_DATABASE_URL of the running portal")

    def run(self, **options: Any) -> None:
        self.say(f"-- For the login {options['login']}, as the owner of the tables, after each migrate.")
        for statement in statements(options["login"]):
            self.say(statement)


def statements(login: str) -> Iterator[str]:
    """The statements, each ended by a semicolon."""
    tables = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    record = _tables(APPEND_ONLY)
    yield "BEGIN;"
    yield _said("GRANT USAGE ON SCHEMA public TO {login};", login)
    yield _said("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {login};", login)
    yield _said("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {login};", login)
    yield _said("GRANT SELECT ON {tables} TO {login};", login, {*tables, MIGRATIONS})
    yield _said("GRANT INSERT ON {tables} TO {login};", login, tables)
    yield _said("GRANT UPDATE ON {tables} TO {login};", login, tables - record)
    yield _said("GRANT DELETE ON {tables} TO {login};", login, _tables(PASSING))
    yield "COMMIT;"


def _tables(models: Iterable[type[Model]]) -> set[str]:
    return {model._meta.db_table for model in models}


def _said(statement: str, login: str, tables: Iterable[str] = ()) -> str:
    names = ", ".join(map(_quoted, sorted(tables)))
    return statement.format(login=_quoted(login), tables=names)


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string(None)

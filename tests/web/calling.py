"""Calls the portal in this process, as any kind of person, and sees what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client, RequestFactory
from django.test.client import ClientHandler

from tests.web.kinds import KINDS
from tests.web.world import World

WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE")
HARMLESS = ("SELECT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET CONSTRAINTS")
#: A session is no state of the portal: signing in and out, and a message to show, write it. Nor is how
#: often somebody came lately.
UNCOUNTED = ("django_session", "jitportal_ratelimit")

#: One for all calls: its middleware is slow to load, and it doesn't copy the context of every template,
#: as the test client does.
HANDLER = ClientHandler(enforce_csrf_checks=False)

Caller = Callable[[str], RequestFactory]


def caller_in(world: World) -> Caller:
    """Makes requests of a kind of person, with the session that they signed in to."""
    sessions: dict[str, str] = {}
    for kind, username in KINDS.items():
        if username:
            client = Client()
            client.force_login(world[username])
            sessions[kind] = client.cookies[settings.SESSION_COOKIE_NAME].value

    def fresh(kind: str) -> RequestFactory:
        requests = RequestFactory()
        if kind in sessions:
            requests.cookies[settings.SESSION_COOKIE_NAME] = sessions[kind]
        return requests

    return fresh


@contextmanager
def writing() -> Iterator[list[str]]:
    """Collects the statements that write anything but what is no state of the portal."""
    seen: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        counted = not any(table in sql for table in UNCOUNTED)
        if counted and sql.lstrip().upper().startswith(WRITING):
            seen.append(sql[:120])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen


@contextmanager
def touching() -> Iterator[list[str]]:
    """Collects every statement that could leave anything behind: all that don't read, and end nothing."""
    seen: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.lstrip(" (").upper().startswith(HARMLESS):
            seen.append(sql[:160])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen

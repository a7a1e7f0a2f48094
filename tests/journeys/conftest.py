"""One running portal, one target and one browser for all journeys of a process.

The journeys run on a database of their own, of the kind that the suite runs on: the portal's processes
go on between the tests, and must not meet what other tests leave or lock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from playwright.sync_api import Browser, expect, sync_playwright

from jitportal.management.postgres_binaries import why_unavailable
from jitportal.management.private_postgres import PrivatePostgres
from tests import migrated
from tests.connectors.postgres_target import PASSWORD, PostgresTarget, install
from tests.journeys.browsing import FLAGS, PATIENCE, Visitor
from tests.journeys.cast import ENGINEERS, ENTITLEMENTS
from tests.journeys.portal import RunningPortal

DATABASE = "orders"
PORTAL_LOGIN = "jitportal_orders"

Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def orders() -> Iterator[PostgresTarget]:
    """The orders database, on a server of its own: other tests stop theirs, and these may be made twice in
    a process. Nothing sweeps it: what ends here, the portal has ended.
    """
    if reason := why_unavailable():
        pytest.skip(reason)
    with PrivatePostgres(durable=False) as server:
        server.create_database(DATABASE)
        install(server, database=DATABASE, portal=PORTAL_LOGIN)
        target = PostgresTarget(server, database=DATABASE, portal=PORTAL_LOGIN)
        for role in ENTITLEMENTS:
            target.role(role, longest="30 days")
        for engineer in ENGINEERS:
            target.login(engineer)
        yield target
        target.close()


@contextmanager
def a_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a migrated, empty database of the suite's kind, for a portal."""
    if connection.vendor == "sqlite":
        place = tmp_path_factory.mktemp("journeys") / "portal.sqlite3"
        yield f"sqlite:///{migrated.sqlite_copy(place)}"
        return
    name = f"journeys_{uuid4().hex[:12]}"
    migrated.create(name, template=migrated.postgres_template(tmp_path_factory))
    yield f"{migrated.server_url()}/{name}"
    migrated.drop(name)


@pytest.fixture(scope="package")
def portal_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the portal that the journeys share."""
    with a_database(tmp_path_factory) as address:
        yield address


@pytest.fixture
def own_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a portal that one journey has to itself."""
    with a_database(tmp_path_factory) as address:
        yield address


@pytest.fixture(scope="package")
def portal(
    orders: PostgresTarget, portal_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPortal]:
    """A portal of the demo's kind, where the cast can be become by a click; a password does too."""
    folder: Path = tmp_path_factory.mktemp("portal")
    running = RunningPortal(
        database_url=portal_database,
        folder=folder,
        secrets={"JITPORTAL_TARGET_ORDERS_PASSWORD": PASSWORD},
        demo=True,
    )
    with running:
        said = f"port={orders.server.port}, database={DATABASE!r}, portal={PORTAL_LOGIN!r}"
        running.manage("shell", "--no-imports", "-c", f"from tests.journeys import cast; cast.settle({said})")
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(portal: RunningPortal, browser: Browser) -> Iterator[Visit]:
    """Opens a browser window of somebody's; at the end nothing may have complained in any of them."""
    visitors: list[Visitor] = []
    before = len(portal.log_text())

    def open_(*, script: bool = True) -> Visitor:
        visitors.append(Visitor(browser, portal.url, script=script))
        return visitors[-1]

    yield open_
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    for visitor in visitors:
        visitor.close()
    assert not complaints
    logged = portal.log_text()[before:]
    assert not re.search(r"Traceback| (ERROR|CRITICAL) ", logged), logged

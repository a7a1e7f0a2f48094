"""What every test stands on: which database, which real servers, and what is said about skips.

The portal's database is a SQLite file, or PostgreSQL where JITPORTAL_DATABASE_URL names one
(`scripts/test-postgres` starts one). Sockets are sealed by pytest-socket: loopback and unix
sockets alone.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase, override_settings
from django.test.client import ClientHandler
from django.test.signals import setting_changed
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from jitportal.management.postgres_binaries import why_unavailable
from jitportal.management.private_postgres import PrivatePostgres
from tests import emptying, migrated
from tests.connectors.ssh_target import SshFleet, why_no_ssh_server
from tests.which_run import (
    A_SECOND_WAY,
    CASES,
    EACH_CASE_ITS_OWN,
    LONG,
    PAGES,
    PAGES_THAT_SEARCH,
    TOGETHER,
    WITH_MANY_CASES,
    WITHOUT_A_DATABASE,
)

PROOF_SECONDS = 1800

# The suite says the same thing each time it runs; the proofs look somewhere new each time.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "proofs",
    deadline=None,
    max_examples=500,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
hypothesis_settings.load_profile("suite")


# What is skipped, and what is said about it


@pytest.hookimpl(tryfirst=True)  # xdist's tells what was collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """What was collected stays until the end: no need to look through it again and again for what is unused."""
    _deal_out_the_long_ones(session.config, session.items)
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _leave_out_the_other_database(config, items)
    no_postgres = why_unavailable()
    no_ssh = why_no_ssh_server() if any("ssh_fleet" in _fixture_names(item) for item in items) else None
    no_browser = None if shutil.which("chromium") else "Chromium is not installed (on Debian: chromium)."
    _leave_to_the_proofs(items)
    for item in items:
        if {"target_server", "target_database", "armed_target_server"} & set(_fixture_names(item)):
            item.add_marker("postgres_server")
        if no_postgres and item.get_closest_marker("postgres_server"):
            item.add_marker(pytest.mark.skip(reason=no_postgres))
        if "ssh_fleet" in _fixture_names(item):
            item.add_marker("ssh_server")
        if no_ssh and item.get_closest_marker("ssh_server"):
            item.add_marker(pytest.mark.skip(reason=no_ssh))
        if no_browser and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=no_browser))
        if item.nodeid.startswith(PAGES) and item.path.name not in PAGES_THAT_SEARCH:
            item.add_marker("page")
        if item.get_closest_marker("proof") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(PROOF_SECONDS))


def _leave_to_the_proofs(items: list[pytest.Item]) -> None:
    cases: Counter[str] = Counter()
    for item in items:
        told_again = item.nodeid.startswith(A_SECOND_WAY)
        if item.nodeid.startswith(WITH_MANY_CASES) and not item.nodeid.startswith(EACH_CASE_ITS_OWN):
            test = item.nodeid.partition("[")[0]
            cases[test] += 1
            told_again = told_again or cases[test] > CASES
        if told_again:
            item.add_marker("proof")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The short suite on PostgreSQL reads no file of which it would run nothing."""
    if connection.vendor == "sqlite" or "not page" not in str(config.option.markexpr):
        return None
    if collection_path.suffix != ".py" or collection_path.name in PAGES_THAT_SEARCH | {"conftest.py"}:
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return path.startswith((*PAGES, *WITHOUT_A_DATABASE)) or None


def _deal_out_the_long_ones(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long in each of xdist's processes, which get an equal share each, in order:
    otherwise all of them wait at the end for the one that got it last.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    if processes == 1:
        return
    together = [item for item in items if item.nodeid.startswith(TOGETHER)]
    long = [item for item in items if item.nodeid.startswith(LONG)]
    rest = [item for item in items if not item.nodeid.startswith((*LONG, TOGETHER))]
    total = len(items)
    items.clear()
    for number in range(processes):
        share = (total - len(items)) // (processes - number)
        dealt = together if number == 0 else long[number - 1 :: processes - 1]
        fill = max(0, share - len(dealt))
        items += dealt + rest[:fill]
        del rest[:fill]
    items += rest


#: A test that asks for one of these stands on the portal's database. Any other runs once, beside SQLite.
ON_A_DATABASE = {
    "django_db_setup",
    "db",
    "transactional_db",
    "live_server",
    "database_url",
    "portal_database",
    "own_database",
}


def _leave_out_the_other_database(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is about the other database does not apply here: that is no skip to report."""
    on_sqlite = connection.vendor == "sqlite"
    other = "postgresql" if on_sqlite else "sqlite"
    left_out = [
        item
        for item in items
        if item.get_closest_marker(other) or (not on_sqlite and _needs_no_database(item))
    ]
    if left_out:
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left_out)


def _needs_no_database(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("django_db", "postgresql", "proof"))
    return not marked and not ON_A_DATABASE & set(_fixture_names(item))


def _fixture_names(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(_reason(report) for report in terminalreporter.getreports("skipped"))
    terminalreporter.section(f"{reasons.total()} skipped")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:>4} {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason of a skip, which pytest keeps as (path, line, text)."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


# The portal's database


@pytest.fixture(scope="session", autouse=True)
def _hash_passwords_quickly() -> Iterator[None]:
    """In this process. The processes that tests start hash as the portal does."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Begin with a copy of a database that is migrated already.

    SQLite's is a file of this process: a database in memory is one connection's alone, and parallel clicks
    and killed workers are proven over connections and processes of their own. pytest-django gives each
    process its own PostgreSQL database already.
    """
    default = settings.DATABASES["default"]
    tests = default.setdefault("TEST", {})
    if default["ENGINE"] == "django.db.backends.sqlite3":
        place = tmp_path_factory.mktemp("database") / "portal.sqlite3"
        tests["NAME"] = str(migrated.sqlite_copy(place))
    else:
        tests["TEMPLATE"] = migrated.postgres_template(tmp_path_factory)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """What was copied is kept; it goes with the run's folder, or with its private server."""
    return True


@pytest.fixture(scope="session")
def django_db_createdb() -> bool:
    return False


@pytest.fixture(scope="session", autouse=True)
def _empty_what_was_committed() -> Iterator[None]:
    """In the place of Django's flush: see ``tests.emptying``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: emptying.empty())
        yield


@pytest.fixture(scope="session", autouse=True)
def _load_the_middleware_once() -> Iterator[None]:
    """As a server does. Each test's client would load it anew, and look through all static files for it.

    Whenever a setting changes it is loaded again.
    """
    load = ClientHandler.load_middleware
    loaded: list[ClientHandler] = []

    def load_once(handler: ClientHandler) -> None:
        if not loaded:
            load(handler)
            loaded.append(handler)
        handler._middleware_chain = loaded[0]._middleware_chain  # type: ignore[attr-defined]  # not in the stubs

    def forget(**_changed: object) -> None:
        loaded.clear()

    setting_changed.connect(forget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_once)
        yield
    setting_changed.disconnect(forget)


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """JITPORTAL_DATABASE_URL for a process that is to work on this test's database."""
    chosen = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(str(chosen['NAME'])).absolute()}"
    user, password, name = (quote(str(chosen[key]), safe="") for key in ("USER", "PASSWORD", "NAME"))
    return f"postgresql://{user}:{password}@{chosen['HOST']}:{chosen['PORT']}/{name}"


# Targets


@pytest.fixture(scope="session")
def target_server() -> Iterator[PrivatePostgres]:
    """A real PostgreSQL server to be a target; one for each process, started when first asked for.

    It has pg_cron, with its jobs in the database ``postgres``, where that is installed.
    """
    if reason := why_unavailable():
        pytest.skip(reason)
    cron_database = None if why_unavailable(extension="pg_cron") else "postgres"
    with PrivatePostgres(durable=False, cron_database=cron_database) as server:
        yield server


@pytest.fixture(scope="session")
def ssh_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshFleet]:
    """A real SSH host that trusts an authority of the test's own; one for each process."""
    root = tmp_path_factory.mktemp("fleet")
    for folder in (root, *list(root.parents)[:3]):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(0o711)  # the host's users pass through it
    fleet = SshFleet(root)
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.stop()


@pytest.fixture
def armed_target_server(target_server: PrivatePostgres) -> PrivatePostgres:
    """The same server, for a test that needs pg_cron in it."""
    if reason := why_unavailable(extension="pg_cron"):
        pytest.skip(reason)
    return target_server


@pytest.fixture
def target_database(target_server: PrivatePostgres) -> Iterator[str]:
    """A superuser's URL of an empty database on the target server; gone after the test.

    Roles belong to the whole server: give them names of the test's own.
    """
    target_server.start()  # a test before may have stopped it
    name = f"target_{uuid4().hex[:12]}"
    yield target_server.create_database(name)
    target_server.start()
    with psycopg.connect(target_server.dsn(), autocommit=True) as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

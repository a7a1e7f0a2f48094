"""How long access outlives its end: never for long, a thousand at once, and with the portal killed.

The figures are printed: run with ``-s`` to see them. Each lag is taken on one clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bench import removal_lag
from jitportal.management.postgres_binaries import why_unavailable
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.models import Grant, Person
from tests.connectors.postgres_target import (
    PostgresTarget,
    Session,
    StubbornClient,
    is_cut,
    reads,
    wait_until,
)
from tests.journeys.portal import RunningPortal

pytestmark = [pytest.mark.proof, pytest.mark.postgres_server]

#: What is promised, in seconds.
P99 = 2.0
THOUSAND = 10.0
BY_THE_SERVER = 3.0
#: The clock that says when a client last read is another process's than the one that ends the grant.
PATIENCE = 60.0
#: A thousand requests are made one after another in this time at the most.
MINUTES_OF_A_BURST = 4

Prepared = Callable[[int], list[Person]]


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    """The portal alone ends what is given here."""
    with PrivatePostgres(durable=False) as server:
        removal_lag.prepare_server(server, 1_000)
        yield server


@pytest.fixture(scope="module")
def sweeping_server() -> Iterator[PrivatePostgres]:
    """This server ends access by itself."""
    if reason := why_unavailable(extension="pg_cron"):
        pytest.skip(reason)
    with PrivatePostgres(durable=False, cron_database="postgres") as server:
        with psycopg.connect(server.dsn(), autocommit=True) as superuser:
            superuser.execute("CREATE EXTENSION pg_cron")
        removal_lag.prepare_server(server, 2)
        yield server


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Callable[[], RunningPortal]:
    def make() -> RunningPortal:
        secrets = {removal_lag.SECRET: removal_lag.PASSWORD}
        return RunningPortal(database_url=database_url, folder=tmp_path, secrets=secrets)

    return make


@contextmanager
def target(server: PrivatePostgres) -> Iterator[PostgresTarget]:
    target = PostgresTarget(server, database="postgres", portal=removal_lag.PORTAL_LOGIN)
    yield target
    target.close()


def test_two_hundred_that_end_one_after_another(
    server: PrivatePostgres, running: Callable[[], RunningPortal]
) -> None:
    engineers = removal_lag.prepare_portal(server, 200)
    with running():
        lags = removal_lag.spread(engineers)
    print(f"\n200 one after another: {lags}")
    assert lags.never_live == 0
    assert lags.p99 < P99


def test_a_thousand_that_end_in_the_same_second(
    server: PrivatePostgres, running: Callable[[], RunningPortal]
) -> None:
    engineers = removal_lag.prepare_portal(server, 1_000)
    with running():
        lags = removal_lag.burst(engineers, MINUTES_OF_A_BURST)
    print(f"\n1,000 in the same second: {lags}")
    assert lags.never_live == 0
    assert lags.longest < THOUSAND


def test_sessions_that_hold_the_role_and_clients_that_come_back_are_cut(
    server: PrivatePostgres, running: Callable[[], RunningPortal]
) -> None:
    """Five at once, a second apart, each with a session that did SET ROLE and a client in a loop."""
    engineers = removal_lag.prepare_portal(server, 5)
    with running(), target(server) as orders, ExitStack() as clients:
        watched = []
        for engineer in engineers:
            grant = removal_lag.ask(engineer)
            watched.append(watch(orders, grant, clients))
            time.sleep(1)
        late = [outlived(each) for each in watched]
        print(f"\nsessions and clients read for at most {max(late):.3f} s after the end")
        assert max(late) < P99
        assert all(verified(grant) for grant, _, _ in watched)


def test_the_server_itself_cuts_them_when_the_portal_is_killed(
    sweeping_server: PrivatePostgres, running: Callable[[], RunningPortal]
) -> None:
    engineers = removal_lag.prepare_portal(sweeping_server, 1, expiry="pg_cron")
    with target(sweeping_server) as orders, running() as portal, ExitStack() as clients:
        # The sweep's job begins with a full minute.
        wait_until(lambda: orders.value("SELECT swept_at IS NOT NULL FROM jit.pulse"), 90)
        watched = watch(orders, removal_lag.ask(engineers[0]), clients)
        portal.kill()
        assert portal.readiness() == {}
        late = outlived(watched)
        print(f"\nwith the portal killed: read for at most {late:.3f} s after the end")
        assert late < BY_THE_SERVER
        assert not orders.is_member("engineer0", removal_lag.ROLE)
        grant = watched[0]
        assert not verified(grant)
        portal.start()
        wait_until(lambda: verified(grant), PATIENCE)


Watched = tuple[Grant, Session, StubbornClient]


def watch(orders: PostgresTarget, grant: Grant, clients: ExitStack) -> Watched:
    """Once the grant is live: a session that has done SET ROLE, and a client that comes back in a loop."""
    login = grant.person.username
    wait_until(lambda: orders.is_member(login, removal_lag.ROLE), PATIENCE)
    session = orders.session(login, role=removal_lag.ROLE, password=removal_lag.PASSWORD)
    client = StubbornClient(orders, login, removal_lag.ROLE, password=removal_lag.PASSWORD, threads=2)
    clients.enter_context(client.at_work())
    assert reads(session, removal_lag.ROLE)
    return grant, session, client


def outlived(watched: Watched) -> float:
    """How long after the grant's end the session was open or its client read, in seconds."""
    grant, session, client = watched
    assert grant.ends_at is not None
    while not is_cut(session):
        time.sleep(0.01)
    cut = removal_lag.clock.now()
    time.sleep(2)  # for the client to try again, as often as it likes
    assert client.last_read is not None
    assert client.last_read > grant.ends_at - timedelta(seconds=5), "The client gave up before the end."
    return (max(cut, client.last_read) - grant.ends_at).total_seconds()


def verified(grant: Grant) -> bool:
    return Grant.objects.filter(pk=grant.pk, verified_absent_at__isnull=False).exists()

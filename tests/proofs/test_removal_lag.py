"""How long access outlives its end: never for long, a thousand at once, and with the portal killed.

Each prints its figures. A lag is taken on one clock, the portal's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bench import removal_lag
from jitportal.management.postgres_binaries import why_unavailable
from jitportal.management.private_postgres import PrivatePostgres
from jitportal.models import Grant, Person
from tests.connectors.postgres_target import PostgresTarget, StubbornClient, now, wait_until
from tests.journeys.portal import RunningPortal
from tests.journeys.watching import Watch
from tests.proofs.figures import Say

pytestmark = [pytest.mark.proof, pytest.mark.postgres_server]

#: What is promised, in seconds.
P99 = 2.0
THOUSAND = 10.0
BY_THE_SERVER = 3.0
#: Much longer than anything here takes, in seconds.
PATIENCE = 60.0
#: A thousand requests are made one after another in less time than this.
MINUTES_OF_A_BURST = 4

MakePortal = Callable[[], RunningPortal]


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    """The portal alone ends what is given here."""
    with PrivatePostgres(durable=False) as server:
        yield server


@pytest.fixture
def sweeping_server() -> Iterator[PrivatePostgres]:
    """This server ends access by itself."""
    if reason := why_unavailable(extension="pg_cron"):
        pytest.skip(reason)
    with PrivatePostgres(durable=False, cron_database="postgres") as server:
        with psycopg.connect(server.dsn(), autocommit=True) as superuser:
            superuser.execute("CREATE EXTENSION pg_cron")
        yield server


@pytest.fixture
def make_portal(database_url: str, tmp_path: Path) -> MakePortal:
    """A portal on this test's database, that isn't running yet."""
    secrets = {removal_lag.SECRET: removal_lag.PASSWORD}
    return lambda: RunningPortal(database_url=database_url, folder=tmp_path, secrets=secrets)


def test_two_hundred_that_end_one_after_another(
    server: PrivatePostgres, make_portal: MakePortal, say: Say
) -> None:
    engineers = prepare(server, 200)
    with make_portal():
        lags = removal_lag.lags(removal_lag.ask_in_turn(engineers))
    say(f"one after another: {lags}")
    assert lags.never_live == 0
    assert lags.p99 < P99


def test_a_thousand_that_end_in_the_same_second(
    server: PrivatePostgres, make_portal: MakePortal, say: Say
) -> None:
    engineers = prepare(server, 1_000)
    made = removal_lag.ask_at_once(engineers, MINUTES_OF_A_BURST)
    with make_portal():
        lags = removal_lag.lags(made)
    say(f"in the same second: {lags}")
    assert lags.never_live == 0
    assert lags.longest < THOUSAND


def test_sessions_that_hold_the_role_and_clients_that_come_back_are_cut(
    server: PrivatePostgres, make_portal: MakePortal, say: Say
) -> None:
    """Five at once, each with a session that did SET ROLE before, and a client in a loop."""
    engineers = prepare(server, 5)
    with make_portal(), target(server) as orders, ExitStack() as stack:
        used = [stack.enter_context(in_use(orders, removal_lag.ask(engineer))) for engineer in engineers]
        late = [each.outlived() for each in used]
        say(f"sessions and clients read until {max(late):.3f} s after the end at the latest")
        assert max(late) < P99
        wait_until(lambda: all(each.is_verified() for each in used), PATIENCE)


def test_the_server_itself_cuts_them_when_the_portal_is_killed(
    sweeping_server: PrivatePostgres, make_portal: MakePortal, say: Say
) -> None:
    engineers = prepare(sweeping_server, 1, expiry="pg_cron")
    with target(sweeping_server) as orders, make_portal() as portal, ExitStack() as stack:
        # The sweep's job begins with a full minute.
        wait_until(lambda: orders.value("SELECT swept_at IS NOT NULL FROM jit.pulse"), 90)
        used = stack.enter_context(in_use(orders, removal_lag.ask(engineers[0])))
        portal.kill()
        assert portal.readiness() == {}
        late = used.outlived()
        say(f"with the portal killed: read until {late:.3f} s after the end at the latest")
        assert late < BY_THE_SERVER
        assert not orders.is_member("engineer0", removal_lag.ROLE)
        assert not used.is_verified()
        portal.start()
        wait_until(used.is_verified, PATIENCE)


def test_a_renewal_goes_on_without_a_gap_and_ends_too(
    server: PrivatePostgres, make_portal: MakePortal, say: Say
) -> None:
    """A session by membership alone notices any gap; one that did SET ROLE must not be cut at the first end."""
    (engineer,) = prepare(server, 1)
    with make_portal(), target(server) as orders, ExitStack() as stack:
        first = removal_lag.ask(engineer)
        renewal = removal_lag.ask(engineer, renewal_of=first)
        used = stack.enter_context(in_use(orders, renewal))
        session = orders.session(engineer.username, password=removal_lag.PASSWORD)
        member = stack.enter_context(Watch(session, removal_lag.ROLE))
        assert first.ends_at is not None
        after = first.ends_at + timedelta(seconds=5)
        wait_until(lambda: now() > after, 2 * PATIENCE)
        renewal.refresh_from_db()
        assert renewal.starts_at == first.ends_at
        for watch in (member, used.watch):
            assert watch.refused is None
            assert watch.cut is None
        late = used.outlived()
        say(f"a renewal: read until {late:.3f} s after its end at the latest")
        assert late < P99
        wait_until(used.is_verified, PATIENCE)


def prepare(server: PrivatePostgres, number: int, *, expiry: str = "none") -> list[Person]:
    """A portal and a target that hold nothing yet, and so many engineers."""
    removal_lag.prepare_server(server, number)
    return removal_lag.prepare_portal(server, number, expiry=expiry)


@contextmanager
def target(server: PrivatePostgres) -> Iterator[PostgresTarget]:
    target = PostgresTarget(server, database="postgres", portal=removal_lag.PORTAL_LOGIN)
    try:
        yield target
    finally:
        target.close()


@dataclass
class InUse:
    """A live grant: a session has done SET ROLE with it, and a client comes back with it in a loop."""

    grant: Grant
    watch: Watch
    client: StubbornClient

    def outlived(self) -> float:
        """How long after the grant's end either still read, in seconds."""
        ends = self.grant.ends_at
        assert ends is not None
        cut = self.watch.wait_cut((ends - now()).total_seconds() + PATIENCE)
        wait_until(lambda: now() > ends + timedelta(seconds=5), PATIENCE)  # for the client to come back
        assert self.watch.last_read is not None
        assert self.client.last_read is not None
        for read in (self.watch.last_read, self.client.last_read):
            assert read > ends - timedelta(seconds=5), "It had lost the right long before the end."
        return (max(cut, self.client.last_read) - ends).total_seconds()

    def is_verified(self) -> bool:
        return Grant.objects.filter(pk=self.grant.pk, verified_absent_at__isnull=False).exists()


@contextmanager
def in_use(orders: PostgresTarget, grant: Grant) -> Iterator[InUse]:
    login, role, password = grant.person.username, removal_lag.ROLE, removal_lag.PASSWORD
    wait_until(lambda: orders.is_member(login, role), PATIENCE)
    session = orders.session(login, role=role, password=password)
    client = StubbornClient(orders, login, role, password=password, threads=1)
    with Watch(session, role) as watch, client.at_work():
        yield InUse(grant, watch, client)

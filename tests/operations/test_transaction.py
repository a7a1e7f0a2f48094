"""What slips past the checks and meets the database is a clear conflict, and nothing is half done."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection, transaction

from jitportal.audit.system import system
from jitportal.connectors.base import CALL_SECONDS
from jitportal.models import Lease, Team
from jitportal.operations import clock, leases
from jitportal.operations.claims import CLAIM
from jitportal.operations.confirming import confirm
from jitportal.operations.transaction import lock_person, operation
from jitportal.rules.errors import Conflict
from jitportal.rules.vocabulary import GrantStatus
from tests.operations import world
from tests.operations.memory_target import POLICY, MemoryTarget
from tests.operations.rack import give, status


@pytest.fixture
def settled_with_memory(db: None) -> None:
    """Made anew for each: other tests here commit."""
    world.settle(POLICY)


@pytest.mark.django_db
def test_a_broken_constraint_is_a_conflict_and_undone() -> None:
    Team.objects.create(key="dba", name="DBA")
    with pytest.raises(Conflict, match="Something changed at the same moment"):
        make_teams("new", "dba")
    assert list(Team.objects.values_list("key", flat=True)) == ["dba"]


def make_teams(*keys: str) -> None:
    with operation(system()):
        for key in keys:
            Team.objects.create(key=key, name=key.capitalize())


@pytest.mark.django_db
def test_a_database_that_fails_is_no_conflict() -> None:
    with pytest.raises((OperationalError, DataError)), operation(system()):
        connection.cursor().execute(
            "SELECT * FROM no_such_table" if connection.vendor == "sqlite" else "SELECT 1/0"
        )


@pytest.mark.postgresql
def test_whoever_waits_too_long_hears_that_the_portal_is_busy(shared_portal: None) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_person(system().pk)
            held.set()
            done.wait(timeout=30)
        connection.close()

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        assert held.wait(timeout=30)
        with pytest.raises(Conflict, match="The portal is busy"):
            wait_for_the_lock()
    finally:
        done.set()
        holding.join(timeout=30)


def wait_for_the_lock() -> None:
    with operation(system()):
        connection.cursor().execute("SET LOCAL lock_timeout = '200ms'")
        lock_person(system().pk)


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"), [("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s")]
)
def test_a_process_that_stands_still_holds_nobody_up_for_ever(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def test_an_answer_is_written_down_although_the_database_is_busy_at_first(
    target: MemoryTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = world.granted("rita", "door")
    busy = [Conflict("The portal is busy.")] * 2

    def busy_at_first(*said: object, **also: object) -> None:
        if busy:
            raise busy.pop()
        confirm(*said, **also)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(leases, "confirm", busy_at_first)
    give()
    assert status(grant) == GrantStatus.ACTIVE
    assert Lease.objects.get(grants=grant).claimed_until is None


@pytest.mark.django_db
def test_the_clock_is_the_databases_and_can_be_moved_for_tests() -> None:
    before = clock.now()
    assert before.utcoffset() == timedelta()
    with clock.moved(by=timedelta(days=1)):
        assert timedelta(hours=23) < clock.now() - before < timedelta(hours=25)
        with clock.moved(to=before):
            assert abs(clock.now() - before) < timedelta(minutes=1)
    assert clock.now() - before < timedelta(minutes=1)


@pytest.mark.django_db
def test_the_clock_stays_where_it_is_in_production(settings: object) -> None:
    settings.CLOCK_CAN_BE_MOVED = False  # type: ignore[attr-defined]  # pytest-django's wrapper
    with pytest.raises(RuntimeError, match="production"), clock.moved(by=timedelta(days=1)):
        pass


def test_a_claim_outlasts_a_connectors_call() -> None:
    assert timedelta(seconds=CALL_SECONDS) < CLAIM

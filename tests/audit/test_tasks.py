"""The context travels with a task through the real queue, and what held before comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Value
from queue import Queue
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from django_q.worker import worker

from jitportal.audit.context import AuditContext, acting, bound, current
from jitportal.models import Entry, Team
from tests.models import rows

pytestmark = pytest.mark.django_db(transaction=True)

WEB = AuditContext(correlation_id="from-the-web", address="192.0.2.7")
SEEN: list[AuditContext] = []


def make_a_team(key: str) -> None:
    """A task: leaves an entry, and what context it ran in."""
    SEEN.append(current())
    Team.objects.create(key=key, name=key)


def fail() -> None:
    """A task that raises after it has acted on somebody's behalf."""
    raise RuntimeError("This task fails.")


@contextmanager
def fresh() -> Iterator[None]:
    SEEN.clear()
    yield
    assert not current().actor_id


def run_queued() -> list[Any]:
    """Take what is queued through django-q2's own worker, in a thread that is nobody's."""
    broker, tasks, results = get_broker(), Queue[Any](), Queue[Any]()
    while taken := broker.dequeue():
        for ack_id, package in taken:
            tasks.put(SignedPackage.loads(package))
            broker.acknowledge(ack_id)
    tasks.put("STOP")

    def work() -> None:
        worker(tasks, results, Value("f", -1), timeout=-1)  # type: ignore[arg-type]  # a thread's queues do
        SEEN.append(current())
        connection.close()

    thread = Thread(target=work)
    thread.start()
    thread.join()
    return [results.get_nowait() for _ in range(results.qsize())]


def test_a_task_acts_on_behalf_of_whoever_enqueued_it() -> None:
    ada = rows.person()
    with fresh():
        with bound(WEB), acting(ada):
            async_task("tests.audit.test_tasks.make_a_team", "dba")
        (result,) = run_queued()
    assert result["success"], result["result"]
    entry = Entry.objects.get_for_object(Team.objects.get(key="dba")).get()
    assert (entry.actor, entry.cid, entry.remote_addr) == (ada, "from-the-web", "192.0.2.7")


def test_a_task_that_nobody_enqueued_is_the_systems_under_its_own_id() -> None:
    with fresh():
        identity = async_task("tests.audit.test_tasks.make_a_team", "dba")
        run_queued()
    entry = Entry.objects.get_for_object(Team.objects.get(key="dba")).get()
    assert entry.actor.is_system
    assert entry.cid == identity


def test_the_next_task_of_the_worker_knows_nothing_of_the_last() -> None:
    with fresh():
        with acting(rows.person()):
            async_task("tests.audit.test_tasks.fail")
        async_task("tests.audit.test_tasks.make_a_team", "dba")
        results = run_queued()
    assert [result["success"] for result in results] == [False, True]
    in_task, afterwards = SEEN
    assert in_task.actor_id is None
    assert afterwards == AuditContext()


def test_a_task_that_runs_at_once_gives_the_caller_its_context_back() -> None:
    ada = rows.person()
    with bound(WEB), acting(ada) as outer:
        async_task("tests.audit.test_tasks.make_a_team", "dba", sync=True)
        assert current() == outer
        with pytest.raises(RuntimeError, match="This task fails"):
            async_task("tests.audit.test_tasks.fail", sync=True)
        assert current() == outer


@pytest.mark.parametrize("garbage", [None, "text", {"actor_id": "1", "correlation_id": 7, "address": []}])
def test_a_task_from_elsewhere_runs_as_the_system(garbage: object) -> None:
    """An exception before the task would end the worker's process."""
    with fresh():
        async_task("tests.audit.test_tasks.make_a_team", "dba")
        row = OrmQ.objects.get()
        package: dict[str, Any] = SignedPackage.loads(row.payload)
        package["jitportal_audit_context"] = garbage
        row.payload = SignedPackage.dumps(package)
        row.save()
        run_queued()
    assert Entry.objects.get_for_object(Team.objects.get(key="dba")).get().actor.is_system

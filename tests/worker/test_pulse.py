"""One look of the pulse: what it writes, what it enqueues, and what it leaves alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ, Task
from django_q.signals import post_execute_in_worker, pre_execute

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Grant, Heartbeat, Lease, Notice, Target, TargetHealth
from jitportal.operations import clock, due, grants, lanes, targets, webhooks
from jitportal.operations.claims import GRANT, REMOVAL
from jitportal.operations.transaction import operation
from jitportal.rules.vocabulary import EndReason, GrantStatus, RequestStatus
from jitportal.webhook_settings import WebhookEndpoint
from jitportal.worker import pulse as pulse_module
from jitportal.worker import tasks
from jitportal.worker.activity import Activity
from jitportal.worker.pulse import Pulse
from tests.operations import world
from tests.operations.hooks import hook

pytestmark = pytest.mark.usefixtures("shared_portal")


@pytest.fixture
def activity() -> Iterator[Activity]:
    activity = Activity()
    activity.connect()
    yield activity
    activity.close()


@pytest.fixture
def pulse(activity: Activity, monkeypatch: pytest.MonkeyPatch) -> Pulse:
    """A pulse that has looked once: its first sign of life and its first checks are behind it."""
    monkeypatch.setattr(pulse_module, "PAUSE", 0.0)
    pulse = Pulse("test:1", activity)
    pulse.begin()
    _drain()
    pulse.look()
    _drain()
    return pulse


def _queued() -> list[tuple[str, Any]]:
    """The tasks in the queue: each with its first two arguments."""
    rows = [row.task for row in OrmQ.objects.order_by("pk")]
    return [(task["func"].rpartition(".")[2], tuple(task["args"][:2])) for task in rows]


def _drain() -> None:
    """Run what is queued, as a worker would, and leave the queue empty."""
    while rows := list(OrmQ.objects.order_by("pk")):
        for row in rows:
            row.delete()
            _run(row.task)


def _run(task: dict[str, Any]) -> None:
    """As django-q2's worker runs a task, with the signals that it sends."""
    pre_execute.send(None, func=None, task=task)
    getattr(tasks, task["func"].rpartition(".")[2])(*task["args"])
    post_execute_in_worker.send(None, func=None, task=task)


def test_a_look_with_nothing_due_only_reads(pulse: Pulse) -> None:
    with CaptureQueriesContext(connection) as statements:
        assert pulse.look() == pulse_module.INTERVAL
    kinds = {statement["sql"].split()[0] for statement in statements}
    assert kinds <= {"SELECT"}
    assert len(statements) <= 4
    assert not OrmQ.objects.exists()


def test_writes_an_expiry_down_and_has_the_target_follow(pulse: Pulse) -> None:
    grant = world.live("rita", "operator")
    _drain()
    with world.later(minutes=31):
        pulse.look()
        expired = Grant.objects.get(pk=grant.pk)
        assert expired.status == GrantStatus.REMOVING
        assert expired.end_reason == EndReason.EXPIRED
        assert ("converge", (expired.role.target_id, REMOVAL)) in _queued()
        _drain()
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.ENDED


def test_one_task_for_a_target_and_lane_is_in_flight(pulse: Pulse) -> None:
    grant = world.granted("rita", "operator")
    OrmQ.objects.all().delete()  # the hints are lost, as on a killed broker
    pulse.look()
    pulse.look()
    assert [task for task in _queued() if task[0] == "converge"] == [
        ("converge", (grant.role.target_id, GRANT))
    ]
    _drain()
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.ACTIVE
    assert due.lanes_due(clock.now()) == []


def test_removals_come_before_grants() -> None:
    world.live("rita", "operator")
    with world.later(minutes=31):
        world.pulse()
        world.granted("remy", "operator")
        lanes_now = due.lanes_due(clock.now())
    target_id = Target.objects.get(key="portal").pk
    assert lanes_now == [(target_id, REMOVAL), (target_id, GRANT)]


def test_begins_passes_and_lapses_what_is_due(pulse: Pulse) -> None:
    planned = world.approve_all(world.submit("rita", world.scheduled("operator", timedelta(minutes=10))))
    unused = world.approve_all(
        world.submit("remy", world.on_click("operator", timedelta(), timedelta(minutes=10)))
    )
    lapsing = world.ask("rosa", "operator")
    OrmQ.objects.all().delete()
    with world.later(minutes=11):
        pulse.look()
        assert ("keep_time", ()) in _queued()
        _drain()
        assert Grant.objects.get(pk=planned.pk).starts_at is not None
        assert Grant.objects.get(pk=unused.pk).end_reason == EndReason.UNUSED
    with world.at(lapsing.lapses_at):
        tasks.keep_time()
    assert AccessRequest.objects.get(pk=lapsing.pk).status == RequestStatus.LAPSED


def test_what_fails_holds_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise RuntimeError("A row that nobody thought of.")

    lapsing = world.ask("rosa", "operator")
    monkeypatch.setattr(grants, "start_due", broken)
    with world.at(lapsing.lapses_at), pytest.raises(ExceptionGroup):
        tasks.keep_time()
    assert AccessRequest.objects.get(pk=lapsing.pk).status == RequestStatus.LAPSED


def test_a_kind_of_task_has_one_turn_at_a_time(pulse: Pulse, mailoutbox: list[EmailMessage]) -> None:
    world.ask("rita", "operator")
    for _ in range(3):
        pulse.look()
    assert _queued() == [("send_notices", ())]
    _drain()
    assert world.recipients(mailoutbox) == ["mona"]
    assert not Notice.objects.filter(sent_at__isnull=True).exists()
    world.ask("remy", "operator")
    pulse.look()
    assert _queued() == [("send_notices", ())]


def test_webhooks_have_a_turn_of_their_own(pulse: Pulse, settings: LazySettings) -> None:
    """An alert waits neither for a mail server nor for a target."""
    settings.OUTGOING_ALLOWED_NETWORKS = (ip_network("127.0.0.0/8"),)
    with hook() as receiver:
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        settings.WEBHOOKS = {"siem": WebhookEndpoint("siem", receiver.address, (secret,))}
        world.ask("rita", "operator")
        with operation(system()):
            webhooks.enqueue(
                kind="emergency.opened", data={}, endpoints=["siem"], now=clock.now(), actor=system()
            )
        for _ in range(3):
            pulse.look()
        assert _queued() == [("send_notices", ()), ("send_webhooks", ())]
        _drain()
        assert len(receiver.calls) == 1
    pulse.look()
    assert _queued() == []


def test_a_step_that_fails_keeps_no_other_from_being_done(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    grant = world.granted("rita", "operator")
    OrmQ.objects.all().delete()

    def broken() -> int:
        raise DatabaseError("a row that can't be written")

    monkeypatch.setattr("jitportal.operations.grants.expire_due", broken)
    with world.later(minutes=31):
        assert pulse.look() == pulse_module.AFTER_FAILURE
        pulse.look()
        assert ("converge", (grant.role.target_id, REMOVAL)) in _queued()
    assert caplog.text.count("a row that can't be written") == 3  # once: the line, and the traceback


def test_the_lane_of_a_worker_that_died_is_free_at_once(pulse: Pulse, activity: Activity) -> None:
    grant = world.granted("rita", "operator")
    OrmQ.objects.all().delete()
    pulse.look()
    target_id = grant.role.target_id
    child = os.fork()
    if child == 0:
        task = {"func": "jitportal.worker.tasks.converge", "args": (target_id, GRANT)}
        pre_execute.send(None, task=task)
        os._exit(0)
    os.waitpid(child, 0)
    assert due.lanes_due(clock.now()) == []
    OrmQ.objects.all().delete()
    pulse.look()
    assert ("converge", (target_id, GRANT)) in _queued()
    assert ("sign_of_life", ()) in _queued()


def test_checks_each_target_now_and_then(pulse: Pulse) -> None:
    assert not targets.unchecked(clock.now()).exists()
    assert TargetHealth.objects.filter(reachable=True, checked_at__isnull=False).count() == 2
    with world.later(seconds=31):
        assert targets.unchecked(clock.now()).count() == 2
        tasks.check_targets()
        assert not targets.unchecked(clock.now()).exists()


def test_the_heartbeat_is_one_row_for_a_worker(pulse: Pulse) -> None:
    first = Heartbeat.objects.get()
    assert first.name == "test:1"
    with world.later(days=2):
        Pulse("test:2", pulse.activity).begin()
    assert Heartbeat.objects.get().name == "test:2"


def test_says_that_it_is_stuck_when_no_sign_of_life_comes(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_module, "PROBE", 0.0)
    monkeypatch.setattr(pulse_module, "STUCK", 0.0)
    pulse.look()
    assert _queued()[-1] == ("sign_of_life", ())
    assert pulse.stuck
    _drain()
    monkeypatch.setattr(pulse_module, "PROBE", 60.0)
    pulse.look()
    assert not pulse.stuck


def test_old_rows_of_the_queue_are_removed() -> None:
    now = clock.now()
    for days in (1, 8):
        Task.objects.create(
            id=f"{days}",
            name=f"{days}",
            func="x",
            started=now,
            stopped=now - timedelta(days=days),
            success=False,
        )
    tasks.purge()
    assert [task.id for task in Task.objects.all()] == ["1"]


def test_a_task_leaves_a_lane_alone_that_another_holds() -> None:
    grant = world.granted("rita", "operator")
    target_id = grant.role.target_id
    assert lanes.take(target_id=target_id, lane=GRANT) is not None
    tasks.converge(target_id, GRANT)
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.PROVISIONING
    with world.later(seconds=lanes.HOLD.total_seconds()):
        tasks.converge(target_id, GRANT)
    assert Grant.objects.get(pk=grant.pk).status == GrantStatus.ACTIVE
    assert lanes.take(target_id=target_id, lane=GRANT) is not None


def test_doubtful_targets_hold_half_of_the_workers_at_most(settings: LazySettings) -> None:
    settings.WORKERS = 4
    version = Target.objects.get(key="portal")
    doubtful = [
        Target.objects.create(key=f"sick{number}", name="Sick", connector="manual") for number in range(4)
    ]
    taken = [lanes.take(target_id=target.pk, lane=REMOVAL) for target in doubtful]
    assert [held is not None for held in taken] == [True, True, False, False]
    targets.check_quietly(version)
    assert lanes.take(target_id=version.pk, lane=REMOVAL) is not None
    assert taken[0] is not None
    lanes.release(target_id=doubtful[0].pk, lane=REMOVAL, until=taken[0])
    assert lanes.take(target_id=doubtful[2].pk, lane=REMOVAL) is not None


@pytest.mark.parametrize(("workers", "least"), [(3, 1), (4, 2), (8, 4), (5, 2)])
def test_workers_are_kept_free_of_doubtful_targets(settings: LazySettings, workers: int, least: int) -> None:
    settings.WORKERS = workers
    assert lanes.doubtful_lanes() == least


def test_no_lease_is_due_where_all_is_well() -> None:
    world.live("rita", "operator")
    tasks.send_notices()
    assert not due.work_due(clock.now())
    assert Lease.objects.filter(due_at__isnull=False).count() == 1

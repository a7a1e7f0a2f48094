"""A worker with its real processes: what it does, how it stops, and what survives a kill."""

from __future__ import annotations

import os
import signal
import time

import pytest
from django_q.models import Task

from jitportal.models import Grant, Heartbeat
from jitportal.operations import clock, grants, heartbeat
from jitportal.rules.vocabulary import EndReason, GrantStatus
from tests.operations import world
from tests.worker.conftest import StartWorker
from tests.worker.processes import alive, wait_until

pytestmark = pytest.mark.usefixtures("shared_portal")


def _is(grant: Grant, status: GrantStatus) -> bool:
    return Grant.objects.get(pk=grant.pk).status == status


def test_gives_and_takes_within_seconds_and_says_that_it_lives(start_worker: StartWorker) -> None:
    start_worker(supervised=False)
    grant = world.granted("rita", "operator")
    wait_until(lambda: _is(grant, GrantStatus.ACTIVE))
    grants.hand_back(actor=world.person("rita"), grant=grant)
    wait_until(lambda: _is(grant, GrantStatus.ENDED))
    assert Grant.objects.get(pk=grant.pk).verified_absent_at is not None
    age = heartbeat.age(clock.now())
    assert age is not None
    assert age < heartbeat.FRESH
    assert not Task.objects.filter(success=False).exists()


def test_finds_by_itself_what_no_hint_told_it(start_worker: StartWorker) -> None:
    """A window passes and a request lapses: nobody enqueues anything at that moment."""
    with world.later(hours=-2):
        request = world.ask("rita", "operator")
        started = world.granted("remy", "operator", minutes=30)
    assert _is(started, GrantStatus.PROVISIONING)
    start_worker(supervised=False)
    wait_until(lambda: _is(started, GrantStatus.ENDED))
    ended = Grant.objects.get(pk=started.pk)
    assert ended.end_reason == EndReason.EXPIRED
    assert ended.live_at is None
    assert ended.stopped_at == ended.ends_at
    assert Grant.objects.filter(request=request).count() == 0


def test_goes_on_after_a_kill_of_each_of_its_processes(start_worker: StartWorker) -> None:
    """An idle worker may take the queue's lock with it (django-q2, 23): then all is started anew."""
    worker = start_worker()
    os.kill(worker.cluster()[1][0], signal.SIGKILL)
    grant = world.granted("rita", "operator")
    wait_until(lambda: _is(grant, GrantStatus.ACTIVE), 40)

    before = worker.starts()
    os.kill(worker.cluster()[0], signal.SIGKILL)
    worker.wait_for_start(before)
    grants.hand_back(actor=world.person("rita"), grant=grant)
    wait_until(lambda: _is(grant, GrantStatus.ENDED), 40)

    before = worker.starts()
    os.kill(worker.engine(), signal.SIGKILL)
    worker.wait_for_start(before)
    again = world.granted("remy", "operator")
    wait_until(lambda: _is(again, GrantStatus.ACTIVE), 40)
    assert Heartbeat.objects.count() == worker.starts()
    assert worker.log_text().count("It is started again") == worker.starts() - 1


def test_stops_cleanly_when_it_is_asked_to(start_worker: StartWorker) -> None:
    worker = start_worker()
    tree = worker.tree()
    assert len(tree) == 3 + 6  # supervisor, engine, sentinel; four workers, a monitor and a pusher
    assert worker.stop() == 0
    assert not [pid for pid in tree if alive(pid)]


def test_stops_when_its_whole_group_is_asked_to(start_worker: StartWorker) -> None:
    """As systemd does by default; django-q2's cluster alone would hang."""
    worker = start_worker(supervised=False)
    tree = worker.tree()
    started = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.stop() in (0, 1)
    assert time.monotonic() - started < 35
    wait_until(lambda: not [pid for pid in tree if alive(pid)], 5)


def test_leaves_nothing_behind_when_it_is_killed(start_worker: StartWorker) -> None:
    worker = start_worker()
    tree = worker.tree()
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not [pid for pid in tree if alive(pid)], 5)


@pytest.mark.proof
def test_a_stuck_cluster_is_killed_and_started_again(start_worker: StartWorker) -> None:
    """Every worker stands still, as when one is killed while it holds the queue's lock (django-q2, 23)."""
    worker = start_worker()
    _, watched = worker.cluster()
    for pid in watched:
        os.kill(pid, signal.SIGSTOP)
    grant = world.granted("rita", "operator")
    worker.wait_for_start(1)
    wait_until(lambda: _is(grant, GrantStatus.ACTIVE), 30)
    assert "The task cluster is stuck" in worker.log_text()


@pytest.mark.proof
def test_a_pulse_that_stands_still_is_killed_and_started_again(start_worker: StartWorker) -> None:
    worker = start_worker()
    tree = worker.tree()[1:]
    os.kill(worker.engine(), signal.SIGSTOP)
    grant = world.granted("rita", "operator")
    wait_until(lambda: "stood still and was killed" in worker.log_text(), 60)
    worker.wait_for_start(1)
    wait_until(lambda: _is(grant, GrantStatus.ACTIVE), 30)
    assert not [pid for pid in tree if alive(pid)]

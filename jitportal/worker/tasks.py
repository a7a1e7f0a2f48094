"""What django-q2's workers run, by dotted path. Each calls operations, and returns nothing.

A task is a hint: what is to be done stands in the portal's own rows, so that any task may be lost, run
twice or run late. None carries a secret, because the queue keeps its arguments.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django_q.models import Task

from jitportal.operations import (
    alert_reminders,
    clock,
    delegations,
    follow_ups,
    grants,
    lanes,
    leases,
    limits,
    nudges,
    post_incident_drills,
    post_incident_overdue,
    probes,
    problems,
    recordings,
    requests,
    sending,
    statement_logs,
    targets,
    watching,
    webhook_sending,
)
from jitportal.worker import stopping

#: A task ends itself after so many seconds, with work left for the next: all get their turn, and a stop
#: needn't wait long.
TASK_SECONDS = 10.0
#: The rows of failed tasks are kept this long, for whoever looks into them.
TASKS_KEPT = timedelta(days=7)


def converge(target_id: int, lane: str, held_until: str | None = None) -> None:
    """Carry out what is due on a target in one lane, until nothing is left or the time is up.

    ``held_until``: the pulse has taken the lane until then, as ISO 8601; without it the task takes the
    lane itself, and returns at once where another is at it.
    """
    until = _lane(target_id, lane, held_until)
    if until is None:
        return
    time_left = _time_left()
    try:
        while leases.converge(target_id=target_id, lane=lane, worker=worker_name()) and time_left():
            kept = lanes.keep(target_id=target_id, lane=lane, until=until)
            if kept is None:
                return
            until = kept
    finally:
        lanes.release(target_id=target_id, lane=lane, until=until)


def keep_time() -> None:
    """Begin what is planned, end what nobody used or decided in time, remind those who decide, review or
    owe something, and tell of delegations that begin and of late removals. What fails holds up nothing else.
    """
    on_time = (
        grants.start_due,
        grants.pass_unused,
        requests.lapse_due,
        problems.page_late,
        alert_reminders.alert_again,
        nudges.nudge_due,
        delegations.begin_due,
        post_incident_overdue.nudge_due,
        follow_ups.remind_due,
    )
    failed = []
    for verb in on_time:
        try:
            _repeat(verb)
        except Exception as error:  # noqa: BLE001 - it is told below
            failed.append(error)
    if failed:
        raise ExceptionGroup("Not everything that was due could be done; it is tried again.", failed)


def send_notices() -> None:
    """Send the mails and chat messages that are due."""
    _repeat(sending.send_due)


def send_webhooks() -> None:
    """Send the webhooks that are due."""
    _repeat(webhook_sending.send_due)


def look_at_criteria() -> None:
    """Have the probes of the criteria look that are due, the one that looked longest ago first."""
    time_left = _time_left()
    for criterion in probes.due(clock.now()):
        probes.look(criterion)
        if not time_left():
            return


def check_targets() -> None:
    """Ask each target how it is, the one asked longest ago first, and who uses its emergency accounts."""
    time_left = _time_left()
    for target in targets.unchecked(clock.now()):
        targets.check_quietly(target)
        watching.look(target)
        if not time_left():
            return


def read_statements() -> None:
    """Read what the logins of recorded sessions did, where their target logs it."""
    time_left = _time_left()
    for grant in statement_logs.due():
        statement_logs.read(grant)
        if not time_left():
            return


def purge() -> None:
    """Each hour: remove old rows of the queue, of sessions and of limits, which are no part of the record;
    and remind custodians of the drills that are due.
    """
    now = clock.now()
    Task.objects.filter(stopped__lt=now - TASKS_KEPT).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    limits.forget()
    recordings.give_up_on_silent()
    post_incident_drills.remind_due()


def sign_of_life() -> None:
    """Nothing: that a worker began it is what the pulse waits for."""


def worker_name() -> str:
    """This process, as claims name it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _lane(target_id: int, lane: str, held_until: str | None) -> datetime | None:
    if held_until is not None:
        until = datetime.fromisoformat(held_until)
        kept = lanes.keep(target_id=target_id, lane=lane, until=until)
        if kept is not None:
            return kept
    return lanes.take(target_id=target_id, lane=lane)


def _repeat(verb: Callable[[], int]) -> None:
    """Batch after batch, until one is empty or the time is up."""
    time_left = _time_left()
    while verb() and time_left():
        pass


def _time_left() -> Callable[[], bool]:
    until = time.monotonic() + TASK_SECONDS
    return lambda: time.monotonic() < until and not stopping.asked()

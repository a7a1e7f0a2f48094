"""The pulse: several times a second it looks for what is due, and has it done.

It writes expiries down itself, for those must not wait in a queue, and enqueues everything else. It
calls nothing but the portal's own database and queue, so no target can hold it up.

What is in flight is bounded, so that what hangs can't occupy all the workers: one task for a target
and lane, half of the workers for doubtful targets (``operations.lanes``), and one task at a time of
those that call a mail server or check targets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django_q.tasks import async_task

from jitportal.operations import clock, due, grants, heartbeat, lanes, probes, statement_logs, targets
from jitportal.worker.activity import Activity, Run

log = logging.getLogger(__name__)

# All in seconds.
INTERVAL = 0.25  # between two looks
AFTER_FAILURE = 1.0  # after a look that failed: the database may be away
BEAT = 2.0
LOOK_FOR_CHECKS = 5.0
LOOK_FOR_PROBES = 2.5
PURGE = 3_600.0
LOOK_FOR_STATEMENTS = 5.0
PROBE = 5.0  # with nothing else to do, a worker is asked for a sign of life this often
STUCK = 10.0  # no worker began a task that has waited so long
SUSPECTED = 4.0  # the same, after a worker has died: it may have taken the queue's lock with it
LOST = settings.TASK_SECONDS + 10.0  # nobody saw a task end, and it can't run any more
PAUSE = 1.0  # before the same kind of task again: what fails at once mustn't be tried in a circle
SAY_AGAIN = 30.0  # the same trouble is logged this often

#: The tasks that take turns: one at a time of each group.
TURNS = {
    "keep_time": "time",
    "send_notices": "outside",
    "check_targets": "outside",
    "purge": "time",
    "look_at_criteria": "probes",
    "read_statements": "statements",
    "send_webhooks": "webhooks",  # alerts: neither a mail server nor a target may hold them up
}


@dataclass(slots=True)
class Pulse:
    """One worker's pulse. Times are monotonic seconds."""

    name: str
    activity: Activity
    _turns: dict[str, float] = field(default_factory=dict)  # group: since when a task of it is in flight
    _given: dict[str, float] = field(default_factory=dict)  # group: when it was last given
    _done: dict[str, float] = field(default_factory=dict)  # timer: when it last ran
    _said: dict[str, float] = field(default_factory=dict)  # trouble: when it was last logged
    _probed: float | None = None
    _patience: float = STUCK
    _deaths: int = 0

    def begin(self) -> None:
        """Say in the database that this worker has started."""
        self._guarded("begin", lambda: heartbeat.begin(name=self.name))

    def look(self) -> float:
        """One look at what is due; gives how long to wait for the next, in seconds."""
        close_old_connections()
        fine = self._guarded("activity", self._note_what_ended)
        found: list[due.Due] = []
        fine &= self._guarded("look", lambda: found.append(due.work_due(clock.now())))
        more = False
        for work in found:
            more = work.expiries
            fine &= self._have_done(work)
        fine &= self._guarded("beat", lambda: self._every("beat", BEAT, self._beat))
        fine &= self._guarded("checks", lambda: self._every("checks", LOOK_FOR_CHECKS, self._check))
        fine &= self._guarded("probes", lambda: self._every("probes", LOOK_FOR_PROBES, self._look))
        fine &= self._guarded(
            "statements", lambda: self._every("statements", LOOK_FOR_STATEMENTS, self._read_statements)
        )
        fine &= self._guarded("purge", lambda: self._every("purge", PURGE, lambda: self._give("purge")))
        fine &= self._guarded("probe", self._probe)
        if not fine:
            self._probed = None  # without database or queue no sign of life is to be expected
            return AFTER_FAILURE
        return 0.0 if more else INTERVAL

    @property
    def stuck(self) -> bool:
        """Whether a task has waited for long, and a worker that could have begun it hasn't."""
        if self._probed is None:
            return False
        waited = time.monotonic() - max(self._probed, self.activity.last_sign)
        idle = len(self.activity.running) < settings.WORKERS
        return waited > (self._patience if idle else LOST)

    # the steps of a look

    def _have_done(self, work: due.Due) -> bool:
        """Expiries before anything else, then removals; whether nothing failed."""
        fine = True
        if work.expiries:
            fine &= self._guarded("expire", grants.expire_due)
        if work.leases or work.expiries:
            fine &= self._guarded("converge", self._converge)
        if work.timely:
            fine &= self._guarded("keep time", lambda: self._give("keep_time"))
        if work.notices:
            fine &= self._guarded("notices", lambda: self._give("send_notices"))
        if work.webhooks:
            fine &= self._guarded("webhooks", lambda: self._give("send_webhooks"))
        return fine

    def _converge(self) -> None:
        for target_id, lane in due.lanes_due(clock.now()):
            until = lanes.take(target_id=target_id, lane=lane)
            if until is None:
                continue
            try:
                _enqueue("converge", target_id, lane, until.isoformat())
            except Exception:  # the queue is away: whoever finds it back mustn't wait for the lane
                lanes.release(target_id=target_id, lane=lane, until=until)
                raise

    def _beat(self) -> bool:
        heartbeat.beat(name=self.name)
        return True

    def _check(self) -> bool:
        return not targets.unchecked(clock.now()).exists() or self._give("check_targets")

    def _look(self) -> bool:
        return not probes.due(clock.now()) or self._give("look_at_criteria")

    def _read_statements(self) -> bool:
        return not statement_logs.waiting() or self._give("read_statements")

    def _probe(self) -> None:
        """Ask for a sign of life: after a silence, and at once when a worker has died."""
        now = time.monotonic()
        if self._probed is not None and self.activity.last_sign > self._probed:
            self._probed = None
        suspected = self.activity.deaths > self._deaths
        self._deaths = self.activity.deaths
        if suspected or (self._probed is None and now - self.activity.last_sign > PROBE):
            _enqueue("sign_of_life")
            self._probed, self._patience = now, SUSPECTED if suspected else STUCK

    # turns and timers

    def _note_what_ended(self) -> None:
        ended, died = self.activity.read()
        for run in [*ended, *died]:
            self._turns.pop(TURNS.get(run.task, ""), None)
        for run in died:
            log.error("A worker died while it ran %s%r; it is done again.", run.task, run.args)
            _free_lane(run)

    def _give(self, task: str) -> bool:
        """Enqueue the task, if it is its group's turn."""
        group, now = TURNS[task], time.monotonic()
        if now - self._turns.get(group, -LOST) < LOST or now - self._given.get(group, -PAUSE) < PAUSE:
            return False
        _enqueue(task)
        self._turns[group] = self._given[group] = now
        return True

    def _every(self, timer: str, seconds: float, do: Callable[[], bool]) -> None:
        """Do it when its time has come; what could not be done yet is tried at the next look."""
        now = time.monotonic()
        if now - self._done.get(timer, -seconds) >= seconds and do():
            self._done[timer] = now

    def _guarded(self, step: str, do: Callable[[], Any]) -> bool:
        """Do one step; whatever is wrong with it, the others are done too."""
        try:
            do()
        except Exception as error:  # noqa: BLE001 - removals mustn't stop because something else fails
            self._log(step, error)
            return False
        return True

    def _log(self, step: str, error: Exception) -> None:
        trouble, now = f"{step} {type(error).__name__}", time.monotonic()
        if now - self._said.get(trouble, -SAY_AGAIN) >= SAY_AGAIN:
            self._said[trouble] = now
            log.error("The pulse could not do a step (%s), and tries again: %s", step, error, exc_info=error)


def _enqueue(task: str, *args: int | str) -> None:
    async_task(f"jitportal.worker.tasks.{task}", *args, group=task, save=False)


def _free_lane(run: Run) -> None:
    """Whoever died at a lane won't give it back."""
    if run.task == "converge":
        target_id, lane = run.args[:2]
        lanes.free(target_id=target_id, lane=lane)

"""One worker: django-q2's cluster, and the pulse in the process that started it.

The cluster is not trusted to stop or to notice that it is stuck (``KillMode``, django-q2's issue 23):
it is given a while, and then killed. Nothing is lost by that, because tasks are hints. Whoever started
this process starts it again: ``jitportal.management.supervisor``, or the operator's own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from typing import Any

from django.db import connections
from django_q.cluster import Cluster

from jitportal.worker import parent_death, stopping
from jitportal.worker.activity import Activity
from jitportal.worker.pulse import Pulse
from jitportal.worker.stopping import StopSignal

log = logging.getLogger(__name__)

#: How long tasks in flight may take to end when the worker is asked to stop.
STOP_SECONDS = 25.0
#: Names the file descriptor to which a byte is written at each look, for whoever watches.
PULSE_VARIABLE = "JITPORTAL_PULSE_FD"


class Engine:
    """Made and run once in a process, in its main thread."""

    def __init__(self) -> None:
        self._stop = StopSignal()
        self._activity = Activity()
        self._watched = _watched_by()

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; gives the exit status: 1 where the cluster failed."""
        parent_death.end_with_supervisor()
        parent_death.end_children_with_this_process()
        self._activity.connect()
        connections.close_all()  # none is carried over a fork
        cluster: Any = Cluster()  # its attributes are None before the start, and typed so
        self._stop.listen()  # in place of the cluster's own handlers
        cluster.start()
        try:
            failed = self._work(cluster)
        finally:
            _end(cluster)
        return 1 if failed else 0

    def _work(self, cluster: Any) -> bool:
        """Look again and again; True where the cluster died or is stuck."""
        pulse = Pulse(f"{socket.gethostname()}:{os.getpid()}", self._activity)
        pulse.begin()
        log.info("The worker is at work.")
        while not self._stop.asked:
            wait = pulse.look()
            self._show_life()
            if not cluster.sentinel.is_alive():
                log.error("The task cluster has died. The worker ends, to be started anew.")
                return True
            if pulse.stuck:
                log.error("The task cluster is stuck. The worker ends, to be started anew.")
                cluster.sentinel.kill()
                cluster.sentinel.join()
                return True
            self._stop.wait(wait)
        return False

    def _show_life(self) -> None:
        if self._watched is not None:
            with contextlib.suppress(OSError):
                os.write(self._watched, b".")


def _end(cluster: Any) -> None:
    """Have the cluster stop, and kill it when it doesn't: its processes end with their parent."""
    stopping.ask()
    sentinel = cluster.sentinel
    if sentinel.is_alive():
        # The event waits for whoever waits for it, and for ever if they die meanwhile.
        threading.Thread(target=cluster.stop_event.set, daemon=True).start()
        sentinel.join(STOP_SECONDS)
    if sentinel.is_alive():
        log.warning("The task cluster did not stop within %.0f s, so it is killed.", STOP_SECONDS)
        sentinel.kill()
        sentinel.join()
    connections.close_all()


def _watched_by() -> int | None:
    said = os.environ.get(PULSE_VARIABLE, "")
    if not said.isdigit():
        return None
    os.set_blocking(int(said), False)
    return int(said)

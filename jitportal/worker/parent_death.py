"""A process that ends with its parent, however the parent ends: ``kill -9`` leaves no orphan behind.

Linux alone can do this (``PR_SET_PDEATHSIG``, prctl(2)); elsewhere the supervisor stops its children
when it is asked to stop, and a supervisor that is killed leaves them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

#: Names the supervisor's process id to the processes it starts.
SUPERVISOR_VARIABLE = "JITPORTAL_SUPERVISOR_PID"


def end_with_supervisor() -> None:
    """End with the supervisor that started this process; without one, do nothing.

    The supervisor may have died before this ran: then nobody would send the signal, and this
    process ends here.
    """
    supervisor = os.environ.get(SUPERVISOR_VARIABLE, "")
    if not supervisor.isdigit():
        return
    _ask_for_the_signal()
    if os.getppid() != int(supervisor):
        sys.exit("The supervisor has gone, so this process ends too.")


def end_children_with_this_process() -> None:
    """Have every process that this one forks from now on end with it, and theirs with them.

    The kernel forgets the request at each fork, so it is made anew in every child.
    """
    os.register_at_fork(after_in_child=_end_with_parent)


def _end_with_parent() -> None:
    parent = os.getppid()
    _ask_for_the_signal()
    if os.getppid() != parent:
        os._exit(1)


def _ask_for_the_signal() -> None:
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

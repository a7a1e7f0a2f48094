"""gunicorn's configuration: ``gunicorn --config python:jitportal.management.web_server``.

Two processes of four threads each serve a team on two processors; JITPORTAL_WEB_PROCESSES and
JITPORTAL_WEB_THREADS say otherwise. The address is given on the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gunicorn.http import wsgi

from jitportal.environment import Environment
from jitportal.worker.parent_death import end_children_with_this_process, end_with_supervisor

_env = Environment()

wsgi_app = "jitportal.wsgi:application"
worker_class = "jitportal.management.bounded_worker.BoundedThreadWorker"
workers = _env.number("WEB_PROCESSES", 2)
threads = _env.web_threads()
timeout = 30  # a process that serves nothing for so long is killed and replaced
graceful_timeout = 10
keepalive = 5
loglevel = "warning"
errorlog = "-"
accesslog = "-" if _env.flag("ACCESS_LOG") else None
# A process says that it lives by touching a file; on a disk that is busy this can be too slow.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a unique name is made in it


# gunicorn has no setting for it; what runs the portal is nobody's business.
wsgi.SERVER = "jitportal"  # type: ignore[attr-defined] # a name that it imports itself


def on_starting(_server: Any) -> None:
    """In gunicorn's first process, before it forks."""
    end_with_supervisor()
    end_children_with_this_process()

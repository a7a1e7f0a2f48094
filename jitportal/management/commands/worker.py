"""``manage.py worker``: grants access, ends it, and sends notices."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from jitportal.management.command import PortalCommand
from jitportal.management.supervisor import Service, Supervisor
from jitportal.worker.engine import Engine

LEAST_WORKERS = 3


class Command(PortalCommand):
    help = (
        "Run a worker: it carries out what is granted and what has ended, and sends notices. "
        "SIGTERM stops it once what it is doing is done."
    )
    requires_system_checks = ()  # they would load every page; `manage.py check` makes them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--unsupervised",
            action="store_true",
            help="run without the process that starts a dead or stuck worker again: something else does",
        )

    def run(self, **options: Any) -> None:
        refuse_too_few_workers()
        if options["unsupervised"]:
            sys.exit(Engine().run())
        Supervisor([worker_service()], say=self.stderr.write).run()


def worker_service(variables: Mapping[str, str] | None = None) -> Service:
    """The worker, for a supervisor; ``variables`` are added to its environment."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--unsupervised"]
    return Service("worker", command, variables or {}, watched=True)


def refuse_too_few_workers() -> None:
    """``CommandError`` where what hangs could occupy all the workers."""
    if settings.WORKERS < LEAST_WORKERS:
        raise CommandError(
            f"JITPORTAL_WORKERS is {settings.WORKERS}, and {LEAST_WORKERS} is the least: one may wait for a "
            "target that gives no answer, one for a mail server, and one has to stay free for the others."
        )

"""``manage.py serve``: the whole portal with one command."""

from __future__ import annotations

import ipaddress
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from jitportal.management.command import MISUSED, PortalCommand
from jitportal.management.commands.worker import refuse_too_few_workers
from jitportal.management.serving import DemoServing, Serving


class Command(PortalCommand):
    help = "Run the portal: its pages and its worker, each started again when it ends. Ctrl-C stops all."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="the port; 0 takes a free one")
        parser.add_argument(
            "--demo",
            action="store_true",
            help="load a demo, where a click makes you one of its people; keeps its data in var/demo",
        )
        parser.add_argument("--fresh", action="store_true", help="with --demo: begin anew, without its data")

    def run(self, **options: Any) -> None:
        refuse_too_few_workers()
        demo = bool(options["demo"])
        if options["fresh"] and not demo:
            raise CommandError("--fresh removes the demo's data: say --demo too.", returncode=MISUSED)
        if demo:
            _refuse_demo(options["host"])
        kind = DemoServing if demo else Serving
        with ExitStack() as held:
            serving = kind(host=options["host"], port=options["port"], say=self._say_at_once, held=held)
            if isinstance(serving, DemoServing):
                serving.prepare_target(fresh=options["fresh"])
            serving.prepare()
            serving.run()

    def _say_at_once(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _refuse_demo(host: str) -> None:
    if settings.PRODUCTION:
        raise CommandError("The demo can't run in production. Unset JITPORTAL_PRODUCTION.")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise CommandError(
            "In the demo a click makes anybody anybody, so it listens on this machine alone: "
            "leave --host out.",
            returncode=MISUSED,
        )

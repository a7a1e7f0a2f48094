"""``manage.py demo``: the demo's people, policy and past, in an empty portal."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from jitportal.demo import load
from jitportal.management.command import PortalCommand


class Command(PortalCommand):
    help = "Load the demo into an empty portal (JITPORTAL_DEMO=1). `manage.py serve --demo` does it all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database-port", type=int, help="of the demo's PostgreSQL; without it, none")
        parser.add_argument("--armed", action="store_true", help="that server ends access by itself")
        parser.add_argument("--if-empty", action="store_true", help="do nothing where it is loaded already")

    def run(self, **options: Any) -> None:
        if options["if_empty"] and load.is_loaded():
            return
        load.load(port=options["database_port"], armed=options["armed"])
        self.say("The demo is loaded.")

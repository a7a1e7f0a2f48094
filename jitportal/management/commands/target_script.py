"""``manage.py target_script postgres``: what an operator reads, and runs on a target."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jitportal.management.target_scripts import TargetScriptError, kinds, script


class Command(BaseCommand):
    help = "Print the script that prepares a target for the portal: read it, then run it there."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", help=f"the kind of target: {', '.join(kinds())}")
        parser.add_argument("--uninstall", action="store_true", help="print the script that removes it again")

    def handle(self, *_args: Any, kind: str, uninstall: bool, **_options: Any) -> None:
        try:
            text = script(kind, uninstall=uninstall)
        except TargetScriptError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text)

"""Installs the guards of the record, or says which are missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jitportal.audit import guards


class Command(BaseCommand):
    help = "Install the triggers that guard the record and the history (migrate does so too)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="Change nothing: fail, and say what is wrong, unless all stand.",
        )

    def handle(self, *, check: bool, **_options: Any) -> None:
        if not check:
            made = guards.install()
            self.stdout.write(_said(len(made)))
            return
        problems = guards.problems()
        if problems:
            lines = "\n".join(f"  {problem}" for problem in problems)
            raise CommandError(
                f"The record isn't guarded as it should be:\n{lines}\n"
                "As the owner of the tables run: manage.py guards"
            )
        self.stdout.write("Every guard stands.")


def _said(made: int) -> str:
    if not made:
        return "Every guard stands already."
    return f"{made} guard{'' if made == 1 else 's'} installed."

"""``manage.py people``: people kept in step with the company's directory, from a shell."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from jitportal.management import policy_file
from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.management.people_pages import plan_lines
from jitportal.operations import people_sync
from jitportal.rules.errors import JitportalError
from jitportal.rules.people_file import COLUMNS, FileKind, PeopleFileError

STEPS = {
    "plan": "show what a file of people would change, and who would lose what; stores nothing",
    "sync": "do what a plan showed, all of it or nothing",
}
_KINDS = {".csv": FileKind.CSV, ".json": FileKind.JSON, ".yaml": FileKind.YAML, ".yml": FileKind.YAML}


class Command(PortalCommand):
    help = f"Keep the people in step with the company's directory by a file with: {', '.join(COLUMNS)}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        for step, said in STEPS.items():
            sub = steps.add_parser(step, help=said, description=f"{said[0].upper()}{said[1:]}.")
            sub.add_argument("file", metavar="FILE", help="CSV, JSON or YAML, or - for standard input")
            sub.add_argument(
                "--format", choices=[str(kind) for kind in FileKind], help="where the name doesn't say it"
            )
            if step == "sync":
                sub.add_argument(
                    "--as", dest="actor", metavar="USERNAME", required=True, help="who does this"
                )
                sub.add_argument("--digest", required=True, help="the digest that the plan showed last")
                sub.add_argument(
                    "--most-leaving",
                    metavar="PERCENT",
                    type=float,
                    default=people_sync.MOST_LEAVING,
                    help="refuse where more of the people would leave (default %(default)g)",
                )

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['step']}")(options)

    def reasons(self, error: JitportalError, **options: Any) -> list[str]:
        if isinstance(error, PeopleFileError):
            name = policy_file.shown(options["file"])
            return [f"{name}:{fault}" for fault in error.faults]
        return super().reasons(error, **options)

    def _plan(self, options: dict[str, Any]) -> None:
        kind = _kind(options)
        planned = people_sync.plan(policy_file.read(options["file"]), kind)
        for line in plan_lines(planned, people_sync.losses(planned)):
            self.say(line)

    def _sync(self, options: dict[str, Any]) -> None:
        kind = _kind(options)
        planned = people_sync.sync(
            actor=person_named(options["actor"]),
            text=policy_file.read(options["file"]),
            kind=kind,
            digest=options["digest"],
            most_leaving=options["most_leaving"],
        )
        if planned.entries:
            number = len(planned.entries)
            changed = "1 person" if number == 1 else f"{number} people"
            self.say(f"Done as planned: {changed} changed. It is in the record.")
        else:
            self.say("Nothing to do: the people are in step with the file.")


def _kind(options: dict[str, Any]) -> FileKind:
    if options["format"]:
        return FileKind(options["format"])
    kind = _KINDS.get(Path(options["file"]).suffix.lower())
    if kind is None:
        raise CommandError(
            f"{options['file']} doesn't say how it is written. Give --format: csv, json or yaml.",
            returncode=MISUSED,
        )
    return kind

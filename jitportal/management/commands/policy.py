"""``manage.py policy``: the policy document from a shell, by the same rules as on its pages."""

from __future__ import annotations

import difflib
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from jitportal.management import policy_file
from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.management.stepping_up import with_code
from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.rules.errors import JitportalError
from jitportal.rules.policy_changes import Change
from jitportal.rules.policy_document import PolicyDocumentError, load

STEPS = {
    "check": "say everything that is wrong with a document, each with its line; stores nothing",
    "plan": "show what a document would change, the most dangerous first; stores nothing",
    "bootstrap": "bring the very first policy into force, which nobody could approve; once",
    "propose": "store a document as a proposal for others to approve",
    "approve": "agree to a proposal, as a second person",
    "apply": "bring an approved version into force",
    "reject": "turn a proposal down, or take back one's own",
    "export": "print a version's text; without a number the one in force",
}
OF_FILE = ("check", "plan", "bootstrap", "propose")
OF_VERSION = ("approve", "apply", "reject")


class Command(PortalCommand):
    help = "Check, plan, propose, approve, apply and export the policy document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        for step, said in STEPS.items():
            sub = steps.add_parser(step, help=said, description=f"{said[0].upper()}{said[1:]}.")
            if step in OF_FILE:
                sub.add_argument("file", metavar="FILE", help="the document, or - for standard input")
            if step in OF_VERSION:
                sub.add_argument("number", metavar="NUMBER", type=int, help="the version's number")
            if step in ("bootstrap", "propose", *OF_VERSION):
                sub.add_argument(
                    "--as", dest="actor", metavar="USERNAME", required=True, help="who does this"
                )
            if step in ("bootstrap", "propose"):
                sub.add_argument("--note", default="", help="what it is for, for whoever approves it")
            if step == "apply":
                sub.add_argument("--code", default="", help="of your authenticator app, where that is asked")
            if step == "reject":
                sub.add_argument("--reason", required=True, help="why, for the proposer")
            if step == "check":
                sub.add_argument(
                    "--alone",
                    action="store_true",
                    help="look at the document alone, without this portal's people, teams and history",
                )
            if step == "export":
                sub.add_argument("number", metavar="NUMBER", type=int, nargs="?", help="the version's number")
                sub.add_argument("--output", metavar="FILE", help="write to this file instead of printing")

    def run(self, **options: Any) -> None:
        getattr(self, f"_{options['step']}")(options)

    def reasons(self, error: JitportalError, **options: Any) -> list[str]:
        if isinstance(error, PolicyDocumentError):
            return policy_file.problem_lines(error, options.get("file") or f"version {options['number']}")
        return super().reasons(error, **options)

    # the steps

    def _check(self, options: dict[str, Any]) -> None:
        text = policy_file.read(options["file"])
        document = load(text) if options["alone"] else policies.check(text)
        for line in policy_file.summary(document, options["file"]):
            self.say(line)

    def _plan(self, options: dict[str, Any]) -> None:
        text = policy_file.read(options["file"])
        changes = policies.plan(text)
        before = policies.current_version()
        for line in _plan_lines(changes, before, text, policy_file.shown(options["file"])):
            self.say(line)

    def _bootstrap(self, options: dict[str, Any]) -> None:
        version = policies.bootstrap(
            actor=person_named(options["actor"]),
            text=policy_file.read(options["file"]),
            note=options["note"],
        )
        self.say(f"Policy {version.number} is in force. Every change from now on takes a second person.")

    def _propose(self, options: dict[str, Any]) -> None:
        version = policies.propose(
            actor=person_named(options["actor"]),
            text=policy_file.read(options["file"]),
            note=options["note"],
        )
        self.say(
            f"Policy {version.number} is proposed. Another policy editor approves it with: "
            f"manage.py policy approve {version.number} --as USERNAME"
        )

    def _approve(self, options: dict[str, Any]) -> None:
        version = policies.approve(actor=person_named(options["actor"]), version=_version(options["number"]))
        self.say(
            f"Policy {version.number} is approved. It comes into force with: "
            f"manage.py policy apply {version.number} --as USERNAME"
        )

    def _apply(self, options: dict[str, Any]) -> None:
        actor, version = person_named(options["actor"]), _version(options["number"])
        with_code(
            actor,
            options["code"],
            lambda proof: policies.apply(actor=actor, version=version, proof=proof),
        )
        self.say(f"Policy {version.number} is in force.")

    def _reject(self, options: dict[str, Any]) -> None:
        version = policies.reject(
            actor=person_named(options["actor"]),
            version=_version(options["number"]),
            reason=options["reason"],
        )
        self.say(f"Policy {version.number} is turned down.")

    def _export(self, options: dict[str, Any]) -> None:
        number = options["number"]
        version = policies.current_version() if number is None else _version(number)
        if version is None:
            raise CommandError("No policy is in force yet.")
        if not options["output"]:
            self.stdout.write(version.text, ending="")
            return
        try:
            Path(options["output"]).write_text(version.text, encoding="utf-8")
        except OSError as error:
            raise CommandError(
                f"{options['output']} can't be written: {error.strerror}.", returncode=MISUSED
            ) from error


def _version(number: int) -> PolicyVersion:
    version = PolicyVersion.objects.filter(number=number).first()
    if version is None:
        raise CommandError(f"There is no policy {number}.", returncode=MISUSED)
    return version


def _plan_lines(changes: list[Change], before: PolicyVersion | None, text: str, name: str) -> Iterator[str]:
    """Sentences for who decides, then the difference of the texts for who wants to see it all."""
    against = f"policy {before.number}" if before else "no policy"
    if not changes:
        yield f"{name} changes nothing that {against} says."
    else:
        yield f"{name} against {against}, the most dangerous first:"
        yield ""
        for change in changes:
            yield f"  {change.direction:<8} {change}"
    old = before.text.splitlines() if before else []
    difference = list(difflib.unified_diff(old, text.splitlines(), against, name, lineterm=""))
    if before and difference:
        yield ""
        yield from difference

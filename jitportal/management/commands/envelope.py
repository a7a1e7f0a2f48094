"""``manage.py envelope``: sealed emergency credentials; and afterwards, what was done with them.

All but ``used`` touch no database, unless ``--as`` says who has it recorded.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.core.management.base import CommandError

from jitportal.envelopes import command
from jitportal.envelopes.keys import EnvelopeError
from jitportal.envelopes.sealing import Envelope
from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.models import Person
from jitportal.operations import after_the_fact
from jitportal.operations.after_the_fact import Use
from jitportal.rules.errors import Invalid

_RECORDED = {"seal": "sealed", "drill": "drilled"}


class Command(PortalCommand):
    help = "Seal emergency credentials for M of N custodians, open them, drill, and write a use down."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = command.add_arguments(parser)
        for act in _RECORDED:
            acts.choices[act].add_argument(
                "--as",
                dest="actor",
                metavar="USERNAME",
                help="have it recorded in the portal, as done by you",
            )
        used = acts.add_parser("used", help="write down in the portal what was done without it")
        used.add_argument("--as", dest="actor", required=True, metavar="USERNAME", help="who writes it down")
        used.add_argument("--by", required=True, metavar="USERNAME", help="who used the account")
        used.add_argument("--account", required=True, help="the emergency account's key")
        used.add_argument("--role", required=True, help="the break-glass role's key")
        used.add_argument("--scope", default="all")
        used.add_argument("--criterion", required=True, help="the criterion's key")
        used.add_argument(
            "--from", dest="began", required=True, metavar="TIME", help="2026-01-31T14:05+01:00"
        )
        used.add_argument("--until", required=True, metavar="TIME")
        used.add_argument("--incident", default="", help="its reference")
        used.add_argument("--broken", required=True, help="what was broken")
        used.add_argument("--done", required=True, help="what was done")
        used.add_argument("--envelope", default="", metavar="NUMBER", help="the envelope that was opened")

    def run(self, **options: Any) -> None:
        if options["act"] == "used":
            self._used(options)
            return
        if options["act"] == "seal" and options["actor"] and not options["account"]:
            raise CommandError("Say with --account for which one, to have it recorded.", returncode=MISUSED)
        try:
            envelope = command.run(Namespace(**options), self.say)
        except (EnvelopeError, OSError) as error:
            raise Invalid(command.said(error)) from None
        if envelope is not None and options.get("actor"):
            self._record(envelope, options)

    def _record(self, envelope: Envelope, options: dict[str, Any]) -> None:
        event = after_the_fact.note_envelope(
            actor=person_named(options["actor"]),
            account=envelope.account,
            act=_RECORDED[options["act"]],
            facts={
                "envelope": envelope.number,
                "needed": envelope.needed,
                "custodians": [one.name for one in envelope.custodians],
                "sha256": sha256(envelope.text().encode()).hexdigest(),
            },
        )
        self.say(f"Recorded: {event.sentence}")

    def _used(self, options: dict[str, Any]) -> None:
        responder = Person.objects.humans().filter(username=options["by"]).first()
        if responder is None:
            raise CommandError(f"There is no person {options['by']}.", returncode=MISUSED)
        activation = after_the_fact.take_in(
            actor=person_named(options["actor"]),
            use=Use(
                responder=responder,
                account=options["account"],
                role_key=options["role"],
                scope=options["scope"],
                criterion=options["criterion"],
                incident=options["incident"],
                broken=options["broken"],
                done=options["done"],
                began_at=_moment(options["began"], "--from"),
                ended_at=_moment(options["until"], "--until"),
                envelope=options["envelope"],
            ),
        )
        self.say(
            f"Activation {activation.pk} is written down, and its review is open. Those who watch are told."
        )


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(
            f"{option} is {text!r}. Write it with its zone, such as 2026-01-31T14:05+01:00.",
            returncode=MISUSED,
        )
    return moment

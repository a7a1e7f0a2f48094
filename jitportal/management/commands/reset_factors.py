"""``manage.py reset_factors``: somebody has lost every second factor, from a shell."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from jitportal.audit.system import system
from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.management.stepping_up import with_code
from jitportal.models import Person
from jitportal.operations import factors


class Command(PortalCommand):
    help = "Remove all second factors of somebody who has lost them, and end their sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="who has lost them")
        parser.add_argument("--reason", required=True, help="why, for the record and for the person")
        parser.add_argument("--code", default="", help="of your authenticator app, where that is asked")
        parser.add_argument("--as", dest="actor", metavar="USERNAME", help="who does this; else the system")

    def run(self, **options: Any) -> None:
        person = Person.objects.active().filter(username=options["username"]).first()
        if person is None:
            raise CommandError(f"There is no active person {options['username']}.", returncode=MISUSED)
        actor = person_named(options["actor"]) if options["actor"] else system()
        with_code(
            actor,
            options["code"],
            lambda proof: factors.reset(actor=actor, person=person, reason=options["reason"], proof=proof),
        )
        self.say(f"{person} has no second factor any more, and is told. They add new ones at /you/factors/.")

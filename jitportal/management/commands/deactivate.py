"""``manage.py deactivate``: somebody leaves, from a shell."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.models import Person
from jitportal.operations import people


class Command(PortalCommand):
    help = "Deactivate somebody: their grants end, their requests are withdrawn, and they can't sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="who leaves")
        parser.add_argument("--reason", required=True, help="why, for the record")
        parser.add_argument("--as", dest="actor", required=True, metavar="USERNAME", help="who does this")

    def run(self, **options: Any) -> None:
        person = Person.objects.humans().filter(username=options["username"]).first()
        if person is None:
            raise CommandError(f"There is no person {options['username']}.", returncode=MISUSED)
        people.deactivate(actor=person_named(options["actor"]), person=person, reason=options["reason"])
        self.say(f"{person} is deactivated. What they hold is being removed from the targets.")

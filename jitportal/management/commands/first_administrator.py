"""``manage.py first_administrator``: the one person who holds a power that nobody approved."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from jitportal.management.command import MISUSED, PortalCommand
from jitportal.operations import people


class Command(PortalCommand):
    help = (
        "Make the first administrator, once; recorded. The password is asked for, or read from standard "
        "input where that is no terminal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True, help="the person's full name")
        parser.add_argument("--email", default="", help="where their notices go")

    def run(self, **options: Any) -> None:
        person = people.first_administrator(
            username=options["username"],
            name=options["name"],
            email=options["email"],
            password=_password(),
        )
        self.say(
            f"{person} ({person.username}) is the first administrator and can sign in. "
            "Next: add people and teams, and bring the first policy into force with "
            f"manage.py policy bootstrap FILE --as {person.username}"
        )


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password (12 characters or more): ")
    if getpass.getpass("The same again: ") != password:
        raise CommandError("The two passwords differ. Nothing was done; try again.", returncode=MISUSED)
    return password

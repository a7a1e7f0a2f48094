"""Verify evidence, or show the key that signs it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from jitportal.evidence import verify
from jitportal.management.command import MISUSED, PortalCommand
from jitportal.operations import evidence_keys
from jitportal.rules.errors import Invalid, InvalidInput


class Command(PortalCommand):
    """``manage.py evidence verify FILE [--key KEY.pem]`` and ``manage.py evidence key``."""

    help = "Verify an evidence file, or show the public key that evidence is signed with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        check = acts.add_parser("verify", help="Say whether a file is whole.")
        check.add_argument("file", type=Path)
        check.add_argument("--key", type=Path, help="The key that must have signed; else this portal's.")
        acts.add_parser("key", help="Show the public key.")

    def run(self, **options: Any) -> None:
        if options["act"] == "key":
            self.say(evidence_keys.pem_of(evidence_keys.signing_key()).strip())
            return
        try:
            data = options["file"].read_bytes()
            trusted = options["key"].read_text("ascii") if options["key"] else evidence_keys.public_pem()
            wrong = verify.problems(data, trusted)
        except (OSError, ValueError) as error:
            raise CommandError(f"This can't be verified: {error}", returncode=MISUSED) from error
        if wrong:
            raise InvalidInput([Invalid(sentence) for sentence in wrong])
        self.say(f"{options['file'].name} is whole, and signed with {evidence_keys.fingerprint(trusted)}.")

"""``manage.py seal_again``: what is sealed at rest, sealed with the first key; then earlier ones can go."""

from __future__ import annotations

from typing import Any

from jitportal.management.command import PortalCommand
from jitportal.operations import factor_secrets


class Command(PortalCommand):
    help = "Seal the secrets of second factors with the first sealing key; then earlier keys can go."

    def run(self, **_options: Any) -> None:
        done = factor_secrets.seal_again()
        self.say(f"Sealed {done} second factor{'' if done == 1 else 's'} again.")

"""``manage.py states``: writes docs/states.md, or says that it has drifted."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from jitportal.management import states_page
from jitportal.management.command import REFUSED, PortalCommand


class Command(PortalCommand):
    help = "Write docs/states.md from the transition tables."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing: fail where the page says something else"
        )

    def run(self, **options: Any) -> None:
        file = settings.BASE_DIR / "docs" / "states.md"
        page = states_page.page()
        known = file.read_text(encoding="utf-8") if file.exists() else ""
        if known == page:
            self.say("docs/states.md says what the tables say.")
            return
        if options["check"]:
            raise CommandError(
                "docs/states.md doesn't say what the transition tables say. Run: manage.py states",
                returncode=REFUSED,
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
        self.say("docs/states.md is written.")

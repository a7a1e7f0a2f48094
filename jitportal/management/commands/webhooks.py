"""``manage.py webhooks``: who is sent webhooks, a trial of one, and enabling one again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from jitportal.management.command import MISUSED, PortalCommand, person_named
from jitportal.models import WebhookReceiver
from jitportal.operations import clock, webhooks
from jitportal.operations.outgoing import CallFailed
from jitportal.operations.webhook_sending import try_endpoint
from jitportal.rules.errors import Invalid
from jitportal.rules.webhooks import Outcome, outcome_of


class Command(PortalCommand):
    help = "List the receivers of webhooks, without their addresses; --try sends a signed trial to one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_mutually_exclusive_group()
        acts.add_argument("--try", metavar="NAME", help="send a signed trial")
        acts.add_argument("--enable", metavar="NAME", help="send to a disabled receiver again")
        parser.add_argument("--as", dest="actor", metavar="USERNAME", help="who enables it")

    def run(self, **options: Any) -> None:
        if options["try"]:
            self._try(options["try"])
        elif options["enable"]:
            if not options["actor"]:
                raise CommandError("Say who enables it, with --as and a username.", returncode=MISUSED)
            webhooks.enable(actor=person_named(options["actor"]), name=options["enable"])
            self.say(f"Receiver {options['enable']} is enabled. What was given up isn't sent again.")
        else:
            self._list()

    def _try(self, name: str) -> None:
        endpoint = settings.WEBHOOKS.get(name)
        if endpoint is None:
            raise Invalid(f"There is no receiver {name}. Name it in JITPORTAL_WEBHOOKS.")
        try:
            status = try_endpoint(endpoint, clock.now())
        except CallFailed as error:
            raise Invalid(f"It didn't get through: {error}") from None
        if outcome_of(status) is not Outcome.ACKNOWLEDGED:
            raise Invalid(f"It didn't get through: the receiver answered {status}.")
        self.say(f"The trial got through to {name}: it answered {status}.")

    def _list(self) -> None:
        states = {state.name: state for state in WebhookReceiver.objects.all()}
        if not settings.WEBHOOKS:
            self.say("No receivers are set up. Name them in JITPORTAL_WEBHOOKS.")
        for name, endpoint in settings.WEBHOOKS.items():
            secrets = len(endpoint.secrets)
            said = f"{name}: {secrets} secret{'' if secrets == 1 else 's'}"
            self.say(f"{said}{_trouble(name, states.get(name))}")


def _trouble(name: str, state: WebhookReceiver | None) -> str:
    if why := webhooks.unusable(name):
        return f" (disabled: {why})"
    return f" (failing: {state.last_error})" if state and state.failing_since else ""

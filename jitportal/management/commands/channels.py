"""``manage.py channels``: the ways in which notices are sent, and a trial of one."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from jitportal.environment import Channel
from jitportal.management.command import PortalCommand
from jitportal.models import ChannelState, Person
from jitportal.operations.trials import try_channel
from jitportal.rules.errors import Invalid


class Command(PortalCommand):
    help = (
        "List the ways in which notices are sent, without their addresses; --try sends a trial through one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--try", metavar="NAME", help="send a trial: mail, or a channel's name")
        parser.add_argument(
            "--to", metavar="USERNAME", help="whom to, where the way reaches people one by one"
        )

    def run(self, **options: Any) -> None:
        name = options["try"]
        if name:
            try_channel(name, _person(options["to"]))
            self.say(f"The trial got through by {name}.")
            return
        states = {state.name: state for state in ChannelState.objects.all()}
        mail = f"by {settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if settings.MAIL_IS_SENT else "into files"
        self.say(f"mail: {mail}{_trouble(states.get('mail'))}")
        for channel in settings.CHANNELS.values():
            self.say(f"{channel.name}: {_who(channel)}{_trouble(states.get(channel.name))}")


def _person(username: str | None) -> Person | None:
    if not username:
        return None
    person = Person.objects.active().filter(username=username).first()
    if person is None:
        raise Invalid(f"There is nobody here with the username {username}.")
    return person


def _who(channel: Channel) -> str:
    if channel.personal:
        return "reaches people one by one; people may choose it"
    return "a room that a policy may name" + ("; people may choose it" if channel.for_people else "")


def _trouble(state: ChannelState | None) -> str:
    return f" (failing: {state.last_error})" if state and state.failing_since else ""

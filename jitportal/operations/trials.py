"""A message to see whether a channel works: written nowhere, and sent at once."""

from __future__ import annotations

from django.conf import settings

from jitportal.models import Notice, Person
from jitportal.operations import clock
from jitportal.operations.couriers import ChannelDown, LetterRefused, courier
from jitportal.operations.letters import Letter
from jitportal.rules.errors import Invalid
from jitportal.rules.notices import MAIL


def try_channel(name: str, recipient: Person | None) -> None:
    """Send a trial. Raises ``Invalid`` with what the channel answered, or why it can't be tried so."""
    channel = settings.CHANNELS.get(name)
    if name != MAIL and channel is None:
        raise Invalid(f"There is no channel {name}. Name it in JITPORTAL_CHANNELS.")
    alone = name == MAIL or (channel is not None and channel.personal)
    if alone and recipient is None:
        raise Invalid(f"{name} reaches people one by one: say whom, with --to and a username.")
    now = clock.now()
    notice = Notice(
        pk=0,
        recipient=recipient,
        channel=name,
        kind="request.trial",
        subject="A trial of jitportal's notices",
        body="If you read this, this way works. There is nothing to do.",
        path="/notices/",
        created_at=now,
        due_at=now,
    )
    try:
        with courier(name) as carrier:
            carrier.carry(Letter(recipient if alone else None, [notice]))
    except (ChannelDown, LetterRefused) as trouble:
        raise Invalid(f"It didn't get through: {trouble}") from None

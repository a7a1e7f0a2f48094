"""The chat channels that the operator has set up, by name: those for teams, and those for people."""

from __future__ import annotations

from django.conf import settings


def rooms_offered() -> list[str]:
    """Those that a policy can name: they reach a room, and nobody by name."""
    return sorted(name for name, channel in settings.CHANNELS.items() if not channel.personal)


def people_may_choose() -> list[str]:
    """Those that people may choose for what they themselves are told."""
    return sorted(name for name, channel in settings.CHANNELS.items() if channel.for_people)

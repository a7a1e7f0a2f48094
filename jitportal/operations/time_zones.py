"""The time zones that a person can be in: those of the IANA database."""

from __future__ import annotations

from zoneinfo import available_timezones

from jitportal.rules.errors import Invalid


def check_time_zone(name: str) -> list[Invalid]:
    """What is wrong with a zone's name; empty where nothing is."""
    if name in available_timezones():
        return []
    return [Invalid(f"{name} is no time zone. Write it as Europe/Berlin.", field="time_zone")]

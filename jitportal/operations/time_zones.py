"""The time zones that a person can be in: those of the IANA database."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from jitportal.models import Person
from jitportal.rules.errors import Invalid


def check_time_zone(name: str) -> list[Invalid]:
    """What is wrong with a zone's name; empty where nothing is."""
    if name in _known():
        return []
    return [Invalid(f"{name} is no time zone. Write it as Europe/Berlin.", field="time_zone")]


def zone_names() -> list[str]:
    """Those to choose from, in order: a region and a city each, and UTC."""
    return sorted(name for name in _known() if name == "UTC" or ("/" in name and name[:4] != "Etc/"))


@cache
def _known() -> frozenset[str]:
    """Read once in each process: finding them all walks through hundreds of files."""
    return frozenset(available_timezones())


def zone_of(person: Person) -> ZoneInfo:
    """The zone in which this person reads times; UTC for a name that this machine doesn't know."""
    try:
        return ZoneInfo(person.time_zone)
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")

"""Moments in words: relative first, exact beside it, in the viewer's zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def relative_words(moment: datetime, now: datetime) -> str:
    """ "in 12 minutes", "3 hours ago"; past 30 days the date."""
    distance = abs(moment - now)
    if distance >= 30 * _DAY:
        return f"{timezone.localtime(moment):%-d %B %Y}"
    words = _about(distance)
    if words is None:
        return "just now" if moment <= now else "in a moment"
    return f"{words} ago" if moment <= now else f"in {words}"


def _about(distance: timedelta) -> str | None:
    if distance < timedelta(seconds=5):
        return None
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if distance >= (2 * unit if unit is not _MINUTE else unit):
            number = round(distance / unit)
            return f"{number} {name}{'' if number == 1 else 's'}"
    seconds = round(distance.total_seconds())
    return f"{seconds} seconds"


def exact_words(moment: datetime, now: datetime) -> str:
    """ "14:05 CET" today, "Tue 3 March, 14:05 CET" this year, else with the year."""
    local, today = timezone.localtime(moment), timezone.localtime(now)
    clock = f"{local:%H:%M} {local.tzname()}"
    if local.date() == today.date():
        return clock
    if local.year == today.year:
        return f"{local:%a %-d %B}, {clock}"
    return f"{local:%-d %B %Y}, {clock}"


def precise_words(moment: datetime) -> str:
    """To the second, for what is measured in seconds: "3 March 2026, 14:05:09 CET"."""
    local = timezone.localtime(moment)
    return f"{local:%-d %B %Y, %H:%M:%S} {local.tzname()}"

"""Durations as people write and say them. The rules count in whole minutes."""

from __future__ import annotations

MINUTES_IN = {"minutes": 1, "hours": 60, "days": 24 * 60}


def spoken(minutes: int) -> str:
    """A number of minutes as people say it: 90 is "1 hour 30 minutes"."""
    days, rest = divmod(minutes, MINUTES_IN["days"])
    hours, left = divmod(rest, MINUTES_IN["hours"])
    parts = [(days, "day"), (hours, "hour"), (left, "minute")]
    said = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts if number]
    return " ".join(said) or "0 minutes"

"""Changes of the viewer's clocks: what makes an hour of access look longer or shorter than it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone


def clocks_note(start: datetime, end: datetime) -> str:
    """Where the viewer's clocks change between the two moments, in a sentence; else empty."""
    local_start, local_end = timezone.localtime(start), timezone.localtime(end)
    before, after = local_start.utcoffset(), local_end.utcoffset()
    if before is None or after is None or before == after:
        return ""
    moved = _said(abs(after - before))
    at = _change(start, end, before)
    day = f"{timezone.localtime(at):%-d %B}"
    if after > before:
        return f"The clocks go forward by {moved} on {day}: by them it seems {moved} longer than it is."
    return f"The clocks go back by {moved} on {day}: by them it seems {moved} shorter than it is."


def _change(start: datetime, end: datetime, before: timedelta) -> datetime:
    """When the clocks change between the two, to the minute."""
    while end - start > timedelta(minutes=1):
        middle = start + (end - start) / 2
        if timezone.localtime(middle).utcoffset() == before:
            start = middle
        else:
            end = middle
    return end


def _said(moved: timedelta) -> str:
    minutes = moved // timedelta(minutes=1)
    return "an hour" if minutes == 60 else f"{minutes} minutes"

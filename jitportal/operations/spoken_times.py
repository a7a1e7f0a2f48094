"""Moments in the sentences of refusals, which are read by whoever caused them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone


def moment(at: datetime, *, seconds: bool = False) -> str:
    """In the reader's zone, which is named: "22 Nov 10:00 CET". A worker's and a command's is UTC."""
    local = timezone.localtime(at)
    return f"{local:%d %b %H:%M:%S %Z}" if seconds else f"{local:%d %b %H:%M %Z}"

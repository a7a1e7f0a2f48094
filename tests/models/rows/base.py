"""What every row is made with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
DIGEST = "0" * 64
numbers = count(1)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def filled(values: dict[str, Any], **makers: Any) -> dict[str, Any]:
    """The values, with a row made for each that isn't given."""
    return {name: make() for name, make in makers.items() if name not in values} | values

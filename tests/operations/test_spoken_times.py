"""Moments in refusals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from jitportal.operations.spoken_times import moment

AT = datetime(2026, 7, 1, 22, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "said", "exactly"),
    [
        ("UTC", "01 Jul 22:05 UTC", "01 Jul 22:05:09 UTC"),
        ("Europe/Berlin", "02 Jul 00:05 CEST", "02 Jul 00:05:09 CEST"),
        ("Asia/Kolkata", "02 Jul 03:35 IST", "02 Jul 03:35:09 IST"),
    ],
)
def test_in_the_readers_zone(zone: str, said: str, exactly: str) -> None:
    with timezone.override(zone):
        assert moment(AT) == said
        assert moment(AT, seconds=True) == exactly

"""Business days, over weekends and years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.business_days import business_days_after, is_business_day

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(), timedelta(days=4000)).map(lambda later: EPOCH + later)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "days", "ends"),
    [
        ("2026-11-16T09:30", 2, "2026-11-18T09:30"),  # Monday to Wednesday
        ("2026-11-19T09:30", 2, "2026-11-23T09:30"),  # Thursday to Monday
        ("2026-11-20T23:59", 2, "2026-11-24T23:59"),  # Friday to Tuesday
        ("2026-11-21T12:00", 2, "2026-11-25T00:00"),  # from a Saturday: all of Monday and Tuesday
        ("2026-11-22T12:00", 2, "2026-11-25T00:00"),  # from a Sunday: the same
        ("2026-11-22T12:00", 0, "2026-11-23T00:00"),
        ("2026-12-31T08:00", 1, "2027-01-01T08:00"),
    ],
)
def test_weekends_are_stepped_over(begins: str, days: int, ends: str) -> None:
    assert business_days_after(at(begins), days) == at(ends)


def test_nobody_counts_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        business_days_after(at("2026-11-16T09:30"), -1)


@given(moment=MOMENTS, days=st.integers(0, 40))
def test_each_day_between_is_counted_once(moment: datetime, days: int) -> None:
    end = business_days_after(moment, days)
    assert is_business_day(end)
    whole = [moment.date() + timedelta(days=one) for one in range((end.date() - moment.date()).days)]
    assert sum(day.weekday() < 5 for day in whole) == days


@given(moment=MOMENTS, days=st.integers(0, 20), later=st.timedeltas(timedelta(), timedelta(days=9)))
def test_who_begins_later_ends_no_earlier(moment: datetime, days: int, later: timedelta) -> None:
    assert business_days_after(moment, days) <= business_days_after(moment + later, days)
    assert business_days_after(moment, days) < business_days_after(moment, days + 1)

"""Days on which people work: Monday to Friday, in the zone that the moment is in."""

from __future__ import annotations

from datetime import datetime, time, timedelta

SATURDAY = 5


def is_business_day(moment: datetime) -> bool:
    """Whether it falls on a day from Monday to Friday."""
    return moment.weekday() < SATURDAY


def business_days_after(moment: datetime, days: int) -> datetime:
    """The same time of day so many business days later.

    From a weekend it is counted from Monday's first moment: two days after a Saturday is the end of
    Tuesday, which is Wednesday's first moment. Raises ``ValueError`` for a negative number.
    """
    if days < 0:
        raise ValueError("Business days are counted forward.")
    at = _from_a_business_day(moment)
    for _day in range(days):
        at += timedelta(days=1)
        while not is_business_day(at):
            at += timedelta(days=1)
    return at


def _from_a_business_day(moment: datetime) -> datetime:
    if is_business_day(moment):
        return moment
    monday = moment.date() + timedelta(days=7 - moment.weekday())
    return datetime.combine(monday, time(), tzinfo=moment.tzinfo)

"""The overview: each figure as a chart, a sentence and a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.urls import reverse

from jitportal.operations import overview
from jitportal.operations.overview import Decisions, Durations, Measured, Now
from jitportal.web.presenters import charts
from jitportal.web.presenters.charts import Chart, Series

KINDS = {
    "approved": "approved",
    "by_system": "approved by the system",
    "denied": "denied",
    "sent_back": "sent back",
}
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart with what it says. ``rows`` begin with their heading."""

    key: str
    title: str
    summary: str
    chart: Chart | None  # None: there is nothing to draw
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    unfold: str = "The numbers, day by day"  # what opens the table, for whoever wants it


@dataclass(frozen=True, slots=True)
class Overview:
    now: Now
    days: int
    figures: Sequence[Figure]


def overview_of(now: datetime, zone: tzinfo) -> Overview:
    days = overview.last_days(now, zone)
    return Overview(
        overview.standing(now),
        len(days),
        [
            _decisions(days, overview.decisions(days, zone)),
            _waits(days, overview.waits(days, zone)),
            _lags(days, overview.removal_lags(days, zone)),
            _roles(overview.most_asked(days, zone)),
        ],
    )


def seconds_in_words(seconds: float) -> str:
    """As exact as it matters: "0.4 s", "12 min", "3.5 h"."""
    size, unit = charts.unit_for(seconds)
    return f"{seconds / size:.{1 if seconds / size < 10 else 0}f} {unit}"


def _decisions(days: Sequence[date], found: dict[date, Decisions]) -> Figure:
    of_days = [found.get(day, Decisions()) for day in days]
    series = [
        Series(f"chart-{kind.replace('_', '-')}", name, [getattr(one, kind) for one in of_days])
        for kind, name in KINDS.items()
    ]
    sums = {kind: sum(getattr(one, kind) for one in of_days) for kind in KINDS}
    total = sum(sums.values())
    said = ", ".join(f"{sums[kind]} {name}" for kind, name in KINDS.items())
    return Figure(
        "decisions",
        "Decisions a day",
        f"{_count(total, 'decision')} in {len(days)} days: {said}." if total else _none("was decided", days),
        charts.stacked([_short(day) for day in days], series) if total else None,
        ["Day", *(name.capitalize() for name in KINDS.values())],
        [
            [Cell(_long(day)), *(Cell(str(getattr(one, kind))) for kind in KINDS)]
            for day, one in reversed(list(zip(days, of_days, strict=True)))
        ],
    )


def _waits(days: Sequence[date], measured: Measured) -> Figure:
    said = _none("was decided by people", days)
    if found := measured.all:
        half, most = seconds_in_words(found.half), seconds_in_words(found.most)
        said = (
            f"Half of {_count(found.number, 'request')} had the last verdict within {half}, and nine in ten "
            f"within {most}. What the system approves by itself isn't counted."
        )
    return _durations("waits", "Wait for a decision", said, days, measured, ("p50", "p90"))


def _lags(days: Sequence[date], measured: Measured) -> Figure:
    said = _none("was removed by the portal", days)
    if found := measured.all:
        half, most = seconds_in_words(found.half), seconds_in_words(found.most)
        said = (
            f"Half of {_count(found.number, 'removal')} were verified within {half} of the end, and 99 in a "
            f"hundred within {most}. What people remove by hand isn't counted."
        )
    return _durations("lags", "From the end to verified absence", said, days, measured, ("p50", "p99"))


def _durations(
    key: str, title: str, summary: str, days: Sequence[date], measured: Measured, names: tuple[str, str]
) -> Figure:
    of_days = [measured.days.get(day) for day in days]
    series = [
        Series("chart-half", names[0], [one.half if one else None for one in of_days]),
        Series("chart-most", names[1], [one.most if one else None for one in of_days]),
    ]
    return Figure(
        key,
        title,
        summary,
        charts.lines([_short(day) for day in days], series) if measured.all else None,
        ["Day", "Measured", *names],
        [
            [Cell(_long(day)), *(Cell(text) for text in _texts(one))]
            for day, one in reversed(list(zip(days, of_days, strict=True)))
        ],
    )


def _texts(one: Durations | None) -> list[str]:
    if one is None:
        return ["0", NOTHING, NOTHING]
    return [str(one.number), seconds_in_words(one.half), seconds_in_words(one.most)]


def _roles(asked: Sequence[overview.Asked]) -> Figure:
    rows = [(one.name, one.requests) for one in asked]
    return Figure(
        "roles",
        "Roles that are asked for most",
        f"{rows[0][0]} comes first, with {_count(rows[0][1], 'request')} in {overview.DAYS} days."
        if rows
        else f"Nothing was asked for in the last {overview.DAYS} days.",
        charts.ranked(rows, "chart-accent") if rows else None,
        ["Role", "Requests"],
        [[Cell(one.name, reverse("role_detail", args=[one.key])), Cell(str(one.requests))] for one in asked],
        unfold="Each role, with its page",
    )


def _none(what: str, days: Sequence[date]) -> str:
    return f"Nothing {what} in the last {len(days)} days."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(day: date) -> str:
    return f"{day:%-d %b}"


def _long(day: date) -> str:
    return f"{day:%a %-d %B}"

"""Charts as SVG, drawn here: places and lengths alone. Colours are classes, and so are light and dark.

A chart never stands alone: its summary says the same in words, and its table in numbers. What tells series
apart beside their colour are hatches and dashes (static/overview.css), which paper and forced colours keep.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 520, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 10, 26
BAR_SHARE = 0.72
MOST_STEPS = 4
#: A longer name is cut; the table has it whole.
MOST_SIGNS = 28
#: One label under so many days.
EVERY = 5
ROW, LABEL_WIDTH, NUMBER_WIDTH = 24, 200, 48


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of thing for each column. ``kind`` is its class; None where there is nothing to show."""

    kind: str
    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Box:
    kind: str
    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Path:
    """A line through the values; ``dots`` are those without a neighbour on either side."""

    kind: str
    d: str
    dots: Sequence[Label]


@dataclass(frozen=True, slots=True)
class Chart:
    """What ``charts/chart.html`` draws."""

    width: int
    height: int
    boxes: Sequence[Box] = ()
    paths: Sequence[Path] = ()
    grid: Sequence[Label] = ()  # lines across, each with what it stands for
    below: Sequence[Label] = ()
    beside: Sequence[Label] = ()
    legend: Sequence[Series] = ()
    left: int = field(default=LEFT)
    right: int = field(default=WIDTH - RIGHT)


def stacked(columns: Sequence[str], series: Sequence[Series]) -> Chart:
    """Bars of counts, one series on the other."""
    sums = [sum(one.values[index] or 0 for one in series) for index in range(len(columns))]
    steps = _steps(max(sums, default=0), whole=True)
    wide = _column(columns)
    boxes: list[Box] = []
    for index, column in enumerate(columns):
        height = 0.0
        for one in series:
            value = one.values[index] or 0
            if value:
                box = _height(value, steps[-1])
                x = LEFT + wide * (index + (1 - BAR_SHARE) / 2)
                title = f"{column}: {value:g} {one.name}"
                y = HEIGHT - BOTTOM - height - box
                boxes.append(Box(one.kind, _px(x), _px(y), _px(wide * BAR_SHARE), _px(box), title))
                height += box
    return Chart(
        WIDTH,
        HEIGHT,
        boxes=boxes,
        grid=[_line(step, steps[-1], f"{step:g}") for step in steps],
        below=_below(columns),
        legend=series,
    )


def lines(columns: Sequence[str], series: Sequence[Series]) -> Chart:
    """Lines of durations in seconds, broken where nothing was measured."""
    longest = max((value for one in series for value in one.values if value is not None), default=0)
    size, unit = unit_for(longest)
    steps = _steps(longest / size)
    paths = [Path(one.kind, *_through(one.values, steps[-1] * size, _column(columns))) for one in series]
    return Chart(
        WIDTH,
        HEIGHT,
        paths=paths,
        grid=[_line(step, steps[-1], f"{step:g} {unit}") for step in steps],
        below=_below(columns),
        legend=series,
    )


def ranked(rows: Sequence[tuple[str, int]], kind: str) -> Chart:
    """Bars beside names, the longest first."""
    most = max((number for _, number in rows), default=1)
    room = WIDTH - LABEL_WIDTH - NUMBER_WIDTH
    boxes, below, beside = [], [], []
    for index, (name, number) in enumerate(rows):
        y, width = ROW * index, room * number / most
        middle = _px(y + ROW * 0.66)
        boxes.append(Box(kind, _px(LABEL_WIDTH), _px(y + 4), _px(width), _px(ROW - 8), f"{name}: {number}"))
        below.append(Label(_px(LABEL_WIDTH + width + 6), middle, str(number)))
        beside.append(
            Label(
                _px(LABEL_WIDTH - 8),
                middle,
                name if len(name) <= MOST_SIGNS else f"{name[: MOST_SIGNS - 1]}…",
            )
        )
    return Chart(WIDTH, max(ROW, ROW * len(rows)), boxes=boxes, below=below, beside=beside)


def unit_for(longest: float) -> tuple[float, str]:
    """The unit that durations up to this are read in, and its seconds."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if longest >= 2 * size:
            return float(size), unit
    return 1.0, "s"


def _steps(most: float, *, whole: bool = False) -> list[float]:
    """From 0 up to what holds the most, by a step of 1, 2 or 5 and noughts; what nobody sees is 0."""
    if most < 0.001:
        return [0.0, 1.0]
    rough = most / MOST_STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    return [round(step * number, 9) for number in range(math.ceil(most / step - 1e-9) + 1)]


def _through(values: Sequence[float | None], top: float, wide: float) -> tuple[str, list[Label]]:
    drawn, dots = [], []
    for run in _runs(values):
        places = [
            (_px(LEFT + wide * (index + 0.5)), _px(HEIGHT - BOTTOM - _height(value, top)))
            for index, value in run
        ]
        if len(places) == 1:
            dots.append(Label(*places[0], ""))
        else:
            drawn.append("M" + " L".join(f"{x} {y}" for x, y in places))
    return " ".join(drawn), dots


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Values beside each other."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is None:
            if run:
                yield run
            run = []
        else:
            run.append((index, value))
    if run:
        yield run


def _column(columns: Sequence[str]) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(columns))


def _height(value: float, top: float) -> float:
    return (HEIGHT - TOP - BOTTOM) * value / top


def _line(step: float, top: float, text: str) -> Label:
    return Label(_px(LEFT - 6), _px(HEIGHT - BOTTOM - _height(step, top)), text)


def _below(columns: Iterable[str]) -> list[Label]:
    """Counted from the last, which is today."""
    named = list(columns)
    return [
        Label(_px(LEFT + _column(named) * (index + 0.5)), str(HEIGHT - 8), name)
        for index, name in enumerate(named)
        if (len(named) - 1 - index) % EVERY == 0
    ]


def _px(number: float) -> str:
    """As SVG reads it, whatever the page's language."""
    return f"{number:.2f}".rstrip("0").rstrip(".")

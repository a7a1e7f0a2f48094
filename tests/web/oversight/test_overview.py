"""The overview's page: each figure with its chart, its sentence and its table, for those who run the portal."""

from __future__ import annotations

import re
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from django.template.loader import render_to_string
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from jitportal.operations import clock, decisions
from jitportal.rules.vocabulary import Verdict
from jitportal.web.presenters import charts
from jitportal.web.presenters.charts import Chart, Series
from jitportal.web.presenters.overview import seconds_in_words
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, elevate


@pytest.fixture
def opal(world: World, as_: As) -> Client:
    elevate(world, "opal", "operator")
    return as_("opal")


def drawn(chart: Chart) -> ET.Element:
    """The chart as the page draws it; what isn't well-formed raises."""
    return ET.fromstring(
        f"<div>{render_to_string('overview/_chart.html', {'chart': chart, 'key': 'any'})}</div>"
    )


def test_each_figure_says_in_words_and_numbers_what_its_chart_draws(world: World, opal: Client) -> None:
    with clock.moved(by=timedelta(days=-2)):
        approve(world, ask(world, "rita", "door"), "mona")
        pending = ask(world, "oskar", "door")
        decisions.decide(
            actor=world["otto"],
            request=pending,
            verdict=Verdict.DENY,
            digest=decisions.seen_digest(pending),
            reason="Not today.",
        )
    answer = opal.get("/overview/")
    figures = {figure.key: figure for figure in answer.context["overview"].figures}
    assert figures["decisions"].summary == (
        "3 decisions in 30 days: 2 approved, 0 approved by the system, 1 denied, 0 sent back."
    )
    assert [cell.text for cell in figures["decisions"].rows[2]][1:] == ["1", "0", "1", "0"]
    assert "Half of 3 requests had the last verdict within" in figures["waits"].summary
    assert next(iter(figures["roles"].rows))[0].text == "Server room door"
    page = words(answer)
    for figure in figures.values():
        assert figure.summary.replace("'", "&#x27;") in page
    assert page.count('<svg class="chart"') == sum(figure.chart is not None for figure in figures.values())


def test_a_portal_in_which_nothing_has_happened_says_so(world: World, opal: Client) -> None:
    figures = {figure.key: figure for figure in opal.get("/overview/").context["overview"].figures}
    assert figures["lags"].chart is None
    assert figures["lags"].summary == "Nothing was removed by the portal in the last 30 days."


def test_nothing_is_styled_in_the_page_itself(world: World, opal: Client) -> None:
    page = words(opal.get("/overview/"))
    assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son\w+=", page)


@pytest.mark.parametrize("username", ["rita", "polly"])
def test_others_are_told_which_power_it_takes(world: World, as_: As, username: str) -> None:
    answer = as_(username).get("/overview/")
    assert answer.status_code == 403
    assert "Request the role that gives it." in words(answer)


VALUES = st.lists(st.none() | st.floats(0, 1e7), min_size=1, max_size=40)
COUNTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=40)


@given(VALUES)
def test_every_line_stays_inside_its_chart_and_every_value_is_drawn(values: list[float | None]) -> None:
    chart = charts.lines(
        [str(number) for number in range(len(values))], [Series("chart-half", "p50", values)]
    )
    places = [place for path in chart.paths for place in re.findall(r"([\d.]+) ([\d.]+)", path.d)]
    places += [(dot.x, dot.y) for path in chart.paths for dot in path.dots]
    assert len(places) == sum(value is not None for value in values)
    for x, y in places:
        assert charts.LEFT <= float(x) <= charts.WIDTH
        assert charts.TOP - 0.01 <= float(y) <= charts.HEIGHT - charts.BOTTOM
    drawn(chart)


@given(COUNTS, COUNTS)
def test_every_bar_stays_inside_its_chart_and_they_dont_overlap(first: list[int], second: list[int]) -> None:
    number = min(len(first), len(second))
    series = [Series("one", "one", first[:number]), Series("two", "two", second[:number])]
    chart = charts.stacked([str(column) for column in range(number)], series)
    assert len(chart.boxes) == sum(value > 0 for value in (*first[:number], *second[:number]))
    lowest = charts.HEIGHT - charts.BOTTOM
    for box in chart.boxes:
        assert float(box.y) >= charts.TOP - 0.02
        assert float(box.y) + float(box.height) <= lowest + 0.02
    steps = [float(line.text) for line in chart.grid]
    assert steps == sorted(set(steps))
    assert steps[-1] >= max(a + b for a, b in zip(first, second, strict=False))
    assert all(step == int(step) for step in steps)
    drawn(chart)


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["C"])), st.integers(1, 10**6)),
        min_size=1,
        max_size=10,
    )
)
def test_whatever_a_role_is_called_the_drawing_is_well_formed(rows: list[tuple[str, int]]) -> None:
    element = drawn(charts.ranked(rows, "chart-accent"))
    assert len(element.findall(".//rect")) == len(rows)
    assert len(element.findall(".//text")) == 2 * len(rows)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (0.42, "0.4 s"),
        (59, "59 s"),
        (119, "119 s"),
        (150, "2.5 min"),
        (3_000, "50 min"),
        (9_000, "2.5 h"),
        (300_000, "3.5 d"),
    ],
)
def test_a_duration_is_as_exact_as_it_matters(seconds: float, said: str) -> None:
    assert seconds_in_words(seconds) == said

"""The calendar of one's change windows: by day and by week, in one's own zone, through changes of clocks."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from jitportal.operations import clock, grants
from jitportal.rules.vocabulary import StartMode
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn

Counted = Callable[[int], AbstractContextManager[object]]
#: A Thursday, in Ed's zone two hours later.
NOW = datetime(2026, 6, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def thursday(house: Any) -> Any:
    with clock.moved(to=NOW):
        yield


def days(html: str) -> dict[str, str]:
    """The words under each day."""
    parts = re.split(r'<li class="day[^>]*>', html)[1:]
    said = [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts]
    return {" ".join(words.split()[:3]): words for words in said}


def at(opens: datetime, **wishes: Any) -> dict[str, Any]:
    return {"start_mode": StartMode.SCHEDULED, "opens_at": opens, **wishes}


def test_the_week_holds_what_is_planned_ready_in_force_and_asked_for(ed: Client, thursday: None) -> None:
    house.held(minutes=60)
    house.ready(role="cage")
    house.approve(house.ask(role="lift", **at(NOW + timedelta(days=1))))
    house.ask(role="auditor", **at(NOW + timedelta(days=2)))
    week = days(ed.get("/calendar/").content.decode())
    assert list(week) == [
        "Mon 1 Jun",
        "Tue 2 Jun",
        "Wed 3 Jun",
        "Thu 4 Jun",
        "Fri 5 Jun",
        "Sat 6 Jun",
        "Sun 7 Jun",
    ]
    assert "14:00 to 15:00 Operator of this portal" in week["Thu 4 Jun"]
    assert "14:00 to 16:30 Server cage, The left cage" in week["Thu 4 Jun"]
    assert "Started by your click, for 30 minutes" in week["Thu 4 Jun"]
    assert "Today" in week["Thu 4 Jun"]
    assert "14:00 to 14:30 Goods lift" in week["Fri 5 Jun"]
    assert "Planned" in week["Fri 5 Jun"]
    assert "14:00 to 14:30 Auditor of this portal" in week["Sat 6 Jun"]
    assert "Waiting" in week["Sat 6 Jun"]
    assert "Nothing" in week["Sun 7 Jun"]


def test_a_day_alone(ed: Client, thursday: None) -> None:
    house.approve(house.ask(role="lift", **at(NOW + timedelta(days=1))))
    day = days(ed.get("/calendar/", {"by": "day", "on": "2026-06-05"}).content.decode())
    assert list(day) == ["Fri 5 Jun"]
    assert "Goods lift" in day["Fri 5 Jun"]
    assert "Nothing" in days(ed.get("/calendar/", {"by": "day"}).content.decode())["Thu 4 Jun"]


def test_what_lasts_for_days_stands_on_each_of_them(ed: Client, thursday: None) -> None:
    house.approve(
        house.ask(role="cabinet", minutes=2 * 24 * 60, **at(NOW + timedelta(hours=1))), "kai", "mona"
    )
    week = days(ed.get("/calendar/").content.decode())
    assert "From 15:00 Key cabinet" in week["Thu 4 Jun"]
    assert "All day Key cabinet" in week["Fri 5 Jun"]
    assert "Until 15:00 Key cabinet" in week["Sat 6 Jun"]
    assert "Key cabinet" not in week["Sun 7 Jun"]


def test_the_next_that_is_planned_is_led_to(ed: Client, thursday: None) -> None:
    house.approve(house.ask(role="lift", **at(NOW + timedelta(days=6))))
    html = ed.get("/calendar/").content.decode()
    assert "Nothing is planned." in html
    assert 'href="/calendar/?by=week&amp;on=2026-06-10"' in html
    assert "Goods lift" in ed.get("/calendar/", {"on": "2026-06-10"}).content.decode()


@pytest.mark.parametrize(
    ("now", "opens", "day", "hours", "said"),
    [
        # 01:30 CET, an hour before the clocks go from 02:00 to 03:00
        (
            "2027-03-26T12:00",
            "2027-03-28T00:30",
            "Sun 28 Mar",
            "01:30 CET to 03:30 CEST",
            "forward: this day has 23 hours",
        ),
        # 02:30 the first time, in CEST
        (
            "2026-10-23T12:00",
            "2026-10-25T00:30",
            "Sun 25 Oct",
            "02:30 CEST to 02:30 CET",
            "back: this day has 25 hours",
        ),
    ],
)
def test_a_day_on_which_the_clocks_change(
    ed: Client, now: str, opens: str, day: str, hours: str, said: str
) -> None:
    with clock.moved(to=datetime.fromisoformat(now).replace(tzinfo=UTC)):
        starts = datetime.fromisoformat(opens).replace(tzinfo=UTC)
        house.approve(house.ask(role="lift", minutes=60, **at(starts)))
        words = days(ed.get("/calendar/").content.decode())[day]
    assert hours in words
    assert f"The clocks go {said}." in words


def test_what_is_over_handed_back_or_somebody_elses_isnt_there(
    ed: Client, as_: SignedIn, thursday: None
) -> None:
    grant = house.held()
    house.approve(house.ask(role="lift", **at(NOW + timedelta(days=1))))
    assert "Goods lift" not in as_("eve").get("/calendar/").content.decode()
    grants.hand_back(actor=house.person("ed"), grant=grant)
    assert "Operator" not in ed.get("/calendar/").content.decode().split("<main")[1]


@pytest.mark.parametrize(
    "on", ["", "soon", "2026-13-01", "0001-01-01", "9999-12-31", "2026-06-04\x00", "9" * 5000]
)
def test_a_day_that_is_none_shows_today(ed: Client, thursday: None, on: str) -> None:
    for by in ("day", "week", "x"):
        answer = ed.get("/calendar/", {"on": on, "by": by})
        assert answer.status_code == 200
        assert "Thu 4 Jun" in days(answer.content.decode())


def test_the_calendar_costs_the_same_for_one_and_for_many(
    ed: Client, thursday: None, django_assert_num_queries: Counted
) -> None:
    house.approve(house.ask(role="lift", **at(NOW + timedelta(days=1))))
    house.ask(role="auditor", **at(NOW + timedelta(days=2)))
    ed.get("/calendar/")
    with django_assert_num_queries(14):
        ed.get("/calendar/")
    house.ready(role="cage")
    house.ask(role="operator", **at(NOW + timedelta(days=2)))
    with django_assert_num_queries(14):
        ed.get("/calendar/")

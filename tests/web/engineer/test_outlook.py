"""What will happen, beside the form: the exact window, how long it takes, what is closed, what needs no wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.html import escape

from jitportal.models import AccessRequest, Grant, Role
from jitportal.operations import clock
from jitportal.rules.vocabulary import StartMode
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn
from tests.web.engineer.test_request_forms import typed

HTMX = {"HX-Request": "true"}
FLASH = "/request/jit/flash/"
CAGE = "/request/jit/cage/"
OPERATOR = "/request/jit/operator/"


def panel(client: Client, address: str, **fields: str) -> str:
    """The panel's words, as they come while one types."""
    html = client.get(address, typed(**fields), headers=HTMX).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def decided(minutes: int, *, role: str = "operator", days: int = 3, username: str = "eve") -> None:
    """A request of some days ago that was approved after so many minutes, and handed back."""
    with clock.moved(by=timedelta(days=-days)):
        request = house.ask(username, role)
        with clock.moved(by=timedelta(days=-days, minutes=minutes)):
            house.approve(request)
            house.hand_back(username)


# The exact window


@pytest.mark.parametrize(
    ("start", "said", "note"),
    [
        ("2027-03-28T01:30", "From Sun 28 March, 01:30 CET to Sun 28 March, 03:30 CEST : 1 hour", "forward"),
        ("2026-10-25T01:30", "From Sun 25 October, 01:30 CEST to Sun 25 October, 02:30 CEST : 1 hour", ""),
    ],
)
def test_the_window_is_exact_through_a_change_of_clocks(ed: Client, start: str, said: str, note: str) -> None:
    day_before = datetime.fromisoformat(start).replace(tzinfo=UTC) - timedelta(days=1)
    with clock.moved(to=day_before):
        words = panel(ed, OPERATOR, start_mode="scheduled", starts_at=start, minutes_number="60")
    assert said in words
    assert ("The clocks go" in words) == bool(note)
    assert (f"The clocks go {note} by an hour on 28 March" in words) == bool(note)


def test_days_over_the_end_of_summer_time_are_no_longer_than_days(ed: Client) -> None:
    with clock.moved(to=datetime(2026, 10, 23, 12, 0, tzinfo=UTC)):
        words = panel(
            ed,
            "/request/temporary/cabinet/",
            start_mode="scheduled",
            starts_at="2026-10-24T09:00",
            minutes_number="2",
            minutes_unit="days",
        )
    assert "From Sat 24 October, 09:00 CEST to Mon 26 October, 08:00 CET : 2 days" in words
    assert (
        "The clocks go back by an hour on 25 October: by them it seems an hour shorter than it is." in words
    )


def test_a_time_that_is_missing_or_cannot_be_is_never_taken_for_at_once(ed: Client) -> None:
    words = panel(ed, OPERATOR, start_mode="scheduled", starts_at="2027-03-28T02:30")
    assert "The clocks change at that hour" in words
    assert "Given now" not in words
    words = panel(ed, OPERATOR, start_mode="scheduled")
    assert "Say when it is to start" in words
    assert "Given now" not in words


def test_a_window_that_closes_before_it_opens_is_not_drawn(ed: Client) -> None:
    with clock.moved(to=datetime(2026, 6, 1, 12, 0, tzinfo=UTC)):
        window = {"opens_at": "2026-06-02T15:00", "closes_at": "2026-06-02T14:00"}
        words = panel(ed, OPERATOR, start_mode="on_click", **window)
        assert "Say when it is to start" in words
        assert "You start it between" not in words
        window["closes_at"] = "2026-06-02T16:00"
        assert "You start it between" in panel(ed, OPERATOR, start_mode="on_click", **window)


def test_what_begins_on_approval_says_until_when_it_would_last(ed: Client) -> None:
    now = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    with clock.moved(to=now):
        assert "Given now, it would last until 14:30 CEST" in panel(ed, OPERATOR)
        assert "At once, for 10 minutes: until 14:10 CEST" in panel(ed, FLASH, minutes_number="10")


def test_how_far_ahead_and_how_long_a_window_may_be_is_said_before_it_is_chosen(ed: Client) -> None:
    words = panel(ed, CAGE, scope="left")
    assert "Planned at most 14 days ahead; a window to start it in lasts 1 day at most" in words
    grant = house.held()
    assert "Planned at most" not in panel(ed, f"/grants/{grant.pk}/renew/")


# How long it takes


def test_how_long_it_takes_is_measured_on_this_path(ed: Client) -> None:
    for minutes in (1, 2, 6, 8, 40):
        decided(minutes)
    words = panel(ed, OPERATOR)
    assert (
        "Half are decided within 6 minutes, nine in ten within 40 minutes (5 decisions in 30 days)." in words
    )


def test_too_few_decisions_are_said_to_be_too_few(ed: Client) -> None:
    assert "Too few decisions to say how long it takes (none in 30 days)." in panel(ed, OPERATOR)
    for _ in range(4):
        decided(5)
    decided(5, days=31)
    assert "Too few decisions to say how long it takes (4 in 30 days)." in panel(ed, OPERATOR)


def test_what_the_system_approved_makes_nobody_look_quick(ed: Client) -> None:
    for _ in range(6):
        with clock.moved(by=timedelta(days=-2)):
            house.ask("eve", "flash", minutes=10)
            house.hand_back("eve")
    assert "Too few decisions to say how long it takes (none in 30 days)." in panel(ed, FLASH)
    assert "How long that takes" not in panel(ed, FLASH, minutes_number="10")


def test_what_waits_says_how_long_that_usually_takes(ed: Client) -> None:
    for minutes in (1, 2, 6, 8, 40):
        decided(minutes)
    request = house.ask()
    usual = "Half are decided within 6 minutes, nine in ten within 40 minutes"
    for page in ("/", f"/requests/{request.pk}/"):
        assert usual in ed.get(page).content.decode()
    house.approve(request)
    assert usual not in ed.get(f"/requests/{request.pk}/").content.decode()


# What needs no wait


def test_fewer_minutes_need_no_wait_and_keep_what_was_typed(ed: Client) -> None:
    assert "The system approves it at once for 10 minutes." in panel(ed, FLASH)
    answer = ed.post(FLASH, typed(instead="all 10", justification="A dark corner to look into, and now."))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert 'name="minutes_number" value="10"' in html
    assert "A dark corner to look into, and now.</textarea>" in html
    assert "rule short loans matches" in html
    assert not AccessRequest.objects.exists()
    assert "Without a wait" not in panel(ed, FLASH, minutes_number="10")


def test_a_narrower_role_opens_with_what_was_typed(ed: Client) -> None:
    words = panel(ed, OPERATOR)
    assert "The system approves Flash light at once for 10 minutes." in words
    assert "Ask for Flash light instead" in words
    html = ed.post(FLASH, typed(instead="all 10", ticket="CHG-9")).content.decode()
    assert 'value="CHG-9"' in html
    assert escape(house.WHY) in html


def test_what_is_held_already_is_no_way(ed: Client) -> None:
    house.ask(role="flash", minutes=10)
    assert "Without a wait" not in panel(ed, OPERATOR)
    assert "Without a wait" not in panel(ed, FLASH)


@pytest.mark.parametrize(
    "instead", ["", "all", "all x", "nowhere 10", "all " + "9" * 5000, "all 0", "\x00 10"]
)
def test_a_forged_way_changes_nothing_and_asks_for_nothing(ed: Client, instead: str) -> None:
    answer = ed.post(FLASH, typed(instead=instead))
    assert answer.status_code in (200, 422)
    assert house.WHY in answer.content.decode()
    assert not AccessRequest.objects.exists()


# What is closed


def test_a_scope_that_was_asked_for_is_closed_and_leads_to_its_request(ed: Client) -> None:
    request = house.ask(role="cage")
    words = panel(ed, CAGE, scope="right")
    assert f"The left cage: you have asked for it already, in request {request.pk} ." in words
    assert f'href="/requests/{request.pk}/"' in ed.get(CAGE).content.decode()
    assert "you have asked for it" not in panel(
        ed, f"/requests/{request.pk}/edit/", scope="left", revision="1"
    )


def test_a_scope_that_is_held_is_closed_until_it_ends(ed: Client) -> None:
    with clock.moved(to=datetime(2026, 6, 1, 12, 0, tzinfo=UTC)):
        house.held()
        words = panel(ed, OPERATOR)
        assert "you hold it until 14:30 CEST , by grant" in words
        later = panel(ed, OPERATOR, start_mode="scheduled", starts_at="2026-06-01T15:00")
        assert "you hold it" not in later


def test_a_window_that_is_ready_closes_the_time_that_it_may_cover(ed: Client) -> None:
    house.ready(role="cage", scope="right")
    words = panel(ed, CAGE, scope="left")
    assert "The right cage: grant" in words
    assert "is ready and may run until" in words


def test_a_start_that_is_planned_closes_just_its_own_time(ed: Client) -> None:
    """Nobody has to click, so it says when it starts and until when it lasts."""
    with clock.moved(to=datetime(2026, 6, 1, 12, 0, tzinfo=UTC)):
        starts = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
        house.approve(house.ask("ed", "cage", scope="right", start_mode=StartMode.SCHEDULED, opens_at=starts))
        words = panel(ed, CAGE, scope="left", start_mode="scheduled", starts_at="2026-06-01T17:10")
        assert "starts by itself at 17:00 CEST and lasts until 17:30 CEST . Hand it back" in words
        assert "may run until" not in words
        own = ed.get("/").content.decode()
        assert "from 17:00 CEST until 17:30 CEST" in " ".join(re.sub(r"<[^>]+>", " ", own).split())


def test_nothing_of_this_is_said_to_who_cannot_ask_at_all(as_: SignedIn) -> None:
    words = panel(as_("sam"), FLASH)
    assert "Without a wait" not in words
    owner = Role.objects.get(key="flash").owner
    assert f"You aren&#x27;t eligible for Flash light. Ask its owner, {owner}, to add you." in words


def test_a_renewal_is_told_of_fewer_minutes_alone(ed: Client) -> None:
    house.ask(role="flash", minutes=10)
    house.work()
    grant = Grant.objects.get()
    words = panel(ed, f"/grants/{grant.pk}/renew/", minutes_number="30")
    assert "The system approves it at once for 10 minutes." in words
    assert "you hold it" not in words

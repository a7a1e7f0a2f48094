"""An engineer's way to access: find the role, read what will happen, ask for several, see them planned."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, expect

from tests.journeys import steps
from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Visit

# What differs between the databases is proven in tests/web.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

CHANGE = "Change orders in production"
READ = "Read orders in production"
ADMINISTER = "Administer the orders database"


def panel(visitor: Visitor) -> Locator:
    return visitor.page.locator("#outlook")


def tomorrow() -> datetime:
    return (datetime.now(UTC) + timedelta(days=1)).replace(hour=10, minute=0)


def day(visitor: Visitor, when: datetime) -> Locator:
    """The calendar of one's own, at that day."""
    visitor.page.goto(f"/calendar/?on={when:%Y-%m-%d}")
    return visitor.page.locator(".day", has_text=f"{when:%a} {when.day} {when:%b}")


@pytest.mark.proof
def test_by_keyboard_alone_from_words_to_several_planned_windows(visit: Visit) -> None:
    lina = visit()
    lina.become("Lina Sørensen")
    page, keys = lina.page, lina.page.keyboard
    page.get_by_role("link", name="Request access").press("Enter")
    lina.sees_title("Request access")

    # Find it while typing, and walk to it.
    keys.press("/")
    expect(page.get_by_label("What do you want to do?")).to_be_focused()
    keys.type("CORRECT röws")
    expect(page.get_by_role("region", name="Roles for")).to_contain_text(CHANGE)
    expect(page.get_by_role("region", name="Roles for").get_by_role("listitem")).to_have_count(1)
    assert "q=CORRECT" in page.url
    keys.press("ArrowDown")
    expect(page.get_by_role("link", name=f": {CHANGE}")).to_be_focused()
    keys.press("Enter")
    lina.sees_title(CHANGE)

    # What would need no wait, and a click that keeps what was typed.
    page.get_by_label("Number").press("Control+a")
    keys.type("60")
    page.get_by_label("Why you need it").press("End")
    keys.type(steps.WHY)
    page.get_by_label("Change ticket").press("End")
    keys.type("INC-1042")
    with page.expect_response(re.compile("minutes_number=60&.*INC-1042")):  # leaving the field asks once more
        keys.press("Tab")
    expect(panel(lina)).to_contain_text("Mia Lindqvist decides.")
    expect(panel(lina)).to_contain_text("Too few decisions to say how long it takes")
    expect(panel(lina)).to_contain_text("The system approves it at once for 30 minutes.")
    page.get_by_role("button", name="Ask for 30 minutes instead").press("Enter")
    expect(page.get_by_label("Number")).to_have_value("30")
    expect(page.get_by_label("Why you need it")).to_have_value(steps.WHY)
    expect(panel(lina)).to_contain_text("rule incident matches")
    page.get_by_role("button", name="Request JIT access").press("Enter")
    lina.is_told(f"Your request for {CHANGE} is made.")

    # Several in one go: what can't be made stays with what was typed.
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Request").press("Enter")
    for role in (READ, ADMINISTER):
        page.get_by_label(f"Choose {role}").press("Space")
    page.get_by_role("button", name="Request those chosen together").press("Enter")
    lina.sees_title("Request 2 roles together")
    read = page.get_by_role("group", name=READ)
    read.get_by_label("Number").press("Control+a")
    keys.type("90")
    page.get_by_label("At a time").press("Space")
    page.get_by_label("Start at").fill(f"{tomorrow():%Y-%m-%dT%H:%M}")
    page.get_by_label("Why you need them").press("End")
    keys.type(steps.WHY)
    page.get_by_label("Change ticket").press("End")
    keys.type("INC-1042")
    expect(panel(lina)).to_contain_text(f"{READ} lasts 1 hour at most")
    with lina.refused(422):
        keys.press("Enter")
        expect(page.get_by_role("alert")).to_be_focused()
    lina.is_told(ADMINISTER)
    expect(page.get_by_role("alert")).to_contain_text(f"{READ} lasts 1 hour at most")
    expect(page.get_by_role("group", name=ADMINISTER)).to_have_count(0)
    expect(page.get_by_label("Why you need them")).to_have_value(steps.WHY)
    read.get_by_label("Number").press("Control+a")
    keys.type("20")
    keys.press("Enter")
    lina.is_told(f"Your request for {READ} is made.")
    waiting = page.get_by_role("region", name="Waiting")
    expect(waiting).to_contain_text("Mia Lindqvist can decide.")
    expect(waiting).to_contain_text("Too few decisions to say how long it takes")

    # Both are in the calendar; the first is in force, and is handed back.
    page.get_by_role("link", name="Calendar").press("Enter")
    lina.sees_title("Calendar")
    planned = day(lina, tomorrow())
    expect(planned).to_contain_text(re.compile(rf"10:00 to 10:30\s+{ADMINISTER}.*Planned", re.DOTALL))
    expect(planned).to_contain_text(re.compile(rf"10:00 to 10:20\s+{READ}.*Waiting", re.DOTALL))
    steps.sees_live(lina, CHANGE)
    steps.opens_grant(lina, CHANGE)
    steps.hands_back(lina, CHANGE)
    steps.sees_removed(lina, "Handed back")
    expect(page.get_by_role("main").get_by_role("link", name="Ask again")).to_be_visible()


def test_without_script_a_tick_survives_a_search_and_looking_first_asks_for_nothing(visit: Visit) -> None:
    omer = visit(script=False)
    omer.become("Ömer Kaya")
    page = omer.page
    page.get_by_role("link", name="Request access").click()
    page.get_by_label(f"Choose {READ}").check()
    page.get_by_label("What do you want to do?").fill("orders_admin")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("region", name="Chosen")).to_contain_text(READ)
    page.get_by_label(f"Choose {ADMINISTER}").check()
    page.get_by_role("button", name="Request those chosen together").click()
    omer.sees_title("Request 2 roles together")
    page.get_by_label("When I click, within a window").check()
    page.get_by_label("Until").fill(f"{tomorrow():%Y-%m-%dT%H:%M}")
    page.get_by_label("From").fill(f"{tomorrow() - timedelta(hours=2):%Y-%m-%dT%H:%M}")
    page.get_by_label("Why you need them").fill(steps.WHY)
    page.get_by_label("Change ticket").fill("CHG-2001")
    page.get_by_role("button", name="Only show what would happen").click()
    expect(panel(omer)).to_contain_text("Mia Lindqvist decides.")
    expect(page.get_by_label("Why you need them")).to_have_value(steps.WHY)
    page.get_by_role("button", name="Request these 2 roles").click()
    omer.is_told("Your 2 requests are made.")
    planned = day(omer, tomorrow())
    expect(planned).to_contain_text(re.compile(rf"08:00 to 10:15\s+{READ}", re.DOTALL))
    expect(planned).to_contain_text("Started by your click, for 15 minutes")
    page.get_by_role("link", name="By day").click()
    expect(page.locator(".day")).to_have_count(1)

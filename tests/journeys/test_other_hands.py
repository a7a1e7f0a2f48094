"""The main journey without script, and by the keyboard alone; both end with a click instead of a wait."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.connectors.postgres_target import PostgresTarget, is_cut, reads
from tests.journeys import steps
from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Visit

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

READ = "Read orders in production"
#: More stops than any page has: then what is looked for can't be reached.
MOST_TABS = 120


def test_without_script(visit: Visit, orders: PostgresTarget) -> None:
    noor, mia = visit(script=False), visit(script=False)
    noor.sign_in("noor")
    steps.asks(noor, READ, ticket="INC-1042")
    mia.sign_in("mia")
    steps.approves(mia, "نور الخطيب", READ, minutes=20)
    mia.is_told("Approved for 20 minutes.")
    steps.sees_live(noor, READ)
    session = orders.session("noor", role="orders_ro")
    assert reads(session, "orders_ro")
    steps.opens_grant(noor, READ)
    expect(noor.page.locator("time.countdown")).to_contain_text("until")
    steps.hands_back(noor, READ, "Found it.")
    steps.sees_removed(noor, "Handed back")
    assert is_cut(session)


def test_by_the_keyboard_alone(visit: Visit, orders: PostgresTarget) -> None:
    kim, mia = Keyboard(visit()), Keyboard(visit())
    kim.visitor.page.goto("/")
    kim.presses("button", "Be Kim Vogt")
    kim.presses("link", "Request access")
    kim.types("What do you want to do?", "read orders")
    kim.page.keyboard.press("Enter")
    kim.presses("link", re.compile(f"^Request JIT access ?: {READ}"))
    kim.visitor.sees_title(READ)
    kim.types("Number", "20")
    kim.types("Why you need it", steps.WHY)
    kim.presses("button", "Request JIT access")
    kim.visitor.is_told(f"Your request for {READ} is made.")

    mia.visitor.page.goto("/")
    mia.presses("button", "Be Mia Lindqvist")
    mia.presses("link", "Queue")
    mia.visitor.sees_title("Queue")
    mia.presses("link", f"Kim Vogt · {READ}")
    mia.presses("link", "Approve")
    mia.types("Minutes", "10")
    mia.presses("button", "Approve for 10 minutes")
    mia.visitor.is_told("Approved for 10 minutes.")

    steps.sees_live(kim.visitor, READ)
    session = orders.session("kim", role="orders_ro")
    assert reads(session, "orders_ro")
    kim.presses("link", "Hand back")
    kim.types("Note (optional)", "Done.")
    kim.presses("button", f"Hand {READ} back")
    kim.visitor.is_told(f"You have handed {READ} back.")
    steps.sees_removed(kim.visitor, "Handed back")
    assert is_cut(session)


#: On the element that has it, or on the row that the element leads from.
_SHOWS = """element => [element, element.closest("li")].some(
  (one) => one && getComputedStyle(one).outlineStyle !== "none")"""


class Keyboard:
    """A visitor who never uses the mouse, and must always see where they are."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page = visitor.page

    def presses(self, role: str, name: str | re.Pattern[str]) -> None:
        self._reach(self.page.locator("body").get_by_role(role, name=name).first)  # type: ignore[arg-type]
        self.page.keyboard.press("Enter")

    def types(self, label: str, text: str) -> None:
        """In place of what stands in the field."""
        self._reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def _reach(self, wanted: Locator) -> None:
        expect(wanted).to_be_visible()
        for _ in range(MOST_TABS):
            if wanted.evaluate("element => element === document.activeElement"):
                assert wanted.evaluate(_SHOWS), f"The focus doesn't show on {wanted}."
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"The keyboard doesn't reach {wanted}.")

"""The steps that journeys share, each as a person takes it on the pages."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.browsing import Visitor

VERIFIED = re.compile(r"was removed, and verified absent \d+\.\d s after its end\.")
WHY = "Orders are stuck in picking since this morning, and I look for the cause."


def asks(engineer: Visitor, role: str, *, ticket: str = "", minutes: int = 30, send: bool = True) -> None:
    """Find the role by its name, fill its form in, and send it."""
    page = engineer.page
    page.goto("/")
    page.get_by_role("link", name="Request access").click()
    page.get_by_label("What do you want to do?").fill(role)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=f": {role}").click()
    engineer.sees_title(role)
    page.get_by_label("Number").fill(str(minutes))
    page.get_by_label("Unit").select_option("minutes")
    page.get_by_label("Why you need it").fill(WHY)
    page.get_by_label("Change ticket").fill(ticket)
    if send:
        sends(engineer, role)


def sends(engineer: Visitor, role: str) -> None:
    engineer.page.get_by_role("button", name=re.compile("Request (JIT|temporary) access")).click()
    engineer.is_told(f"Your request for {role} is made.")


def opens_in_queue(approver: Visitor, who: str, role: str) -> None:
    """From any page to the queue, and to the request's panel there."""
    page = approver.page
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Queue").click()
    approver.sees_title("Queue")
    page.get_by_role("link", name=f"{who} · {role}").click()
    expect(page.get_by_role("complementary", name="The request you chose")).to_contain_text(who)


def approves(
    approver: Visitor, who: str, role: str, *, minutes: int | None = None, told: str = "Approved for"
) -> None:
    """Choose it in the queue and approve it, for fewer minutes where these are given."""
    page = approver.page
    opens_in_queue(approver, who, role)
    page.get_by_role("link", name="Approve").click()
    if minutes is not None:
        page.get_by_label("Minutes").fill(str(minutes))
    page.get_by_role("button", name="Approve").click()
    approver.is_told(told)


def sees_live(engineer: Visitor, role: str) -> None:
    """My access, until the role is in force there."""
    page = engineer.page
    page.goto("/")
    card = page.get_by_role("article").filter(has_text=role)
    engineer.awaits(card.get_by_text("In force", exact=True))


def opens_grant(engineer: Visitor, role: str) -> None:
    """From my access to the page of the grant that is in force."""
    page = engineer.page
    page.goto("/")
    page.get_by_role("article").get_by_role("link", name=role).click()
    expect(page.get_by_role("heading", name="On the target")).to_be_visible()


def gets(engineer: Visitor, role: str, *, minutes: int = 30) -> None:
    """Ask with an incident's ticket, which the system approves by the policy's rule; then the grant's page."""
    asks(engineer, role, ticket="INC-1042", minutes=minutes)
    sees_live(engineer, role)
    opens_grant(engineer, role)


def acts(visitor: Visitor, name: str) -> None:
    """Click one of the acts that the page offers on what it is about."""
    visitor.page.get_by_role("main").get_by_role("link", name=name, exact=True).click()


def hands_back(engineer: Visitor, role: str, note: str = "") -> None:
    acts(engineer, "Hand back")
    engineer.page.get_by_label("Note").fill(note)
    engineer.page.get_by_role("button", name=f"Hand {role} back").click()
    engineer.is_told(f"You have handed {role} back.")


def sees_removed(visitor: Visitor, badge: str) -> None:
    """The grant's page, until it says how it ended and that the target holds nothing of it."""
    page = visitor.page
    visitor.awaits(page.get_by_text(badge, exact=True))
    expect(visitor.fact("Verified absent")).to_contain_text(re.compile(r"\d.* after its end"))
    expect(page.get_by_role("region", name="What happened")).to_contain_text(VERIFIED)

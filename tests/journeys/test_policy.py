"""The day of a policy editor: a role is changed by a form, planned, proposed, approved and applied."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.connectors.postgres_target import PostgresTarget
from tests.journeys import steps
from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Visit

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

POWER = "Edit the policy"
READ = "Read orders in production"
WRITE = "Change orders in production"


def test_a_member_is_added_by_the_form(visit: Visit, orders: PostgresTarget) -> None:
    wanda, xaver = visit(), visit()
    wanda.become("Wanda Ilves")
    steps.gets(wanda, POWER)
    finds_role(wanda, READ)
    steps.acts(wanda, "Change who may ask")
    page = wanda.page
    page.get_by_label("Add people").fill("wanda")
    page.get_by_label("What it changes, and why").fill("Wanda looks into stuck orders.")
    page.get_by_role("button", name="Show what would change").click()
    wanda.sees_title("Propose a change of policy")
    plan = page.get_by_role("region", name="What changes against policy")
    expect(plan).to_contain_text("wanda may now request it")
    expect(page.get_by_label("What it changes, and why")).to_have_value("Wanda looks into stuck orders.")

    # While she types, what is wrong is listed by line, and leads there; once it is mended the plan is back.
    document = page.get_by_label("Policy document")
    text = document.input_value()
    document.fill(
        text.replace("risk: low", "risk: lowish", 1).replace("connector: postgres", "connector: post")
    )
    wrong = page.get_by_role("region", name="2 problems in the document")
    expect(wrong).to_contain_text("risk: lowish")
    expect(wrong).to_contain_text("connector: post")
    wrong.get_by_role("link", name=re.compile("Line")).last.click()
    chosen = document.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert chosen.strip() == "risk: lowish"
    document.fill(text)
    expect(plan).to_contain_text("wanda may now request it")
    page.get_by_role("button", name="Propose this change").click()
    number = proposed(wanda)

    xaver.become("Xaver Roth")
    steps.gets(xaver, POWER)
    brings_into_force(xaver, number)
    finds_role(xaver, READ)
    expect(xaver.fact("Who may ask")).to_contain_text("Wanda Ilves")


def test_a_cap_is_changed_without_script(visit: Visit, orders: PostgresTarget) -> None:
    yara, zeno = visit(script=False), visit(script=False)
    yara.become("Yara Haddad")
    steps.gets(yara, POWER)
    finds_role(yara, WRITE)
    steps.acts(yara, "Change how long")
    page = yara.page
    whole = page.get_by_role("group", name="Longest with renewals")
    whole.get_by_label("Number").fill("6")
    page.get_by_label("What it changes, and why").fill("Picking goes on for a whole shift.")
    page.get_by_role("button", name="Show what would change").click()
    plan = page.get_by_role("region", name="What changes against policy")
    expect(plan).to_contain_text("the longest with renewals rises from 4 hours to 6 hours")

    document = page.get_by_label("Policy document")
    text = document.input_value()
    document.fill(text.replace("database: orders", "databse: orders", 1))
    with yara.refused(422):
        page.get_by_role("button", name="Check").click()
        wrong = page.get_by_role("region", name="1 problem in the document")
        expect(wrong).to_contain_text("unknown setting “databse”")
    line = wrong.get_by_role("link", name=re.compile("Line"))
    line.click()
    expect(page.locator(".gutter .wrong")).to_have_text(line.inner_text().removeprefix("Line "))
    expect(page.locator(".gutter .wrong")).to_be_in_viewport()
    expect(document).to_have_value(re.compile("databse"))
    document.fill(text)
    page.get_by_role("button", name="Check").click()
    page.get_by_role("button", name="Propose this change").click()
    number = proposed(yara)

    zeno.become("Zeno Marti")
    steps.gets(zeno, POWER)
    brings_into_force(zeno, number)
    finds_role(zeno, WRITE)
    expect(zeno.fact("With renewals at most")).to_have_text("6 hours")


def finds_role(editor: Visitor, role: str) -> None:
    page = editor.page
    page.goto("/")
    page.get_by_role("navigation", name="More").get_by_role("link", name="Roles").click()
    page.get_by_label("Find a role").fill(role)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("main").get_by_role("link", name=role, exact=True).first.click()
    editor.sees_title(role)


def proposed(editor: Visitor) -> str:
    """The number of the version that the page says is proposed; its proposer doesn't approve it."""
    editor.is_told("is proposed. Now a second person has to approve.")
    expect(editor.page.get_by_role("main")).to_contain_text("A second person has to approve it.")
    return editor.page.get_by_role("heading", level=1).inner_text().removeprefix("Policy ")


def brings_into_force(editor: Visitor, number: str) -> None:
    page = editor.page
    page.goto("/policy/")
    page.get_by_role("link", name=f"Policy {number}", exact=True).click()
    page.get_by_role("button", name=f"Approve policy {number}").click()
    editor.is_told(f"Policy {number} is approved.")
    page.get_by_role("button", name=f"Bring policy {number} into force").click()
    editor.is_told(f"Policy {number} is in force.")

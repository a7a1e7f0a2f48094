"""Break-glass in a browser: from a request that waits to a session, and to the end that cuts it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.connectors.postgres_target import PostgresTarget, is_cut, reads
from tests.journeys import steps
from tests.journeys.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

READ = "Read orders in production"
ACCOUNT = "Emergency account of the orders"
BROKEN = "Nobody can sign in, and the orders stand still."


def test_from_a_request_that_waits_to_an_end_by_somebody_else(visit: Visit, orders: PostgresTarget) -> None:
    enno, mia, ruth = visit(), visit(), visit()
    enno.become("Enno Falk")
    steps.asks(enno, READ, ticket="CHG-2001")
    asked = enno.page.url
    enno.page.get_by_role("link", name="the emergency form").click()
    enno.sees_title("Activate emergency access")
    page = enno.page
    expect(page.get_by_label("What is broken?")).to_have_value(steps.WHY)
    with enno.refused(422):
        page.get_by_role("button", name="Activate emergency access").click()
        expect(page.get_by_role("alert")).to_contain_text("Choose the criterion that holds.")
    page.get_by_role("radio", name="Outage").check()
    page.get_by_label("What is broken?").fill(BROKEN)
    page.get_by_label("What do you expect to do?").fill("Look which orders stand still, and free them.")
    page.get_by_role("button", name="Activate emergency access").click()
    enno.sees_title(ACCOUNT)
    enno.awaits(page.get_by_text("psql"))
    activation = page.url
    login = page.locator("header .mono").inner_text()
    assert "_emergency_orders_" in login

    page.get_by_role("link", name="Show the password").click()
    page.get_by_role("button", name="Set a password and show it once").click()
    password = page.locator(".secret pre, .secret code").first.inner_text().strip()
    session = orders.session(login, password=password)
    session.execute('SET ROLE "orders_rescue"')
    assert reads(session, "orders_rescue")
    page.goto(asked)
    expect(page.locator("main")).to_contain_text("Withdrawn")

    mia.become("Mia Lindqvist")
    expect(mia.page.get_by_role("region", name="Emergency")).to_contain_text("Enno Falk")
    mia.page.goto(activation)
    mia.page.get_by_role("link", name="Acknowledge the alert").click()
    mia.page.get_by_role("button", name="Acknowledge the alert").click()
    mia.is_told("Acknowledged.")
    expect(mia.page.locator("main")).to_contain_text(re.compile(r"acknowledged after [\d.]+ second"))
    expect(mia.page.get_by_role("link", name="End it")).to_have_count(1)  # the responder's manager revokes

    ruth.become("Ruth Abernathy")
    ruth.page.goto(activation)
    ruth.page.get_by_role("link", name="End it").click()
    ruth.page.get_by_label("Reason").fill("The provider is back.")
    ruth.page.get_by_role("button", name=f"End {ACCOUNT}").click()
    ruth.is_told(f"{ACCOUNT} is ended.")
    ruth.awaits(ruth.page.get_by_text(steps.VERIFIED))
    assert is_cut(session)
    page.goto(activation)
    expect(page.locator("main")).to_contain_text("The provider is back.")
    expect(page.get_by_role("link", name="Write your statement")).to_be_visible()
    expect(page.get_by_role("region", name="Emergency")).to_have_count(0)


def test_nobody_else_finds_the_form(visit: Visit) -> None:
    ada = visit(script=False)
    ada.become("Ada Moreau")
    ada.page.get_by_role("link", name="Emergency", exact=True).click()
    ada.sees_title("Emergency")
    expect(ada.page.get_by_role("link", name="Do I need it?")).to_have_count(0)
    with ada.refused(403):
        ada.page.goto("/emergency/activate/")
        expect(ada.page.locator("main")).to_contain_text("doesn't name you among those")

"""Other ways to begin: by one's own click, going on from a grant, and with a login made for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from playwright.sync_api import expect

from tests.connectors.postgres_target import PostgresTarget, reads
from tests.journeys import steps
from tests.journeys.conftest import Visit
from tests.journeys.portal import RunningPortal

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

READ = "Read orders in production"
ADMINISTER = "Administer the orders database"


def test_the_holder_starts_it_by_a_click(visit: Visit, orders: PostgresTarget) -> None:
    finn, mia = visit(), visit()
    finn.become("Finn Aalto")
    steps.asks(finn, READ, send=False)
    finn.page.get_by_label("When I click, within a window").check()
    until = datetime.now(UTC) + timedelta(hours=2)
    finn.page.get_by_label("Until").fill(f"{until:%Y-%m-%dT%H:%M}")
    steps.sends(finn, READ)
    mia.become("Mia Lindqvist")
    steps.approves(mia, "Finn Aalto", READ)
    finn.page.goto("/")
    ready = finn.page.get_by_role("region", name="Ready to start")
    expect(ready).to_contain_text("The clock runs from your click")
    assert not orders.is_member("finn", "orders_ro")
    ready.get_by_role("link", name="Start now").click()
    finn.page.get_by_role("button", name="Start 30 minutes now").click()
    finn.is_told(f"{READ} has started.")
    steps.sees_live(finn, READ)
    assert reads(orders.session("finn"), "orders_ro")


def test_a_renewal_is_asked_for_and_follows_without_a_gap(visit: Visit, orders: PostgresTarget) -> None:
    """On the pages alone: tests/proofs/test_removal_lag.py lets both ends pass."""
    esra, mia = visit(), visit()
    esra.become("Esra Yildiz")
    mia.become("Mia Lindqvist")
    steps.asks(esra, READ)
    steps.approves(mia, "Esra Yildiz", READ)
    steps.sees_live(esra, READ)
    steps.opens_grant(esra, READ)
    first, ends = esra.page.url, esra.moment("Ends")
    steps.acts(esra, "Renew")
    expect(esra.page.get_by_role("region", name="What you said before")).to_contain_text(steps.WHY)
    esra.page.get_by_label("Number").fill("10")
    esra.page.get_by_label("Unit").select_option("minutes")
    esra.page.get_by_label("Why you need to go on").fill("The export takes longer than I thought.")
    esra.page.get_by_role("button", name="Ask to go on").click()
    expect(esra.page.get_by_role("main")).to_contain_text("The export takes longer than I thought.")
    steps.approves(mia, "Esra Yildiz", READ)
    esra.page.goto(first)
    esra.fact("Renewed by").get_by_role("link").click()
    assert esra.moment("Planned start") == ends
    # Revoking the first ends the renewal with it.
    mia.page.goto(first)
    steps.acts(mia, "Revoke")
    mia.page.get_by_label("Reason").fill("Enough for today.")
    mia.page.get_by_role("button", name=f"Revoke {READ} of Esra Yildiz").click()
    steps.sees_removed(mia, "Revoked")
    esra.page.reload()
    expect(esra.page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert not orders.is_member("esra", "orders_ro")


def test_a_login_is_made_and_its_password_shown_once(
    visit: Visit, orders: PostgresTarget, portal: RunningPortal
) -> None:
    jun = visit()
    jun.become("Jun Tanaka")
    steps.gets(jun, ADMINISTER)
    steps.acts(jun, "Show the password")
    jun.page.get_by_role("button", name="Set a password and show it once").click()
    login = jun.fact("Login").locator("pre").inner_text()
    password = jun.fact("Password").locator("pre").inner_text()
    session = orders.session(login, password=password)
    assert reads(session, "orders_admin")
    jun.page.get_by_role("link", name="I have copied it").click()
    for address in (jun.page.url, "/", f"{jun.page.url}reveal/"):
        jun.page.goto(address)
        assert password not in jun.page.content()
    assert password not in portal.log_text()
    jun.page.goto("/")
    steps.opens_grant(jun, ADMINISTER)
    steps.hands_back(jun, ADMINISTER)
    steps.sees_removed(jun, "Handed back")
    with pytest.raises(psycopg.OperationalError):
        orders.connect(login, password=password)
    assert orders.value("SELECT count(*) FROM pg_roles WHERE rolname = %s", login) == 0

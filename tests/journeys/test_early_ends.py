"""Access that ends before its time: handed back by its holder, revoked by their manager."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.connectors.postgres_target import PostgresTarget, is_cut, reads, wait_until
from tests.journeys import steps
from tests.journeys.browsing import PATIENCE
from tests.journeys.conftest import Visit

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]


def test_the_holder_hands_it_back(visit: Visit, orders: PostgresTarget) -> None:
    cleo = visit()
    cleo.become("Cleo Haddad")
    steps.gets(cleo, "Change orders in production")
    session = orders.session("cleo", role="orders_rw")
    assert reads(session, "orders_rw")
    banner = cleo.page.get_by_role("region", name="Elevated now")
    expect(banner).to_contain_text("You are elevated: Change orders in production")
    steps.hands_back(cleo, "Change orders in production", "Two rows, corrected.")
    steps.sees_removed(cleo, "Handed back")
    assert is_cut(session)
    assert not orders.is_member("cleo", "orders_rw")
    expect(banner).to_be_hidden()
    ended = cleo.page.get_by_role("region", name="Why it ended")
    expect(ended).to_contain_text("Cleo Haddad handed it back.")
    expect(ended).to_contain_text("Two rows, corrected.")


def test_the_manager_revokes_it(visit: Visit, orders: PostgresTarget) -> None:
    dov, mia = visit(), visit()
    dov.become("Dov Petrov")
    steps.asks(dov, "Read orders in production")
    mia.become("Mia Lindqvist")
    steps.approves(mia, "Dov Petrov", "Read orders in production")
    steps.sees_live(dov, "Read orders in production")
    session = orders.session("dov", role="orders_ro")
    steps.acts(mia, "The request")
    steps.acts(mia, "The grant")
    steps.acts(mia, "Revoke")
    with mia.refused(422):
        mia.page.get_by_role("button", name="Revoke Read orders in production of Dov Petrov").click()
        expect(mia.page.get_by_role("alert")).to_contain_text("Say why.")
    mia.page.get_by_label("Reason").fill("The incident is over.")
    mia.page.get_by_role("button", name="Revoke Read orders in production of Dov Petrov").click()
    mia.is_told("Read orders in production of Dov Petrov is revoked.")
    wait_until(lambda: is_cut(session), PATIENCE)
    steps.sees_removed(mia, "Revoked")
    dov.page.goto("/")
    dov.page.get_by_role("region", name="History").get_by_role("link", name=re.compile("^Read")).click()
    ended = dov.page.get_by_role("region", name="Why it ended")
    expect(ended).to_contain_text("Mia Lindqvist revoked it.")
    expect(ended).to_contain_text("The incident is over.")

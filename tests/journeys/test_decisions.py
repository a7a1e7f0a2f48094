"""What else can become of a request: denied, sent back, withdrawn, decided in two stages."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.connectors.postgres_target import PostgresTarget, reads
from tests.journeys import steps
from tests.journeys.conftest import Visit

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.proof, pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

READ = "Read orders in production"
MIGRATE = "Migrate the orders database"


def test_a_request_is_denied_with_the_reason(visit: Visit, orders: PostgresTarget) -> None:
    ben, mia = visit(), visit()
    ben.become("Ben Sato")
    steps.asks(ben, READ)
    mia.become("Mia Lindqvist")
    steps.opens_in_queue(mia, "Ben Sato", READ)
    mia.page.get_by_role("link", name="Deny").click()
    with mia.refused(422):
        mia.page.get_by_role("button", name="Deny Ben Sato").click()
        expect(mia.page.get_by_role("alert")).to_contain_text("Say why")
    mia.page.get_by_label("Why is it denied?").fill("Use the replica for this.")
    mia.page.get_by_role("button", name="Deny Ben Sato").click()
    mia.is_told("Denied. Ben Sato is told, with your reason.")
    ben.page.reload()
    expect(ben.page.get_by_text("Denied", exact=True)).to_be_visible()
    expect(ben.page.get_by_role("region", name="What happened")).to_contain_text("Use the replica for this.")
    assert not orders.is_member("ben", "orders_ro")
    steps.acts(ben, "Ask again")
    expect(ben.page.get_by_text("Filled in from your earlier request.")).to_be_visible()


def test_a_request_is_sent_back_and_mended_and_approved(visit: Visit, orders: PostgresTarget) -> None:
    ines, mia = visit(), visit()
    ines.become("Inês Duarte")
    steps.asks(ines, READ, minutes=60)
    mia.become("Mia Lindqvist")
    steps.opens_in_queue(mia, "Inês Duarte", READ)
    mia.page.get_by_role("link", name="Send back").click()
    mia.page.get_by_label("What should the requester change, or explain?").fill(
        "Name the incident, and take less time."
    )
    mia.page.get_by_role("button", name="Send it back").click()
    mia.is_told("Sent back. Inês Duarte is told, with your reason.")
    page = ines.page
    page.goto("/")
    expect(page.get_by_role("region", name="Waiting")).to_contain_text("Sent back")
    page.get_by_role("region", name="Waiting").get_by_role("link", name=READ).click()
    expect(page.get_by_text("Name the incident, and take less time.")).to_be_visible()
    steps.acts(ines, "Change and send again")
    expect(page.get_by_label("Why you need it")).to_have_value(steps.WHY)
    page.get_by_label("Number").fill("20")
    page.get_by_label("Unit").select_option("minutes")
    page.get_by_label("Change ticket").fill("INC-2044")
    page.get_by_role("button", name="Send revision 2").click()
    ines.is_told("Your request is changed.")
    revisions = page.get_by_role("region", name="Revisions")
    expect(revisions).to_contain_text("INC-2044")
    steps.approves(mia, "Inês Duarte", READ)
    mia.is_told("Approved for 20 minutes.")
    steps.sees_live(ines, READ)
    assert reads(orders.session("ines"), "orders_ro")


def test_a_request_is_withdrawn(visit: Visit) -> None:
    hugo, mia = visit(), visit()
    hugo.become("Hugo Becker")
    steps.asks(hugo, READ)
    steps.acts(hugo, "Withdraw")
    hugo.page.get_by_label("Reason").fill("It has solved itself.")
    hugo.page.get_by_role("button", name=f"Withdraw the request for {READ}").click()
    hugo.is_told(f"Your request for {READ} is withdrawn.")
    expect(hugo.page.get_by_role("region", name="What happened")).to_contain_text("It has solved itself.")
    mia.become("Mia Lindqvist")
    mia.page.goto("/queue/")
    expect(mia.page.get_by_role("main")).not_to_contain_text("Hugo Becker")


def test_temporary_access_passes_two_stages_and_is_reviewed(visit: Visit, orders: PostgresTarget) -> None:
    gia, mia, dana = visit(), visit(), visit()
    gia.become("Gia Romano")
    steps.asks(gia, MIGRATE, ticket="CHG-2001", minutes=600)
    mia.become("Mia Lindqvist")
    dana.become("Dana Okafor")
    dana.page.goto("/queue/")
    expect(dana.page.get_by_role("main")).not_to_contain_text("Gia Romano")
    steps.approves(mia, "Gia Romano", MIGRATE, told="Your approval for 10 hours is counted.")
    assert not orders.is_member("gia", "orders_ddl")
    steps.approves(dana, "Gia Romano", MIGRATE, told="Approved for 10 hours.")
    steps.sees_live(gia, MIGRATE)
    assert reads(orders.session("gia"), "orders_ddl")
    steps.opens_grant(gia, MIGRATE)
    steps.hands_back(gia, MIGRATE, "Done sooner than planned.")
    steps.sees_removed(gia, "Handed back")

    # It is a role of high risk: the holder says what was done, and somebody else reads it.
    gia.page.get_by_role("link", name="Reviews").click()
    gia.page.get_by_role("link", name="Say what was done").click()
    gia.page.get_by_label("What did you do, and with what result?").fill("Added the column; all rows filled.")
    gia.page.get_by_role("button", name="Hand in the statement").click()
    expect(gia.page.get_by_role("main")).to_contain_text("Added the column; all rows filled.")
    dana.page.get_by_role("link", name="Reviews").click()
    dana.page.get_by_role("link", name="Read and decide").click()
    dana.page.get_by_label("What do you find?").fill("As asked for.")
    dana.page.get_by_role("button", name="Close the review").click()
    expect(dana.page.get_by_text("Closed", exact=True)).to_be_visible()

"""The main journey: from a request to a right on the server, and to its verified removal."""

from __future__ import annotations

import os
import re
import subprocess
import time

import pytest
from playwright.sync_api import expect

from jitportal.management.postgres_binaries import needed_binaries
from tests.connectors.postgres_target import (
    PASSWORD,
    PostgresTarget,
    StubbornClient,
    is_cut,
    now,
    reads,
)
from tests.journeys import steps
from tests.journeys.browsing import PATIENCE
from tests.journeys.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

ROLE = "Read orders in production"
#: In seconds, looser than what is promised (one second to gain, two to lose): a busy machine is no
#: failure of the journey. tests/proofs holds the portal to the promise.
GAINED, LOST = 15.0, 15.0


def test_from_a_request_to_its_verified_removal(visit: Visit, orders: PostgresTarget) -> None:
    ada, mia = visit(), visit()
    session = orders.session("ada")

    ada.sign_in("ada")
    expect(ada.page.get_by_text("Nothing is elevated right now. That is the goal.")).to_be_visible()
    steps.asks(ada, ROLE, minutes=30, ticket="INC-1042", send=False)
    outlook = ada.page.get_by_role("region", name="What will happen")
    expect(outlook).to_contain_text("Mia Lindqvist decides.")
    expect(outlook).to_contain_text("for 30 minutes")
    steps.sends(ada, ROLE)
    expect(ada.page.locator("main")).to_contain_text("Ada Moreau asks for 30 minutes")

    mia.sign_in("mia")
    steps.opens_in_queue(mia, "Ada Moreau", ROLE)
    panel = mia.page.get_by_role("complementary", name="The request you chose")
    expect(panel).to_contain_text(steps.WHY)
    expect(panel).to_contain_text("INC-1042")
    assert not reads(session, "orders_ro")
    steps.approves(mia, "Ada Moreau", ROLE, minutes=1)
    approved = time.monotonic()
    mia.is_told("Approved for 1 minute. Ada Moreau is told.")

    # Her own login has the right now, in the session that was open and by the portal's instructions.
    while not reads(session, "orders_ro"):
        assert time.monotonic() - approved < GAINED, "Her login did not gain the right."
        time.sleep(0.02)
    steps.sees_live(ada, ROLE)
    assert "42" in connected_as_told(ada.page.locator("pre").inner_text())
    steps.opens_grant(ada, ROLE)
    ends = ada.moment("Ends")
    before = orders.session("ada", role="orders_ro")

    with StubbornClient(orders, "ada", "orders_ro", threads=2).at_work() as client:
        while now() < ends:
            assert reads(before, "orders_ro") or now() >= ends, "Her right ended before its time."
            time.sleep(0.2)
        ada.reload_until(lambda: ada.page.get_by_text("Expired", exact=True))
    assert is_cut(before)
    assert client.last_read is not None
    assert (client.last_read - ends).total_seconds() < LOST
    assert not orders.is_member("ada", "orders_ro")

    expect(ada.fact("Verified absent")).to_contain_text(re.compile(r"\d.* after its end"))
    assert (ada.moment("Verified absent") - ends).total_seconds() < LOST
    ada.page.get_by_role("main").get_by_role("link", name="request").click()
    story = ada.page.get_by_role("region", name="What happened")
    expect(story).to_contain_text(
        "Ada Moreau asked for Read orders in production (All of Orders database) for 30 minutes."
    )
    expect(story).to_contain_text(re.compile(r"was removed, and verified absent \d+\.\d s after its end\."))
    ada.page.goto("/")
    expect(ada.page.get_by_text("Nothing is elevated right now. That is the goal.")).to_be_visible()


def connected_as_told(instructions: str) -> str:
    """Run the lines that the page gives to copy, as she would; what psql printed."""
    command, _, statements = instructions.partition("\n")
    assert command.startswith("psql ")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} --no-psqlrc --tuples-only"],
        input=f"{statements}\nSELECT answer FROM data_orders_ro;\n",
        env={"PATH": f"{needed_binaries()}:{os.environ['PATH']}", "PGPASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

"""The auditor's way: to the power, through the record to a difference, and away with a file of what was found."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.connectors.postgres_target import PostgresTarget
from tests.journeys import steps
from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Visit

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

AUDIT = "Audit this portal"


@pytest.mark.parametrize(
    ("who", "script"),
    [
        pytest.param("Aiko Tanaka", True, id="script"),
        pytest.param("Lior Adler", False, id="no-script", marks=pytest.mark.proof),
    ],
)
def test_an_auditor_searches_opens_a_difference_and_exports(
    visit: Visit, orders: PostgresTarget, who: str, script: bool
) -> None:
    auditor, ruth = visit(script=script), visit(script=script)
    page = auditor.page
    auditor.become(who)
    expect(page.get_by_role("link", name="Record", exact=True)).to_have_count(0)
    steps.asks(auditor, AUDIT)
    ruth.become("Ruth Abernathy")
    ruth.page.goto(page.url)
    steps.acts(ruth, "Approve")
    ruth.page.get_by_role("button", name="Approve").click()
    ruth.is_told("Approved for 30 minutes.")
    steps.sees_live(auditor, AUDIT)

    page.get_by_role("navigation", name="More").get_by_role("link", name="Record", exact=True).click()
    auditor.sees_title("Record")
    page.get_by_label("Words", exact=True).fill("asked audit")
    page.get_by_label("Person", exact=True).fill(who)
    page.get_by_label("Kind", exact=True).fill("request")
    page.get_by_label("When", exact=True).select_option("The last hour")
    page.get_by_role("button", name="Search the record").click()
    rows = page.locator("ol.record > li")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(f"{who} asked for {AUDIT}")

    # A chip is a filter in the address, and a click takes it away.
    chips = page.get_by_role("list", name="Filters that are on")
    expect(chips.get_by_role("listitem")).to_have_count(5)
    chips.get_by_role("link", name=re.compile("^Words: asked audit")).click()
    expect(rows.nth(1)).to_be_visible()
    assert "words=" not in page.url
    assert "verb=request" in page.url
    expect(page.get_by_label("Words", exact=True)).to_have_value("")
    approved = rows.filter(has_text="Ruth Abernathy approved")
    sentences = page.locator(".event-sentence").all_inner_texts()

    opens_difference(auditor, approved, script=script)
    found = exported(auditor)
    assert [row["sentence"] for row in found] == sentences
    assert {row["actor"] for row in found} == {who, "Ruth Abernathy"}

    page.get_by_label("Kind", exact=True).fill("record.exported")
    page.get_by_role("button", name="Search the record").click()
    told = page.locator("ol.record > li")
    expect(told).to_have_count(2)
    expect(told.last).to_contain_text(
        f"{who} exported {len(found)} events as CSV with person {who}; kind request"
    )

    page.get_by_role("navigation", name="More").get_by_role("link", name="Overview").click()
    auditor.sees_title("Overview")
    roles = page.get_by_role("region", name="Roles that are asked for most")
    expect(roles.get_by_role("img")).to_be_visible()
    roles.locator("summary").click()
    expect(roles.get_by_role("row").filter(has_text=AUDIT)).to_be_visible()
    decided = page.get_by_role("region", name="Decisions a day")
    decided.get_by_text("The numbers, day by day").click()
    expect(decided.get_by_role("columnheader", name="Approved", exact=True)).to_be_visible()


def opens_difference(auditor: Visitor, row: Locator, *, script: bool) -> None:
    """In place where script runs; else on the event's own page, and back."""
    page = auditor.page
    row.get_by_text("What changed").click()
    if script:
        difference = row.get_by_role("table").first
        expect(difference).to_be_visible()
        expect(row).to_contain_text("Verdict")
        return
    row.get_by_role("link", name="Open this event").click()
    auditor.sees_title("Ruth Abernathy approved")
    expect(page.get_by_role("main")).to_contain_text("Verdict")
    page.go_back()


def exported(auditor: Visitor) -> list[dict[str, str]]:
    """The search as CSV and as JSON, which agree; the rows of the first."""
    texts = {}
    for kind in ("CSV", "JSON"):
        with auditor.page.expect_download() as download:
            auditor.page.get_by_role("button", name=f"Export as {kind}").click()
        assert re.fullmatch(
            rf"jitportal-record-\d{{8}}T\d{{6}}Z\.{kind.lower()}", download.value.suggested_filename
        )
        texts[kind] = download.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(texts["CSV"], newline="")))
    assert [int(row["id"]) for row in rows] == [event["id"] for event in json.loads(texts["JSON"])["events"]]
    return rows

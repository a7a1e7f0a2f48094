"""After an emergency, in a browser: the statement, somebody else's determination, rotation and sign-off."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jitportal.evidence import verify
from tests.connectors.postgres_target import PostgresTarget
from tests.journeys import steps
from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

ACCOUNT = "Emergency account of the orders"
DONE = "Freed the orders that stood still."
CHOSEN = {
    "What was it?": "An actual emergency",
    "Was the criterion met?": "Yes",
    "Scope and duration were": "Right",
    "Could just-in-time access have served?": "No",
    "The recording is": "Has a gap, accepted for a reason",
}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(True, id="with script"),
        pytest.param(False, id="without script", marks=pytest.mark.proof),
    ],
)
def test_a_use_is_explained_judged_and_closed(
    script: bool, visit: Visit, orders: PostgresTarget, tmp_path: Path
) -> None:
    rhea, mia = visit(script=script), visit(script=script)
    rhea.become("Rhea Lund")
    _uses_break_glass(rhea)
    rhea.page.goto("/")
    owed = rhea.page.get_by_role("region", name="You owe a statement")
    owed.get_by_role("link", name=ACCOUNT).first.click()
    review = rhea.page.url
    _states(rhea, script=script)

    mia.become("Mia Lindqvist")
    mia.page.goto("/emergency/reviews/")
    mia.page.get_by_role("link", name=f": {ACCOUNT}").first.click()
    assert mia.page.url == review
    _determines(mia)
    _puts_right(mia.page)
    mia.is_told("What was put right is kept.")
    mia.page.get_by_role("button", name="Sign the review").click()
    mia.is_told("Signed. The review is closed.")

    with mia.page.expect_download() as taken:
        mia.page.get_by_role("button", name="Take the evidence out").click()
    file = tmp_path / "evidence.zip"
    taken.value.save_as(file)
    assert verify.problems(file.read_bytes()) == []
    rhea.page.goto(review)
    expect(rhea.page.locator("main")).to_contain_text("was made for this activation alone")
    expect(rhea.page.locator("main textarea")).to_have_count(0)


def _uses_break_glass(rhea: Visitor) -> None:
    page = rhea.page
    page.goto("/emergency/activate/")
    page.get_by_role("radio", name="Outage").check()
    page.get_by_label("What is broken?").fill("Nobody can sign in, and the orders stand still.")
    page.get_by_label("What do you expect to do?").fill("Look which orders stand still, and free them.")
    page.get_by_role("button", name="Activate emergency access").click()
    rhea.sees_title(ACCOUNT)
    rhea.awaits(page.get_by_text("psql"))
    activation = page.url
    page.locator("main").get_by_role("link", name="Hand back").click()
    page.get_by_role("button", name=f"Hand {ACCOUNT} back").click()
    rhea.is_told(f"You have handed {ACCOUNT} back.")
    page.goto(activation)
    rhea.awaits(page.get_by_text(steps.VERIFIED))


def _states(rhea: Visitor, *, script: bool) -> None:
    """What is typed is kept, by itself or by the button; what is missing is said beside its field."""
    page = rhea.page
    page.get_by_label("What was done, and with what result?").fill(DONE)
    if script:
        expect(page.locator("#saved-state")).to_contain_text("Draft saved")
    else:
        page.get_by_role("button", name="Save draft").click()
        rhea.is_told("Your draft is saved.")
    page.reload()
    expect(page.get_by_label("What was done, and with what result?")).to_have_value(DONE)
    with rhea.refused(422):
        page.get_by_role("button", name="Hand in the statement").click()
        expect(page.get_by_role("alert")).to_contain_text("Say what was broken.")
    for box in page.locator("#statement textarea").all():
        if not box.input_value():
            box.fill("None.")
    page.get_by_role("button", name="Hand in the statement").click()
    rhea.is_told("Your statement is handed in.")


def _determines(mia: Visitor) -> None:
    page = mia.page
    for question, answer in CHOSEN.items():
        asked = page.get_by_role("group", name=question)
        asked.get_by_role("radio", name=answer, exact=True).check()
    page.get_by_label("Why is the gap acceptable?").fill("The server's own log was read.")
    page.get_by_label("What do you find?").fill("As declared.")
    page.get_by_role("button", name=f"Rotate the credential of {ACCOUNT}").click()
    mia.is_told("The credential is gone, as its target says.")
    expect(page.get_by_label("What do you find?")).to_have_value("As declared.")  # kept, though never saved
    page.get_by_role("button", name="Keep the determination").click()
    mia.is_told("Your determination is kept.")


def _puts_right(page: Page) -> None:
    page.get_by_label("How do you know that no emergency session is left?").fill("The target shows none.")
    page.get_by_label("How were improper changes reverted?").fill("Nothing was changed.")
    page.get_by_role("group", name="What follows for the person?").get_by_label("Nothing").check()
    page.get_by_role("group", name="What follows for how access is modelled?").get_by_label("Nothing").check()
    page.get_by_role("group", name="Does this have to be reported?").get_by_label("No", exact=True).check()
    page.get_by_role("button", name="Keep what was put right").click()

"""An approver's day: the queue by keyboard, others' decisions while one types, several verdicts at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import steps
from tests.journeys.browsing import Visitor
from tests.journeys.conftest import Visit

# The main journey runs on both databases; what differs between these is the pages.
pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.timeout(400)]

READ = "Read orders in production"
REASON = "Use the replica for this, please."


def asked_by(visit: Visit, *names: str) -> list[Visitor]:
    """Each of these has asked for the role, in this order."""
    visitors = []
    for name in names:
        engineer = visit()
        engineer.become(name)
        steps.asks(engineer, READ, minutes=45)
        visitors.append(engineer)
    return visitors


def shows(page: Page, name: str) -> None:
    """The pane beside the list is this person's request, and the row says that it is."""
    expect(page.get_by_role("complementary", name="The request you chose")).to_contain_text(name)
    expect(page.locator(".queue > li[aria-current]")).to_contain_text(name)


@pytest.mark.proof
def test_the_queue_by_keyboard_and_what_others_do_meanwhile(visit: Visit) -> None:
    _, quin, _ = asked_by(visit, "Pia Novak", "Quin Abara", "Rosa Keller")
    vera = visit()
    vera.become("Vera Holm")
    page, keys = vera.page, vera.page.keyboard
    page.goto("/queue/")
    shows(page, "Pia Novak")

    # explained, and nothing happens to the page behind
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys of the queue")).to_be_visible()
    keys.press("j")
    keys.press("Escape")
    expect(page.get_by_role("dialog", name="Keys of the queue")).to_be_hidden()
    shows(page, "Pia Novak")

    # moving, and selecting
    keys.press("j")
    shows(page, "Quin Abara")
    expect(page.get_by_role("link", name=f"Quin Abara · {READ}")).to_be_focused()
    keys.press("x")
    keys.press("j")
    shows(page, "Rosa Keller")
    keys.press("x")
    expect(page.get_by_text("2 selected.", exact=True)).to_be_visible()
    keys.press("k")
    shows(page, "Quin Abara")

    # a form, where letters are letters; what is typed comes back with it
    keys.press("d")
    expect(page.get_by_label("Why is it denied?")).to_be_focused()
    keys.type("Just ask: the replica holds it.")
    expect(page.get_by_label("Why is it denied?")).to_have_value("Just ask: the replica holds it.")
    keys.press("Escape")
    keys.press("k")
    shows(page, "Pia Novak")
    keys.press("j")
    shows(page, "Quin Abara")
    keys.press("d")
    expect(page.get_by_label("Why is it denied?")).to_have_value("Just ask: the replica holds it.")

    # somebody else's hand, in place
    steps.acts(quin, "Change")
    quin.page.get_by_label("Number").fill("20")
    quin.page.get_by_label("Unit").select_option("minutes")
    quin.page.get_by_role("button", name="Send revision 2").click()
    quin.is_told("Your request is changed.")
    expect(page.get_by_role("heading", name="This has changed while you look at it")).to_be_visible()
    expect(page.get_by_label("Why is it denied?")).to_have_value("Just ask: the replica holds it.")
    with vera.refused(409):
        page.get_by_role("button", name="Deny Quin Abara").click()
        expect(page.get_by_role("heading", name="What has changed since you opened the form")).to_be_visible()
    expect(page.get_by_label("Why is it denied?")).to_have_value("Just ask: the replica holds it.")
    page.get_by_role("button", name="Deny Quin Abara").click()
    vera.is_told("Denied. Quin Abara is told, with your reason.")

    # for fewer minutes, by a key and a length
    page.goto("/queue/")
    shows(page, "Pia Novak")
    keys.press("a")
    expect(page.get_by_label("Minutes")).to_be_focused()
    page.get_by_role("link", name="20 minutes").click()
    expect(page.get_by_role("button", name="Approve for 20 minutes")).to_be_visible()
    keys.press("Enter")
    vera.is_told("Approved for 20 minutes. Pia Novak is told.")
    shows(page, "Rosa Keller")
    page.get_by_role("link", name="Deny").click()
    page.get_by_label("Why is it denied?").fill(REASON)
    page.get_by_role("button", name="Deny Rosa Keller").click()
    vera.is_told("Denied. Rosa Keller is told, with your reason.")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(True, id="with script"),
        pytest.param(False, id="without script", marks=pytest.mark.proof),
    ],
)
def test_several_verdicts_are_staged_seen_and_submitted_once(visit: Visit, script: bool) -> None:
    sami, _, _ = asked_by(visit, "Sami Virtanen", "Tova Lind", "Uma Rao")
    vera = visit(script=script)
    vera.become("Vera Holm")
    page = vera.page
    page.goto("/queue/")
    for name in ("Sami Virtanen", "Tova Lind", "Uma Rao"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("button", name="Decide the selected together").click()
    vera.sees_title("Decide together")
    for name in ("Sami Virtanen", "Tova Lind", "Uma Rao"):
        page.get_by_role("region", name=name).get_by_label("Deny").check()
    with vera.refused(422):
        page.get_by_role("button", name="See them all").click()
        expect(page.get_by_role("alert")).to_contain_text("Tova Lind: Say why")
    for name in ("Sami Virtanen", "Tova Lind", "Uma Rao"):
        page.get_by_role("region", name=name).get_by_label("Reason, or a note").fill(REASON)
    page.get_by_role("button", name="See them all").click()
    vera.sees_title("Before you submit")
    expect(page.get_by_role("row")).to_have_count(4)

    # what falls meanwhile falls alone
    steps.acts(sami, "Withdraw")
    sami.page.get_by_role("button", name=f"Withdraw the request for {READ}").click()
    sami.is_told("is withdrawn.")
    page.get_by_role("button", name="Submit 3 verdicts").click()
    vera.sees_title("2 of 3 verdicts stand")
    expect(page.get_by_role("row", name="Sami Virtanen")).to_contain_text("The request is withdrawn")
    expect(page.get_by_role("row", name="Tova Lind")).to_contain_text("Denied.")
    expect(page.get_by_role("row", name="Uma Rao")).to_contain_text("Denied.")
    page.get_by_role("main").get_by_role("link", name="Your decisions").click()
    vera.sees_title("Your decisions")
    expect(page.get_by_role("row", name="The last 30 days")).to_be_visible()
    expect(page.get_by_role("link", name="Uma Rao").first).to_be_visible()


def test_without_script_filters_choice_and_form_are_addresses(visit: Visit) -> None:
    asked_by(visit, "Quin Abara", "Rosa Keller")
    vera = visit(script=False)
    vera.become("Vera Holm")
    page = vera.page
    page.goto("/queue/")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Who asks").fill("Rosa")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator(".queue > li")).to_have_count(1)
    page.get_by_role("link", name=f"Rosa Keller · {READ}").click()
    page.get_by_role("link", name="Approve").click()
    page.get_by_role("link", name="30 minutes").click()
    expect(page.get_by_label("Minutes")).to_have_value("30")
    page.get_by_role("button", name="Approve").click()
    vera.is_told("Approved for 30 minutes.")
    expect(page.get_by_text("Nothing here matches all of these.")).to_be_visible()
    page.get_by_role("link", name="Who asks: Rosa").click()
    shows(page, "Quin Abara")

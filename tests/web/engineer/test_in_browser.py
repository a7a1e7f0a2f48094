"""The engineer's pages in a real browser: what script adds, and that all works without it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from jitportal.models import AccessRequest
from tests.web.engineer import house

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(transactional_db: None, live_server: LiveServer, browser: Browser) -> Iterator[Opened]:
    """Opens a page as Ed, and fails the test if the browser has anything to complain of."""
    house.build()
    client = Client()
    client.force_login(house.person("ed"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    complaints: list[str] = []

    def open_(address: str, *, width: int = 1280, script: bool = True, zone: str = "Europe/Berlin") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
            base_url=live_server.url,
            timezone_id=zone,
        )
        context.add_cookies([cookie])  # type: ignore[list-item]  # the stub wants its own TypedDict
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if _complains(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_
    connections.close_all()  # what was opened beside Playwright's loop is closed beside it
    assert not complaints


def _complains(said: ConsoleMessage) -> bool:
    """An error, but for the status of a page that says what is wrong with a form."""
    return said.type == "error" and not re.search(r"status of (409|422)", said.text)


def test_what_will_happen_follows_what_is_typed(opened: Opened) -> None:
    page = opened("/request/jit/flash/")
    panel = page.locator("#outlook")
    expect(panel).to_contain_text("Mona Test decides.")
    page.get_by_label("Number").fill("10")
    expect(panel).to_contain_text("rule short loans matches")
    page.get_by_label("Number").fill("90")
    expect(panel).to_contain_text("lasts 1 hour at most")
    expect(page.get_by_label("Start at")).to_be_hidden()
    page.get_by_label("At a time").check()
    expect(page.get_by_label("Start at")).to_be_visible()
    expect(page.get_by_label("Until")).to_be_hidden()
    page.get_by_label("Why you need it").fill(house.WHY)
    page.get_by_role("button", name="Request JIT access").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Why you need it")).to_have_value(house.WHY)
    page.get_by_label("At once, on the last approval").check()
    page.get_by_label("Number").fill("30")
    page.get_by_role("button", name="Request JIT access").click()
    expect(page.get_by_role("status")).to_contain_text("Your request for Flash light is made.")
    expect(page.get_by_role("button", name="Show times in")).to_have_count(0)
    abroad = opened("/", zone="America/New_York")  # the browser's clock differs from the page's
    abroad.get_by_role("button", name="Show times in America/New York").click()
    expect(abroad.get_by_role("banner")).to_contain_text("Times are in America/New_York")


def test_what_was_typed_when_the_session_ended_is_there_after_signing_in_again(opened: Opened) -> None:
    page = opened("/request/jit/flash/")
    signed_in = page.context.cookies()
    page.get_by_label("Why you need it").fill(house.WHY)
    page.get_by_label("Number").fill("20")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Request JIT access").click()
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/request/jit/flash/"))
    page.context.add_cookies(signed_in)  # type: ignore[arg-type]  # the stub parts what is read and written
    page.goto("/request/jit/flash/")
    expect(page.get_by_role("status").first).to_contain_text("What you had typed is here again")
    expect(page.get_by_label("Why you need it")).to_have_value(house.WHY)
    expect(page.get_by_label("Number")).to_have_value("20")
    page.reload()  # it comes back once
    expect(page.get_by_label("Why you need it")).to_have_value("")


def test_it_all_works_without_script(opened: Opened) -> None:
    page = opened("/request/", script=False)
    page.get_by_label("What do you want to do?").fill("right cage")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Request JIT access").click()
    page.get_by_label("The right cage").check()
    page.get_by_label("When I click, within a window").check()
    page.get_by_label("Why you need it").fill(house.WHY)
    page.get_by_role("button", name="Only show what would happen").click()
    expect(page.get_by_role("alert")).to_contain_text("Say until when you may start it.")
    page.get_by_label("At once, on the last approval").check()
    page.get_by_role("button", name="Request JIT access").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Server cage, The right cage")
    page.get_by_role("link", name="Withdraw").click()
    page.get_by_role("button", name="Withdraw the request for Server cage").click()
    assert AccessRequest.objects.get().status == "withdrawn"


def test_a_countdown_ticks_and_says_the_exact_end_without_script(opened: Opened) -> None:
    house.held()
    ticking = opened("/").locator("time.countdown")
    expect(ticking).to_have_text(re.compile(r"^\d+ min \d\d s left$"))
    first = ticking.inner_text()
    expect(ticking).not_to_have_text(first)
    still = opened("/", script=False).locator("time.countdown")
    expect(still).to_have_text(re.compile(r"^until .*\d\d:\d\d CES?T$"))


def test_two_quick_clicks_ask_once(opened: Opened) -> None:
    page = opened("/request/jit/operator/")
    page.get_by_label("Why you need it").fill(house.WHY)
    page.get_by_role("button", name="Request JIT access").dblclick()
    expect(page.get_by_role("status")).to_contain_text("Your request for Operator of this portal is made.")
    assert AccessRequest.objects.count() == 1


@pytest.mark.parametrize("width", [320, pytest.param(2560, marks=pytest.mark.proof)])
def test_no_page_scrolls_sideways(opened: Opened, width: int) -> None:
    grant = house.held()
    request = house.ask(role="cage", justification="NoBreaksInThisWord" * 40)
    addresses = ["/", "/request/", "/request/jit/lift/", f"/grants/{grant.pk}/", f"/requests/{request.pk}/"]
    page = opened("/", width=width)
    for address in [*addresses, f"/grants/{grant.pk}/renew/", f"/requests/{request.pk}/edit/", "/reviews/"]:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_a_page_keeps_up_with_what_happens(opened: Opened) -> None:
    request = house.ask()
    page = opened(f"/requests/{request.pk}/")
    expect(page.locator("#live")).to_contain_text("Waiting")
    house.approve(request)
    house.work()
    expect(page.locator("#live")).to_contain_text("is live for Ed Test", timeout=15_000)
    expect(page.locator("#banners")).to_contain_text("You are elevated")
    access = opened("/")
    house.hand_back("ed")
    expect(access.locator("#live")).to_contain_text("Nothing is elevated right now.", timeout=25_000)
    expect(access.locator("#banners")).not_to_contain_text("You are elevated")


def test_a_page_that_asks_after_signing_out_leads_to_sign_in(opened: Opened) -> None:
    request = house.ask()
    page = opened(f"/requests/{request.pk}/")
    page.context.clear_cookies()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in", timeout=15_000)

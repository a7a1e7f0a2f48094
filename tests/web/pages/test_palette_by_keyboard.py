"""The command palette in a browser, by keyboard alone; and the page that it is without script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.journeys.browsing import Visitor
from tests.web.world import World, settled

pytestmark = pytest.mark.browser


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    yield settled()
    connections.close_all()  # what was opened beside Playwright's loop is closed beside it


def visits(browser: Browser, url: str, world: World, *, script: bool = True) -> Visitor:
    visitor = Visitor(browser, url, script=script)
    client = Client()
    client.force_login(world["rita"])
    name = settings.SESSION_COOKIE_NAME
    visitor.has_session(name, client.cookies[name].value)
    visitor.page.goto("/")
    return visitor


def test_by_keyboard(world: World, live_server: LiveServer, browser: Browser) -> None:
    visitor = visits(browser, live_server.url, world)
    page, keys = visitor.page, visitor.page.keyboard
    palette = page.get_by_role("dialog", name="Go to")
    page.get_by_role("link", name="Request access").focus()
    keys.press("Control+k")
    expect(palette.get_by_role("searchbox")).to_be_focused()
    expect(palette.get_by_role("link", name="Reviews")).to_be_visible()
    keys.press("Escape")
    expect(palette).to_be_hidden()
    expect(page.get_by_role("link", name="Request access")).to_be_focused()
    keys.press("/")
    keys.type("door")
    expect(palette.get_by_role("link")).to_have_count(1)
    expect(palette.get_by_role("status")).to_have_text(
        re.compile("1 found. Enter opens Request Server room door")
    )
    keys.press("ArrowDown")
    expect(palette.get_by_role("link", name="Request Server room door")).to_be_focused()
    keys.press("ArrowUp")
    expect(palette.get_by_role("searchbox")).to_be_focused()
    keys.press("Enter")
    visitor.sees_title("Server room door")
    page.goto("/roles/")
    page.locator("body").press("/")
    expect(page.get_by_role("main").get_by_role("searchbox")).to_be_focused()
    visitor.close()
    assert not visitor.complaints


def test_without_script_it_is_a_page(world: World, live_server: LiveServer, browser: Browser) -> None:
    visitor = visits(browser, live_server.url, world, script=False)
    page = visitor.page
    page.get_by_role("banner").get_by_role("link", name="Go to").click()
    visitor.sees_title("Go to")
    page.get_by_label("A page, a role, a system, or a number").fill("key cabinet")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Request Key cabinet").click()
    visitor.sees_title("Key cabinet")
    visitor.close()
    assert not visitor.complaints

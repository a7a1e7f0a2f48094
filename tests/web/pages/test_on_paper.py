"""What an auditor keeps on paper: all that was said, nothing that is to be clicked, and who saw it when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from tests.journeys.browsing import Visitor
from tests.web.world import World, small_world

pytestmark = pytest.mark.browser

#: A4 upright, in CSS pixels.
PAPER: ViewportSize = {"width": 794, "height": 1123}


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    yield small_world()
    connections.close_all()  # what was opened beside Playwright's loop is closed beside it


def test_requests_reviews_and_the_record(world: World, live_server: LiveServer, browser: Browser) -> None:
    visitor = Visitor(browser, live_server.url)
    client = Client()
    client.force_login(world["auda"])
    name = settings.SESSION_COOKIE_NAME
    visitor.has_session(name, client.cookies[name].value)
    page = visitor.page
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print", color_scheme="dark")
    things = world.things["rita"]
    for address in (f"/requests/{things.pending.pk}/", f"/grants/{things.held.pk}/", "/record/"):
        _is_for_paper(page, address)
        expect(page.get_by_role("button")).to_have_count(0)
        expect(page.get_by_role("textbox")).to_have_count(0)
    review = f"/reviews/{things.review.pk}/"
    _is_for_paper(page, review)
    folded = page.get_by_role("group").get_by_text("is live for Rita Test")
    expect(folded).to_be_visible()
    visitor.close()
    assert not visitor.complaints


def _is_for_paper(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("banner")).to_be_hidden()
    expect(page.get_by_text(f"{address}, as Auda Test saw it at")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 29, 31)"  # never light on dark

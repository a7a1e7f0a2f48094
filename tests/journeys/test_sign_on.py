"""Single sign-on in a browser, with a portal and a provider that run; and the way in while it is down."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from standardwebhooks import Webhook

from tests.journeys.portal import RunningPortal
from tests.operations.hooks import Hook, hook
from tests.provider.house import PASSWORD
from tests.provider.running import CLIENT, SECRET, RunningProvider, provider_running

pytestmark = [pytest.mark.browser, pytest.mark.proof]
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RITA = {"preferred_username": "newcomer", "name": "Nina Newcomer", "groups": ["/staff", "/engineers"]}
ALERT_SECONDS = 10.0


def at_provider(page: Page, url: str, username: str) -> None:
    """From the portal's page to the provider's own, and signed in there."""
    page.goto(f"{url}/sign-in/?next=/calendar/")
    page.get_by_role("link", name="Sign in with Example").click()
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(f"{username}-password")
    page.keyboard.press("Enter")


def alerted(siem: Hook) -> float:
    """The seconds until the worker has brought the alert."""
    began = time.monotonic()
    while not siem.calls and time.monotonic() - began < ALERT_SECONDS:
        time.sleep(0.05)
    return time.monotonic() - began


def test_in_by_the_provider_out_when_it_says_so_and_round_it_in_an_emergency(
    own_database: str, browser: Browser, tmp_path: Path
) -> None:
    portal = RunningPortal(database_url=own_database, folder=tmp_path, secrets={})
    (tmp_path / "provider").mkdir()
    back = f"{portal.url}/sign-in/provider/callback/"
    with hook() as siem, provider_running(tmp_path / "provider", back) as provider:
        portal.environment |= {
            "JITPORTAL_PUBLIC_URL": portal.url,
            "JITPORTAL_OIDC_ISSUER": provider.issuer,
            "JITPORTAL_OIDC_CLIENT_ID": CLIENT,
            "JITPORTAL_OIDC_CLIENT_SECRET": SECRET,
            "JITPORTAL_OIDC_NAME": "Example",
            "JITPORTAL_OIDC_NEEDED_GROUPS": "/staff",
            "JITPORTAL_WEBHOOKS": "siem",
            "JITPORTAL_WEBHOOK_SIEM": siem.address,
            "JITPORTAL_WEBHOOK_SIEM_SECRET": SIGNING,
            "JITPORTAL_OUTGOING_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        with portal:
            portal.manage("shell", "--no-imports", "-c", "from tests.provider import house; house.settle()")
            _by_the_provider(portal, provider, browser)
            _in_an_emergency(portal, provider, browser, siem)


def _by_the_provider(portal: RunningPortal, provider: RunningProvider, browser: Browser) -> None:
    provider.people(nina=RITA)
    context = browser.new_context()
    page = context.new_page()
    at_provider(page, portal.url, "nina")
    expect(page).to_have_url(f"{portal.url}/calendar/")
    expect(page.get_by_text("Nina Newcomer").first).to_be_visible()
    provider.people(nina={**RITA, "groups": []})
    other = browser.new_context()
    again = other.new_page()
    at_provider(again, portal.url, "nina")
    expect(again.get_by_role("heading", name="You aren\u2019t signed in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Sign in with Example")).to_be_visible()
    context.close()
    other.close()


def _in_an_emergency(portal: RunningPortal, provider: RunningProvider, browser: Browser, siem: Hook) -> None:
    provider.lie(down=503)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{portal.url}/sign-in/")
    page.get_by_role("link", name="Sign in with Example").click()
    expect(page.get_by_role("heading", name="Single sign-on doesn\u2019t work now")).to_be_visible()
    page.get_by_role("link", name="Emergency sign-in").click()
    page.get_by_label("Username").fill("erin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Erin").first).to_be_visible()
    waited = alerted(siem)
    assert siem.calls, portal.log_text()
    (call,) = siem.calls
    assert Webhook(SIGNING).verify(call.body, call.headers)["data"]["username"] == "erin"
    assert waited < ALERT_SECONDS
    context.close()

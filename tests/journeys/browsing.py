"""A person at a browser: what they see and do, and all that the browser complains of."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from tests.journeys.cast import PASSWORD

#: In seconds. Machines of continuous integration are slow: a journey waits long for what must come.
PATIENCE = 60.0
#: Chromium talks to its maker at every start unless it is told not to; root has no sandbox.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`Content security policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


class Visitor:
    """One person's browser window. ``complaints``: what no page may cause."""

    def __init__(self, browser: Browser, url: str, *, script: bool = True, still: bool = False) -> None:
        self._script, self._url = script, url
        self._context = browser.new_context(
            base_url=url,
            java_script_enabled=script,
            viewport={"width": 1280, "height": 900},
            reduced_motion="reduce" if still else "no-preference",
        )
        self._context.set_default_timeout(PATIENCE * 1000)
        self._context.add_init_script(_TELL_VIOLATIONS)
        self.page: Page = self._context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"Error in a script: {error}"))
        self.page.on("requestfailed", self._on_failed_request)
        self.page.on("response", self._on_response)

    def close(self) -> None:
        self._context.close()

    # What the browser says

    def _on_console(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(f"Console {said.type}: {said.text}")

    def _on_failed_request(self, request: Request) -> None:
        # A preview that is under way when its form is sent is given up by the browser itself.
        if "ERR_ABORTED" not in (request.failure or ""):
            self.complaints.append(f"Failed request: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"Status {response.status}: {response.request.method} {response.url}")

    @contextmanager
    def refused(self, status: int) -> Iterator[None]:
        """Inside, a page of this status is what must come: it is no complaint, and its absence is one."""
        before = len(self.complaints)
        yield
        new = self.complaints[before:]
        expected = [said for said in new if re.search(rf"(Status|status of) {status}\b", said)]
        assert expected, f"No page had the status {status}."
        self.complaints[before:] = [said for said in new if said not in expected]

    @contextmanager
    def told(self) -> Iterator[list[str]]:
        """What the browser complains of inside goes into the list, and is no complaint of the visitor's."""
        before, said = len(self.complaints), list[str]()
        yield said
        said += self.complaints[before:]
        del self.complaints[before:]

    # Who they are

    def sign_in(self, username: str) -> None:
        """With a password, in the form that every page leads to."""
        self.page.goto("/")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.sees_title("My access")

    def has_session(self, name: str, key: str) -> None:
        """Go on with the session of this key, in a cookie of this name; without one where it is empty."""
        self._context.clear_cookies()
        if key:
            self._context.add_cookies([{"name": name, "value": key, "url": self._url}])

    def become(self, name: str) -> None:
        """By a click on the demo's cast."""
        self.page.goto("/")
        self.page.get_by_role("button", name=f"Be {name}", exact=True).click()
        self.sees_title("My access")

    # What they see

    def sees_title(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(re.compile(re.escape(text)))
        self.page.wait_for_load_state()  # its scripts have run: keys do what they should

    def is_told(self, text: str) -> None:
        """The page says so after what was done."""
        expect(self.page.get_by_role("status")).to_contain_text(text)

    def fact(self, name: str) -> Locator:
        """What stands beside this name in a list of facts."""
        return self.page.locator("dt", has_text=re.compile(f"^{re.escape(name)}$")).locator("+ dd").first

    def moment(self, name: str) -> datetime:
        """A moment among the facts, to the millisecond."""
        return datetime.fromisoformat(self.fact(name).locator("time").get_attribute("datetime") or "")

    def awaits(self, shown: Locator) -> None:
        """Wait until the page shows it: by itself where script runs, else by loading it again."""
        if self._script:
            expect(shown.first).to_be_visible()
            return
        began = time.monotonic()
        while not shown.first.is_visible():
            assert time.monotonic() - began < PATIENCE, self.page.locator("main").inner_text()
            self.page.wait_for_timeout(250)
            self.page.reload()

"""Passkeys in a real browser with a virtual authenticator: added, and shown for one act each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connections
from django.test import Client, RequestFactory
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from jitportal.models import AccessRequest, Event, Person, StepUpProof
from jitportal.operations import decisions, proof_checks, proving, step_up
from jitportal.operations.passkeys import Site
from jitportal.operations.step_up import StepUpNeeded
from jitportal.rules.step_up import Act, decision_digest
from jitportal.web import step_up as portal
from tests.journeys.browsing import FLAGS
from tests.web.second_factors import App, field, words
from tests.web.world import World, ask, settled

pytestmark = pytest.mark.browser
WHY = "Looked at it, and it is needed."


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def world(transactional_db: None, settings: LazySettings) -> World:
    settings.STEP_UP = True
    return settled()


class Desk:
    """Somebody's browser, with a security key in it, and what it sent."""

    def __init__(self, browser: Browser, server: LiveServer, person: Person | None = None) -> None:
        self.context: BrowserContext = browser.new_context(base_url=server.url)
        if person is not None:
            client = Client()
            client.force_login(person)
            session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}
            self.context.add_cookies([session])  # type: ignore[list-item]  # the stub wants its TypedDict
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if "olicy" in said.text else None
        )
        self.page.on("request", self._on_request)
        self.key = self.context.new_cdp_session(self.page)
        self.key.send("WebAuthn.enable")
        self.key.send("WebAuthn.addVirtualAuthenticator", {"options": _OPTIONS})

    def _on_request(self, request: Any) -> None:
        if request.method == "POST" and request.post_data:
            said = parse_qs(request.post_data, keep_blank_values=True)
            self.sent.append({name: values[0] for name, values in said.items()})

    def add_passkey(self) -> None:
        self.page.goto("/you/factors/")
        self.page.get_by_role("link", name="Add a passkey").click()
        self.page.get_by_label("Name it").fill("blue key")
        self.page.get_by_role("button", name="Make a passkey").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")

    def approve(self, request: AccessRequest) -> None:
        """Up to the page that asks for the second factor."""
        self.page.goto(f"/requests/{request.pk}/approve/")
        self.page.get_by_label("Note for the requester").fill(WHY)
        self.page.get_by_role("button", name="Approve").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Confirm with your second factor")

    def confirm(self) -> None:
        self.page.get_by_role("button", name="Confirm with a passkey").click()


_OPTIONS = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_signs_what_is_decided_and_nothing_else(
    world: World, browser: Browser, live_server: LiveServer
) -> None:
    first, second = ask(world, "rita", "cabinet"), ask(world, "oskar", "cabinet")
    kai = Desk(browser, live_server, world["kai"])
    kai.add_passkey()
    kai.approve(first)
    kai.confirm()
    expect(kai.page.get_by_role("status")).to_contain_text("Your approval for 30 minutes is counted.")
    assert kai.complaints == []
    connections.close_all()
    approval = first.approvals.get()
    assert approval.reason == WHY
    proof = StepUpProof.objects.get(act="request.approve")
    assert (proof.method, proof.factor, proof.about["approval"]) == ("passkey", "blue key", approval.digest)
    assert Event.objects.get(verb="request.approved").data["step_up"]["proof"] == proof.pk
    _it_verifies_again(proof)
    _it_answers_nothing_else(world, kai.sent[-1], first, second, live_server)


def _it_verifies_again(proof: StepUpProof) -> None:
    """From what is stored alone; and no longer, once a letter of it is another."""
    assert proof_checks.wrong(proof) == ""
    said = StringIO()
    call_command("verify_proofs", stdout=said)
    assert "proofs verify" in said.getvalue()
    proof.about = {**proof.about, "request": 10_000}
    assert "digest" in proof_checks.wrong(proof)
    proof.digest = decision_digest("kai", Act.APPROVE, proof.about)
    assert "another challenge" in proof_checks.wrong(proof)
    proof.refresh_from_db()
    flipped = "A" if proof.signature[20] != "A" else "B"
    proof.signature = proof.signature[:20] + flipped + proof.signature[21:]
    assert proof_checks.wrong(proof) in (
        "The signature isn't that of its key.",
        "What the passkey signed can't be read.",
    )


def _it_answers_nothing_else(
    world: World, sent: dict[str, str], first: AccessRequest, second: AccessRequest, server: LiveServer
) -> None:
    """What the browser sent, sent again: for the same, for another decision, and by somebody else."""
    host = server.url.removeprefix("http://")
    kai, mona = Client(headers={"Host": host}), Client(headers={"Host": host})
    kai.force_login(world["kai"])
    mona.force_login(world["mona"])
    address = reverse("decide_approve", args=[second.pk])
    said = {"digest": decisions.seen_digest(second), "reason": WHY, "minutes": "30"}
    again = kai.post(address, {**said, **{name: sent[name] for name in ("step_up_token", "step_up_passkey")}})
    assert again.status_code == 422
    assert "This confirmation has been used already" in words(again)
    token = field(kai.post(address, said), "step_up_token")
    other = kai.post(address, {**said, "step_up_token": token, "step_up_passkey": sent["step_up_passkey"]})
    assert other.status_code == 422
    assert "That passkey&#x27;s answer isn&#x27;t for this" in words(other)
    App(world["mona"])
    first.refresh_from_db()
    address = reverse("decide_approve", args=[first.pk])
    said = {"digest": decisions.seen_digest(first), "reason": WHY, "minutes": "30"}
    token = field(mona.post(address, said), "step_up_token")
    theirs = mona.post(address, {**said, "step_up_token": token, "step_up_passkey": sent["step_up_passkey"]})
    assert theirs.status_code == 422
    assert second.approvals.count() == 0
    assert first.approvals.count() == 1


def test_a_passkey_signs_in_after_the_password(
    world: World, browser: Browser, live_server: LiveServer
) -> None:
    kai = Desk(browser, live_server, world["kai"])
    kai.add_passkey()
    connections.close_all()
    person = world["kai"]
    person.set_password("correct horse battery staple")
    person.save()
    kai.page.goto("/sign-in/")
    kai.page.get_by_label("Username").fill("kai")
    kai.page.get_by_label("Password").fill("correct horse battery staple")
    kai.page.get_by_role("button", name="Sign in").click()
    expect(kai.page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    kai.confirm()
    expect(kai.page.get_by_role("heading", level=1)).to_have_text("My access")
    kai.page.goto("/you/factors/")
    expect(kai.page.get_by_role("listitem").filter(has_text="Passkey: blue key")).to_contain_text("Last used")
    kai.page.get_by_role("button", name="Remove Passkey: blue key").click()
    expect(kai.page.get_by_text("Remove passkey blue key.")).to_be_visible()
    kai.confirm()
    expect(kai.page.get_by_role("status")).to_contain_text("Removed: passkey blue key.")
    expect(kai.page.get_by_text("You have none.")).to_be_visible()
    assert kai.complaints == []
    connections.close_all()
    assert list(StepUpProof.objects.order_by("pk").values_list("act", flat=True)) == [
        "sign_in",
        "factors.change",
    ]
    assert list(proof_checks.all_wrong()) == []  # the passkey is gone, and its proofs still verify


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"id": "x"}',
        json.dumps({"id": "AA", "rawId": "AA", "response": {}}),
        "9" * 70_000,
    ],
)
def test_what_is_no_answer_is_refused_in_words(answer: str) -> None:
    world = settled()
    asked = step_up.ask(world["kai"], Act.SIGN_IN, {}, "Sign in.")
    site = Site("localhost", "http://localhost")
    with pytest.raises(StepUpNeeded, match="isn't for this"):
        proving.prove_by_passkey(actor=world["kai"], asked=asked, answer=answer, site=site)


@pytest.mark.parametrize(
    ("asked_by", "public", "host", "origin", "takes"),
    [
        ("localhost:8000", "", "localhost", "http://localhost:8000", True),
        ("127.0.0.1:8000", "", "127.0.0.1", "http://127.0.0.1:8000", False),
        ("[::1]:8000", "", "::1", "http://[::1]:8000", False),
        (
            "inner.example",
            "https://portal.example:443/access",
            "portal.example",
            "https://portal.example",
            True,
        ),
        (
            "inner.example",
            "https://Portal.example:8443",
            "portal.example",
            "https://portal.example:8443",
            True,
        ),
    ],
)
def test_passkeys_belong_to_the_portals_own_name(
    asked_by: str, public: str, host: str, origin: str, takes: bool, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.PRODUCTION, settings.PUBLIC_URL = bool(public), public
    site = portal.site_of(RequestFactory().get("/", headers={"Host": asked_by}))
    assert site == Site(host, origin)
    assert portal.takes_passkeys(site) is takes

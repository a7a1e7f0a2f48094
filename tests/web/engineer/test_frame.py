"""What stands round every page: headers, the address, the zone, the rail, the banner, the error pages."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Entry, Event, Person, StandingPower
from jitportal.operations import clock, people
from jitportal.rules.errors import (
    Conflict,
    Invalid,
    InvalidInput,
    NotAllowed,
    OutsideError,
    PolicyRefuses,
    TooLate,
)
from jitportal.urls import urlpatterns as portal_urls
from jitportal.web.middleware import LARGEST_BODY, trustworthy_address
from jitportal.web.urls import demo
from tests.web.engineer import house as plan
from tests.web.engineer.conftest import SignedIn
from tests.web.engineer.test_request_forms import typed

PASSWORD = "a long enough sentence"


def raising(request: HttpRequest, what: str) -> Any:
    raise {
        "not-allowed": NotAllowed("This grant isn't yours."),
        "conflict": Conflict("Mona Test was faster."),
        "too-late": TooLate("The window has closed."),
        "refused": PolicyRefuses("The policy refuses."),
        "invalid": InvalidInput([Invalid("First thing."), Invalid("Second thing.")]),
        "outside": OutsideError("The target couldn't."),
        "broken": RuntimeError("a secret detail"),
    }[what]


class WithMore:
    """The portal's addresses, the demo's, and one that raises."""

    urlpatterns = [*portal_urls, *demo, path("raise/<str:what>/", raising)]
    handler400 = "jitportal.web.views.errors.bad_request"
    handler403 = "jitportal.web.views.errors.forbidden"
    handler404 = "jitportal.web.views.errors.not_found"
    handler500 = "jitportal.web.views.errors.broken"


more = override_settings(ROOT_URLCONF=WithMore)


def words(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split()).replace("&#x27;", "'")


@pytest.mark.parametrize("address", ["/", "/sign-in/", "/nothing/here/", "/grants/1/"])
def test_every_answer_carries_the_headers(ed: Client, address: str) -> None:
    answer = ed.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] in (
        "no-store",
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_no_page_has_anything_inline(ed: Client) -> None:
    grant = plan.held()
    request = plan.ask(role="cage")
    for address in (
        "/",
        "/request/",
        "/request/jit/lift/",
        f"/grants/{grant.pk}/",
        f"/requests/{request.pk}/",
        "/reviews/",
    ):
        html = ed.get(address).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html), address
        assert not re.search(r"<script(?![^>]*\ssrc=)", html), address


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        (0, "10.0.0.9", "", "10.0.0.9"),
        (0, "10.0.0.9", "6.6.6.6", "10.0.0.9"),  # nobody vouches for it
        (1, "10.0.0.9", "192.0.2.7", "192.0.2.7"),
        (1, "10.0.0.9", "6.6.6.6, 192.0.2.7", "192.0.2.7"),  # the first is what the client claimed
        (2, "10.0.0.9", "6.6.6.6, 192.0.2.7, 10.0.0.8", "192.0.2.7"),
        (2, "10.0.0.9", "192.0.2.7", "10.0.0.9"),  # somebody went round a proxy
        (1, "10.0.0.9", "", "10.0.0.9"),
        (1, "10.0.0.9", "192.0.2.7:5123", "192.0.2.7"),
        (1, "10.0.0.9", "[2001:db8::7]:5123", "2001:db8::7"),
        (1, "10.0.0.9", "2001:db8::7", "2001:db8::7"),
        (1, "10.0.0.9", "fe80::1%eth0", "fe80::1"),
        (1, "10.0.0.9", "unknown", None),
        (1, "10.0.0.9", "'; DROP TABLE--", None),
        (1, "10.0.0.9", "1" * 10_000, None),
        (1, "10.0.0.9", ", ,", "10.0.0.9"),
        (0, "", "", None),  # a unix socket
    ],
)
def test_the_address_is_what_the_operators_own_proxies_vouch_for(
    proxies: int, peer: str, forwarded: str, address: str | None
) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    with override_settings(TRUSTED_PROXIES=proxies):
        assert trustworthy_address(request) == address


def test_what_happens_is_recorded_with_who_from_where_and_what_belongs_together(ed: Client) -> None:
    headers = {"X-Request-ID": "build-2027.01_a", "X-Forwarded-For": "6.6.6.6"}
    answer = ed.post("/request/jit/operator/", typed(), headers=headers)
    event = Event.objects.get(verb="request.submitted")
    assert answer.headers["X-Request-ID"] == event.correlation_id
    assert event.correlation_id.startswith("build-2027.01_a.")
    assert (event.actor.username, event.address) == ("ed", "127.0.0.1")
    entries = Entry.objects.filter(cid=event.correlation_id)
    assert entries.exists()
    assert {entry.actor.username for entry in entries} == {"ed"}
    assert {entry.remote_addr for entry in entries} == {"127.0.0.1"}


def test_two_requests_never_share_an_id_whatever_they_say(ed: Client) -> None:
    """Else one could bury the changes of one event under those of others."""
    answers = [ed.get("/", headers={"X-Request-ID": "x" * 47}) for _ in range(2)]
    ids = {answer.headers["X-Request-ID"] for answer in answers}
    assert len(ids) == 2
    assert {len(one) for one in ids} == {64}


@pytest.mark.parametrize(
    "said", ["", "short", "x" * 48, "white space", "new\nline-and-more", "ünïcödé-12345", "a'b;c--d"]
)
def test_an_id_that_is_not_short_and_safe_is_replaced(ed: Client, said: str) -> None:
    answer = ed.get("/", headers={"X-Request-ID": said})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_times_are_in_the_persons_zone_and_an_unknown_one_is_utc(
    ed: Client, house: dict[str, Person]
) -> None:
    assert b"Times are in Europe/Berlin" in ed.get("/").content
    for zone in ("Mars/Olympus", "", "../../etc/passwd", "x" * 60):
        Person.objects.filter(pk=house["ed"].pk).update(time_zone=zone)
        assert b"Times are in UTC" in ed.get("/").content


def test_the_banner_shows_on_every_page_while_one_is_elevated(ed: Client) -> None:
    assert "You are elevated" not in words(ed.get("/request/").content)
    grant = plan.held()
    for address in ("/", "/request/", "/reviews/", f"/grants/{grant.pk}/"):
        assert "You are elevated: Operator of this portal" in words(ed.get(address).content)
    assert grant.ends_at is not None
    with clock.moved(to=grant.ends_at):
        assert "You are elevated" not in words(ed.get("/request/").content)


def test_the_rail_shows_what_one_may_see_and_how_many_wait(as_: SignedIn) -> None:
    plan.ask(role="operator")
    mona = words(as_("mona").get("/").content)
    assert "1 waiting for you" in mona
    ed = as_("ed")
    before = words(ed.get("/").content)
    assert "waiting for you" not in before
    assert "Problems" not in before
    plan.approve(AccessRequest.objects.get())
    plan.work()
    assert "Problems" in words(ed.get("/").content)


def test_a_standing_power_nags_its_holder_and_nobody_else(as_: SignedIn) -> None:
    root = people.first_administrator(username="root", name="Root", email="", password=PASSWORD)
    client = Client()
    client.force_login(root)
    assert "You hold administrator without an end." in words(client.get("/request/").content)
    assert "without an end" not in words(as_("ed").get("/request/").content)
    power = StandingPower.objects.get()
    address = f"/you/powers/{power.pk}/remove/"
    assert address in client.get("/request/").content.decode()
    assert as_("ed").get(address).status_code == as_("ed").post(address).status_code == 404
    assert "Nobody else holds this power now." in words(client.get(address).content)
    assert client.post(address).status_code == 302
    assert people.powers_of(root, clock.now()) == {}
    after = words(client.get("/request/").content)
    assert "You no longer hold administrator without an end." in after
    assert "You hold administrator" not in after
    assert client.post(address).status_code == 404


@pytest.mark.parametrize(
    ("what", "status", "sentences"),
    [
        ("not-allowed", 403, ["This grant isn't yours."]),
        ("conflict", 409, ["Mona Test was faster."]),
        ("too-late", 409, ["The window has closed."]),
        ("refused", 422, ["The policy refuses."]),
        ("invalid", 422, ["First thing.", "Second thing."]),
        ("outside", 503, ["The target couldn't."]),
    ],
)
@more
def test_a_refusal_is_a_page_with_its_sentence_and_status(
    ed: Client, what: str, status: int, sentences: list[str]
) -> None:
    answer = ed.get(f"/raise/{what}/")
    assert answer.status_code == status
    for sentence in sentences:
        assert sentence in words(answer.content)


@more
def test_what_breaks_says_so_without_details(ed: Client) -> None:
    ed.raise_request_exception = False
    answer = ed.get("/raise/broken/", headers={"X-Request-ID": "reference-77"})
    assert answer.status_code == 500
    assert "Something broke" in words(answer.content)
    assert "reference-77" in words(answer.content)
    assert "secret detail" not in words(answer.content)


def test_a_body_that_no_form_takes_is_refused_unread(ed: Client) -> None:
    """Signed in or not: Django would write a file of any size to the disk before asking who sends it."""
    for client in (ed, Client()):
        answer = client.post("/sign-in/", {"file": BytesIO(bytes(LARGEST_BODY))})
        assert answer.status_code == 413
        assert "That is more than any field takes" in words(answer.content)


def test_an_unknown_address_is_a_page(ed: Client) -> None:
    answer = ed.get("/nothing/here/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in words(answer.content)


def test_a_form_without_its_token_is_a_page(house: dict[str, Person]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(house["ed"])
    answer = client.post("/request/jit/operator/", typed())
    assert answer.status_code == 403
    assert "This form had gone stale" in words(answer.content)
    assert not AccessRequest.objects.exists()


def test_a_wrong_method_changes_nothing(ed: Client) -> None:
    for method in ("put", "patch", "delete"):
        assert getattr(ed, method)("/request/jit/operator/").status_code == 405
    assert ed.post("/").status_code == 405
    assert ed.get("/sign-out/").status_code == 405


def test_a_stranger_is_led_to_sign_in_and_back(db: None) -> None:
    answer = Client().get("/request/")
    assert answer.headers["Location"] == "/sign-in/?next=/request/"


def test_a_port_that_is_none_is_refused(db: None) -> None:
    client = Client()
    client.force_login(signed_up())
    assert client.get("/you/factors/", headers={"Host": "localhost:99999"}).status_code == 400


def test_signing_out_ends_nothing_where_the_form_cant_be_read(db: None) -> None:
    client = Client()
    client.force_login(signed_up())
    form = "application/x-www-form-urlencoded; charset=utf-16"
    assert client.generic("POST", "/sign-out/", b"\0", content_type=form).status_code == 400
    assert client.get("/you/").status_code == 200


def signed_up() -> Person:
    return people.create_person(actor=system(), username="una", name="Una", password=PASSWORD)


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/request/", "/request/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("https:evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("", "/"),
    ],
)
def test_signing_in_never_leads_to_another_host(db: None, wanted: str, led_to: str) -> None:
    signed_up()
    form = Client().get("/sign-in/", {"next": wanted}).content.decode()
    assert "evil" not in form
    answer = Client().post("/sign-in/", {"username": "una", "password": PASSWORD, "next": wanted})
    assert (answer.status_code, answer.headers["Location"]) == (302, led_to)


def test_a_wrong_password_keeps_the_username_and_says_what_to_do(db: None) -> None:
    signed_up()
    answer = Client().post("/sign-in/", {"username": "una", "password": "wrong"})
    assert answer.status_code == 422
    assert "That username and password don't belong together." in words(answer.content)
    assert b'value="una"' in answer.content
    assert b"wrong" not in answer.content


@pytest.mark.parametrize("username", ["una\x00", "x" * 10_000, "'; --", "una "])
def test_signing_in_as_nobody(db: None, username: str) -> None:
    signed_up()
    answer = Client().post("/sign-in/", {"username": username, "password": "wrong\x00"})
    assert answer.status_code == 422


def test_who_is_deactivated_does_not_get_in_and_is_put_out(house: dict[str, Person], ed: Client) -> None:
    assert ed.get("/").status_code == 200
    people.deactivate(actor=system(), person=house["ed"], reason="Left.")
    assert ed.get("/").status_code == 302


def test_signing_out(ed: Client) -> None:
    assert ed.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert ed.get("/").status_code == 302


def test_the_demos_cast_is_absent_elsewhere(house: dict[str, Person]) -> None:
    for client in (Client(), Client()):
        assert client.get("/demo/become/").status_code == 404
        assert client.post("/demo/become/", {"username": "ed"}).status_code == 404
    assert b"Be Ed" not in Client().get("/sign-in/").content
    with more, override_settings(DEMO=False):  # even with its address there
        assert Client().post("/demo/become/", {"username": "ed"}).status_code == 404


@more
@override_settings(DEMO=True)
def test_in_the_demo_a_click_makes_one_of_the_cast(house: dict[str, Person]) -> None:
    client = Client()
    page = words(client.get("/sign-in/").content)
    assert "Be Ed Test" in page
    assert "Engineers" in page
    answer = client.post("/demo/become/", {"username": "ed", "next": "//evil.example/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "Ed Test" in words(client.get("/").content)
    for username in ("system", "nobody", "", "\x00", "x" * 10_000):
        assert Client().post("/demo/become/", {"username": username}).status_code == 404


def test_in_the_demo_looking_makes_nobody(house: dict[str, Person]) -> None:
    with more, override_settings(DEMO=True):
        client = Client()
        client.get("/demo/become/", {"username": "ed"})
        assert client.get("/").status_code == 302


def test_a_part_of_a_page_that_asks_without_a_session_reloads_the_whole(db: None) -> None:
    answer = Client().get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (200, "true")
    assert answer.content == b""

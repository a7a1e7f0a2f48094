"""Signing in: guessing is slowed down and told of, nobody is locked out for ever, and sessions end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from jitportal.audit.system import system
from jitportal.models import Event, Person, RateLimit
from jitportal.operations import clock, people
from jitportal.operations.leaving import deactivate
from jitportal.web import sessions

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
ADDRESS = "203.0.113.7"


@pytest.fixture
def ann() -> Person:
    return people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)


def tries(client: Client, password: str, username: str = "ann", address: str = ADDRESS) -> HttpResponseBase:
    said = {"username": username, "password": password}
    return client.post("/sign-in/", said, REMOTE_ADDR=address)


def verbs() -> list[str]:
    return list(Event.objects.order_by("pk").exclude(verb="person.created").values_list("verb", flat=True))


def test_a_new_portal_says_how_to_begin_and_no_other_does() -> None:
    begin = b"manage.py first_administrator"
    assert begin in Client().get("/sign-in/").content
    people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)
    assert begin not in Client().get("/sign-in/").content


def test_signing_in_and_out_is_on_record_with_the_address(ann: Person) -> None:
    client = Client()
    client.get("/sign-in/")
    assert tries(client, PASSWORD).status_code == 302
    assert client.post("/sign-out/", REMOTE_ADDR=ADDRESS).status_code == 302
    events = Event.objects.filter(actor=ann)
    assert list(events.order_by("pk").values_list("verb", "address", "person")) == [
        ("person.signed_in", ADDRESS, ann.pk),
        ("person.signed_out", ADDRESS, ann.pk),
    ]


def test_the_session_gets_a_new_key(ann: Person) -> None:
    client = Client()
    client.session.save()
    before = client.session.session_key
    tries(client, PASSWORD)
    assert client.cookies["sessionid"].value not in ("", before)


def test_guessing_waits_longer_and_longer_and_is_told_of_without_each_try(ann: Person) -> None:
    client = Client()
    for _ in range(5):
        assert tries(client, "wrong").status_code == 422
    refused = tries(client, PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 10
    text = getattr(refused, "content", b"").decode()
    assert "There were too many failures to sign in. Try again in 10 seconds." in text
    assert 'value="ann"' in text
    assert PASSWORD not in text
    waits = []
    for number in range(30):
        with clock.moved(by=timedelta(hours=number + 1)):
            assert tries(client, "wrong").status_code == 422
            waits.append(int(tries(client, "wrong").headers["Retry-After"]))
    assert waits[:4] == [20, 40, 80, 160]
    assert max(waits) == 900
    assert verbs() == ["sign_in.failed", *["sign_in.guessed"] * 4]  # at 5, 10, 20; and 30 from there
    told = Event.objects.filter(verb="sign_in.guessed").earliest("pk")
    assert told.person == ann
    assert told.sentence == f"Signing in as Ann Test has failed 5 times, last from {ADDRESS}."
    with clock.moved(by=timedelta(hours=40)):
        assert tries(client, PASSWORD).status_code == 302  # never locked out for ever


def test_what_is_typed_as_a_username_is_kept_nowhere() -> None:
    for _ in range(6):
        tries(Client(), "wrong", username="hunter2-was-my-password")
    assert not Event.objects.filter(sentence__contains="hunter2").exists()
    assert verbs() == []
    assert all("hunter2" not in str(row) for row in RateLimit.objects.values_list())


def test_one_address_that_tries_many_accounts_waits(ann: Person) -> None:
    for number in range(30):
        assert tries(Client(), "wrong", username=f"somebody{number}").status_code == 422
    assert tries(Client(), PASSWORD).status_code == 429
    assert verbs() == ["sign_in.guessed"]
    assert tries(Client(), PASSWORD, address="203.0.113.8").status_code == 302


def test_an_address_that_waits_keeps_no_known_browser_out(ann: Person) -> None:
    own = Client()
    assert tries(own, PASSWORD).status_code == 302
    own.post("/sign-out/")
    for number in range(30):
        tries(Client(), "wrong", username=f"somebody{number}")
    assert tries(Client(), PASSWORD).status_code == 429
    assert tries(own, PASSWORD).status_code == 302
    own.post("/sign-out/")
    for _ in range(5):  # and it guesses no better than any other
        assert tries(own, "wrong").status_code == 422
    assert tries(own, PASSWORD).status_code == 429


def test_an_account_of_ones_own_buys_no_guesses_at_others(ann: Person, settings: LazySettings) -> None:
    settings.SIGN_IN_ADDRESS_FAILURES = 3
    own = Client()
    for number in range(3):
        assert tries(own, PASSWORD).status_code == 302
        own.post("/sign-out/")
        assert tries(Client(), "wrong", username=f"somebody{number}").status_code == 422
    assert tries(own, PASSWORD).status_code == 302  # a known browser, which needn't wait
    own.post("/sign-out/")
    assert tries(Client(), "wrong", username="other").status_code == 429


def test_addresses_of_ipv4_are_told_apart_however_they_are_spelled(settings: LazySettings) -> None:
    settings.SIGN_IN_ADDRESS_FAILURES = 3
    for number, spelled in enumerate(("::ffff:203.0.113.7", "203.0.113.7", "::ffff:cb00:7107")):
        tries(Client(), "wrong", username=f"somebody{number}", address=spelled)
    assert tries(Client(), "wrong", username="other", address="203.0.113.7").status_code == 429
    assert tries(Client(), "wrong", username="other", address="::ffff:203.0.113.8").status_code == 422


def test_a_network_of_one_owner_counts_as_one(settings: LazySettings) -> None:
    settings.SIGN_IN_ADDRESS_FAILURES = 3
    for number in range(3):
        tries(Client(), "wrong", username=f"somebody{number}", address=f"2001:db8::{number + 1}")
    assert tries(Client(), "wrong", username="other", address="2001:db8::99").status_code == 429
    assert tries(Client(), "wrong", username="other", address="2001:db8:0:1::1").status_code == 422


def test_a_spoofed_address_is_neither_believed_nor_a_failure(settings: LazySettings) -> None:
    settings.SIGN_IN_ADDRESS_FAILURES = 3
    for number, forged in enumerate(("1.2.3.4", "'; --", "\u00ff, ::1", "9.9.9.9, 8.8.8.8", ",,,")):
        answer = Client().post(
            "/sign-in/",
            {"username": f"somebody{number}", "password": "wrong"},
            REMOTE_ADDR=ADDRESS,
            headers={"X-Forwarded-For": forged},
        )
        assert answer.status_code == (422 if number < 3 else 429)


def test_who_guesses_from_elsewhere_keeps_nobody_out(ann: Person) -> None:
    own = Client()
    assert tries(own, PASSWORD).status_code == 302
    own.post("/sign-out/")
    stranger = Client()
    for _ in range(5):
        tries(stranger, "wrong", address="198.51.100.1")
    assert tries(Client(), PASSWORD, address="198.51.100.2").status_code == 429
    assert tries(own, PASSWORD).status_code == 302


def test_a_known_browser_is_known_to_its_own_account_alone(ann: Person) -> None:
    people.create_person(actor=system(), username="bob", name="Bob Test", password=PASSWORD)
    own = Client()
    tries(own, PASSWORD)
    own.post("/sign-out/")
    for _ in range(5):
        tries(Client(), "wrong", username="bob", address="198.51.100.1")
    assert tries(own, PASSWORD, username="bob").status_code == 429
    own.cookies["known_browser"] = own.cookies["known_browser"].value[:-3] + "xxx"
    for _ in range(5):
        tries(Client(), "wrong", address="198.51.100.3")
    assert tries(own, PASSWORD).status_code == 429


def test_signing_in_ends_the_series(ann: Person) -> None:
    for _ in range(3):
        for _ in range(4):
            assert tries(Client(), "wrong").status_code == 422
        assert tries(Client(), PASSWORD).status_code == 302
    assert "sign_in.guessed" not in verbs()


def test_a_session_ends_when_nobody_clicks(ann: Person, settings: LazySettings) -> None:
    client = Client()
    tries(client, PASSWORD)
    assert client.get("/").status_code == 200
    _aged(client, sessions.SEEN, settings.SESSION_IDLE_SECONDS - 30)
    assert client.get("/").status_code == 200  # a click counts
    assert client.get("/").status_code == 200
    _aged(client, sessions.SEEN, settings.SESSION_IDLE_SECONDS - 30)
    assert (
        client.get("/?seen=x", headers={"HX-Request": "true"}).status_code == 200
    )  # a page's own question doesn't
    _aged(client, sessions.SEEN, 60)
    ended = client.get("/history/")
    assert ended.status_code == 302
    assert ended.headers["Location"] == f"{reverse('sign_in')}?next=/history/"


def test_a_session_ends_after_its_hours_however_busy(ann: Person, settings: LazySettings) -> None:
    client = Client()
    tries(client, PASSWORD)
    _aged(client, sessions.BEGAN, settings.SESSION_COOKIE_AGE + 1)
    key = client.session.session_key
    assert client.get("/").status_code == 302
    assert client.session.session_key != key


def test_leaving_ends_every_session_for_good(ann: Person) -> None:
    one, two = Client(), Client()
    tries(one, PASSWORD)
    tries(two, PASSWORD)
    deactivate(actor=system(), person=ann, reason="Left.")
    assert [client.get("/").status_code for client in (one, two)] == [302, 302]
    people.reactivate(actor=system(), person=ann)
    assert [client.get("/").status_code for client in (one, two)] == [302, 302]
    assert tries(Client(), PASSWORD).status_code == 422  # the password of before has ended, too


def test_a_password_that_is_set_by_command_is_on_record_and_ends_sessions(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    tries(client, PASSWORD)
    monkeypatch.setattr("getpass.getpass", lambda **_asked: "another horse battery staple")
    call_command("changepassword", "ann", verbosity=0)
    event = Event.objects.get(verb="person.password_set")
    assert (event.person, event.actor) == (ann, system())
    assert "another horse" not in str(event.data) + event.sentence
    assert client.get("/").status_code == 302
    assert tries(Client(), "another horse battery staple").status_code == 302


def _aged(client: Client, mark: str, seconds: int) -> None:
    session = client.session
    session[mark] -= seconds
    session.save()

"""One's own sessions: listed, known again, and ended one by one or all at once."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.test import Client

from jitportal.audit.system import system
from jitportal.models import Event, Person, PersonSession
from jitportal.operations import own_sessions, people
from jitportal.web import sessions
from jitportal.web.presenters.browsers import browser_words

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


@pytest.fixture
def ann() -> Person:
    return people.create_person(actor=system(), username="ann", name="Ann Test", password=PASSWORD)


def signed_in(address: str = "203.0.113.7", browser: str = FIREFOX, username: str = "ann") -> Client:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": browser})
    assert client.post("/sign-in/", {"username": username, "password": PASSWORD}).status_code == 302
    return client


def row_of(client: Client) -> PersonSession:
    key = str(client.session.session_key)
    return next(row for row in PersonSession.objects.all() if own_sessions.is_of(row, key))


def page(client: Client) -> str:
    return client.get("/you/sessions/").content.decode()


def test_each_is_known_again(ann: Person) -> None:
    one = signed_in()
    signed_in("198.51.100.9", EDGE)
    shown = page(one)
    assert "Firefox on Linux" in shown
    assert "Edge on Windows" in shown
    assert "198.51.100.9" in shown
    assert shown.count("this one") == 1
    assert str(one.session.session_key) not in shown


def test_one_is_signed_out_and_no_other(ann: Person) -> None:
    one, two, three = signed_in(), signed_in("198.51.100.9"), signed_in("198.51.100.10")
    row = row_of(two)
    assert one.post(f"/you/sessions/{row.pk}/end/").status_code == 302
    assert [client.get("/").status_code for client in (one, two, three)] == [200, 302, 200]
    event = Event.objects.get(verb="session.ended")
    assert (event.person, event.sentence) == (
        ann,
        "Ann Test signed out a session of their own, last at 198.51.100.9.",
    )
    assert one.post(f"/you/sessions/{row.pk}/end/").status_code == 404


def test_all_others_are_signed_out_at_once(ann: Person) -> None:
    one, two, three = signed_in(), signed_in(), signed_in()
    assert two.post("/you/sessions/others/end/").status_code == 302
    assert [client.get("/").status_code for client in (one, two, three)] == [302, 200, 302]
    assert "Sign out everywhere else" not in page(two)


def test_those_that_no_key_opens_any_more_are_ended_too(ann: Person, settings: LazySettings) -> None:
    one, two = signed_in(), signed_in("198.51.100.9")
    settings.SEALING_KEYS = ["another key alone"]
    assert "198.51.100.9" in page(one)
    assert one.post("/you/sessions/others/end/").status_code == 302
    assert [client.get("/").status_code for client in (one, two)] == [200, 302]


def test_ones_own_signs_out(ann: Person) -> None:
    one = signed_in()
    row = PersonSession.objects.get()
    answer = one.post(f"/you/sessions/{row.pk}/end/")
    assert answer.headers["Location"] == "/sign-in/"
    assert one.get("/").status_code == 302
    assert not PersonSession.objects.exists()
    assert Event.objects.filter(verb="person.signed_out", person=ann).exists()


def test_nobody_sees_or_ends_anothers(ann: Person) -> None:
    people.create_person(actor=system(), username="bob", name="Bob Test", password=PASSWORD)
    own, stranger = signed_in(), signed_in("198.51.100.9", username="bob")
    row = PersonSession.objects.get(person=ann)
    assert "203.0.113.7" not in page(stranger)
    assert stranger.post(f"/you/sessions/{row.pk}/end/").status_code == 404
    stranger.post("/you/sessions/others/end/")
    assert own.get("/").status_code == 200


def test_what_has_ended_is_not_listed_and_then_forgotten(ann: Person) -> None:
    one, two = signed_in(), signed_in("198.51.100.9")
    stored = two.session
    stored[sessions.SEEN] -= 3700
    stored.save()
    assert "198.51.100.9" not in page(one)
    Session.objects.filter(session_key=two.session.session_key).delete()
    signed_in("198.51.100.11")
    assert not PersonSession.objects.filter(address="198.51.100.9").exists()


def test_what_a_new_password_has_ended_is_not_listed(ann: Person) -> None:
    signed_in("198.51.100.9")
    ann.set_password(PASSWORD)
    ann.save()
    shown = page(signed_in())
    assert "198.51.100.9" not in shown
    assert "Sign out everywhere else" not in shown


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (EDGE, "Edge on Windows"),
        ("", "An unknown browser"),
        ("curl/8", "curl"),
    ],
)
def test_browsers_have_words(said: str, words: str) -> None:
    assert browser_words(said) == words

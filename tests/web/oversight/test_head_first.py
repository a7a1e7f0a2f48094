"""Where a browser opens a page, its head goes first; the whole is the page that everybody else gets."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from jitportal.operations import clock
from jitportal.rules.errors import NotAllowed
from jitportal.web import head_first
from tests.web.oversight.conftest import As, words
from tests.web.world import World, ask

PAGES = ("/queue/", "/queue/?chosen=999&show=all", "/")
OPENS = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
MASKED = re.compile(r'(name="csrfmiddlewaretoken" value=)"\w+"')
CLOCK = re.compile(r"(?<=T11:00:)[\d.]+Z")
MOMENT = datetime(2026, 1, 15, 11, 0, tzinfo=ZoneInfo("UTC"))


@pytest.fixture
def mona(world: World, as_: As) -> Iterator[Client]:
    mona = world["mona"]
    type(mona).objects.filter(pk=mona.pk).update(time_zone="Asia/Kolkata")
    with clock.moved(to=MOMENT):
        ask(world, "rita", "door")
        yield as_("mona")


def pieces(client: Client, address: str, **headers: str) -> list[bytes]:
    answer: Any = client.get(address, headers=OPENS | headers)
    assert answer.streaming
    return list(answer)


def unmasked(page: str) -> str:
    """The page without what is another each time: masked tokens, the clock's seconds, empty lines."""
    settled = CLOCK.sub("", MASKED.sub(r"\1", page))
    return "\n".join(line for line in settled.splitlines() if line.strip())


def test_the_pieces_are_the_page(mona: Client) -> None:
    for address in PAGES:
        head, rest = (piece.decode() for piece in pieces(mona, address))
        assert head.rstrip().endswith("</head>")
        assert "portal" in head
        assert "<body" not in head
        whole = words(mona.get(address))
        assert "Mona Test" in whole
        assert unmasked(head + "\n" + rest) == unmasked(whole)


def test_times_are_the_persons_own_though_the_middleware_was_left(mona: Client) -> None:
    assert 'title="16:30 IST"' in pieces(mona, "/queue/")[1].decode()


def test_nothing_is_asked_of_the_database_for_the_head(mona: Client) -> None:
    answer: Any = mona.get("/queue/", headers=OPENS)
    made = iter(answer)
    with CaptureQueriesContext(connection) as asked:
        next(made)
    assert not asked.captured_queries
    with CaptureQueriesContext(connection) as asked:
        next(made)
    assert asked.captured_queries


def test_each_piece_can_be_read_as_it_comes_though_compressed(mona: Client) -> None:
    answer: Any = mona.get("/queue/", headers=OPENS | {"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert {"Accept-Encoding", "HX-Request", "Cookie"} <= set(re.split(r",\s*", answer.headers["Vary"]))
    reading = zlib.decompressobj(wbits=31)
    head, rest, end = (reading.decompress(piece).decode() for piece in answer)
    assert head.rstrip().endswith("</head>")
    assert rest.rstrip().endswith("</html>")
    assert not end
    assert reading.eof


def test_the_form_to_sign_out_works_from_a_first_page(mona: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = mona.cookies
    body = pieces(strict, "/queue/")[1].decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', body)
    assert token
    assert strict.post("/sign-out/", {"csrfmiddlewaretoken": token[1]}).status_code == 302


def test_a_page_that_says_something_comes_whole_and_says_it_once(mona: Client) -> None:
    said = RequestFactory().get("/")
    storage: Any = CookieStorage(said)
    storage.add(20, "Handed back.")
    mona.cookies["messages"] = storage._encode(storage._queued_messages)
    answer: Any = mona.get("/queue/", headers=OPENS)
    assert not answer.streaming
    assert "Handed back." in words(answer)
    assert "Handed back." not in pieces(mona, "/queue/")[1].decode()


def test_whoever_else_asks_has_it_in_one_piece(mona: Client) -> None:
    others = ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "cors"}, {"HX-Request": "true"})
    for headers in ({}, *(OPENS | other for other in others)):
        answer: Any = mona.get("/queue/", headers=headers)
        assert not answer.streaming
        assert "HX-Request" in answer.headers["Vary"]


def test_what_the_address_gets_wrong_is_said_by_the_status(mona: Client) -> None:
    answer: Any = mona.get("/queue/?pathway=sideways", headers=OPENS)
    assert answer.streaming
    assert answer.status_code == mona.get("/queue/?pathway=sideways").status_code == 422


def broken_off(world: World, failure: Exception) -> str:
    def failing() -> dict[str, Any]:
        raise failure

    request: Any = RequestFactory().get("/queue/", headers=OPENS)
    request.user, request.htmx, request.correlation_id = world["mona"], False, "its-own-id"
    request._messages = CookieStorage(request)
    answer: Any = head_first.page(request, "queue/queue.html", failing)
    head, rest = answer
    assert head.decode().rstrip().endswith("</head>")
    return bytes(rest).decode()


def test_a_failure_after_the_head_is_said_and_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    rest = broken_off(world, RuntimeError("the disk went away"))
    assert "This page broke off" in rest
    assert "its-own-id" in rest
    assert "disk" not in rest
    assert "/queue/ broke off after its head." in caplog.text
    assert "the disk went away" in caplog.text


def test_a_refusal_after_the_head_is_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    assert "only managers see this" in broken_off(world, NotAllowed("Sorry, only managers see this."))
    assert not caplog.records

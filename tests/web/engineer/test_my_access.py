"""My access, history and the finder: everything shows in its place, at the same cost for one or many."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from django.test import Client

from jitportal.models import AccessRequest, Grant
from jitportal.operations import clock, decisions, grants
from jitportal.rules.vocabulary import StartMode, Verdict
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn

Counted = Callable[[int], AbstractContextManager[object]]

#: Queries of the pages, however many rows they list (session, person, clock, frame and page).
MY_ACCESS_QUERIES = 24
HISTORY_QUERIES = 13


def sections(html: str) -> dict[str, str]:
    """The page's words by the heading that they stand under."""
    parts = re.split(r"<h2[^>]*>(.*?)</h2>", html.split("<main", 1)[1], flags=re.DOTALL)
    said = (" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts[2::2])
    return dict(zip((part.strip() for part in parts[1::2]), said, strict=True))


def denied(username: str, role: str, **wishes: str) -> AccessRequest:
    request = house.ask(username, role, **wishes)
    decisions.decide(
        actor=house.person("mona"),
        request=request,
        verdict=Verdict.DENY,
        digest=decisions.seen_digest(request),
        reason="Not today.",
    )
    return request


def test_an_empty_page_teaches(ed: Client) -> None:
    html = ed.get("/").content.decode()
    assert "Nothing is elevated right now. That is the goal." in html
    assert "Nothing is waiting." in html
    assert "No history yet." in html


def test_everything_stands_in_its_place(ed: Client) -> None:
    house.held()
    house.ready(role="cage", scope="right")
    now = clock.now()
    opens, closes = now + timedelta(hours=2), now + timedelta(hours=3)
    house.ask(role="lift", start_mode=StartMode.ON_CLICK, opens_at=opens, closes_at=closes)
    denied("ed", "auditor")
    html = ed.get("/").content.decode()
    said = sections(html)
    assert said["In force"].startswith("Operator of this portal, ")
    assert "The target cuts" in said["In force"]
    assert "Renew" in said["In force"]
    assert "Hand back" in said["In force"]
    assert "Server cage, The right cage" in said["Ready to start"]
    assert "Start now" in said["Ready to start"]
    assert "Goods lift" in said["Waiting"]
    assert "Mona Test can decide." in said["Waiting"]
    assert "To be started between" in said["Waiting"]
    assert "Auditor of this portal" in said["History"]
    assert "Ask again" in said["History"]
    assert "You are elevated" in html


def test_a_request_that_is_sent_back_waits_for_its_requester(ed: Client) -> None:
    house.send_back(house.ask())
    waiting = sections(ed.get("/").content.decode())["Waiting"]
    assert "Mona Test sent it back: Which" in waiting
    assert "Change and send again" in waiting


def test_who_has_decided_already_is_not_named_again(ed: Client) -> None:
    house.approve(house.ask(role="cabinet"), "kai")
    assert "Mona Test can decide." in sections(ed.get("/").content.decode())["Waiting"]


def test_nobody_sees_what_is_somebody_elses(as_: SignedIn) -> None:
    house.held()
    house.ask(role="lift")
    denied("ed", "auditor")
    for address in ("/", "/history/"):
        html = as_("eve").get(address).content.decode()
        assert "Operator of this portal" not in html
        assert "Goods lift" not in html
        assert "Auditor of this portal" not in html


def test_the_page_costs_the_same_for_one_and_for_three(
    ed: Client, django_assert_num_queries: Counted
) -> None:
    house.held()
    house.ask(role="cabinet")
    house.ready(role="cage")
    denied("ed", "flash")
    with django_assert_num_queries(MY_ACCESS_QUERIES):
        ed.get("/")
    house.held(role="auditor")
    house.held(role="flash")
    house.ready(role="cage", scope="right")
    house.ask(role="lift")
    with clock.moved(by=timedelta(days=-1)):
        denied("ed", "operator")
    with django_assert_num_queries(MY_ACCESS_QUERIES):
        ed.get("/")


def test_history_pages_by_the_last_row_and_costs_the_same(
    ed: Client, django_assert_num_queries: Counted
) -> None:
    for hours in range(35, 0, -1):
        with clock.moved(by=timedelta(hours=-hours)):
            denied("ed", "operator", justification=f"Number {hours} of many, for the pages.")
    with django_assert_num_queries(HISTORY_QUERIES):
        first = ed.get("/history/").content.decode()
    older = re.search(r'href="(\?after=[^"]+)" rel="next"', first)
    assert older is not None
    assert first.count("Ask again") == 30
    with django_assert_num_queries(HISTORY_QUERIES):
        second = ed.get(f"/history/{older[1]}").content.decode()
    assert second.count("Ask again") == 5
    shown = set(re.findall(r"/requests/(\d+)/clone/", first)) & set(
        re.findall(r"/requests/(\d+)/clone/", second)
    )
    assert not shown


def test_a_position_that_is_none_shows_the_beginning(ed: Client) -> None:
    denied("ed", "operator")
    for after in ("", "x", "1-1-1", "9" * 50, "1%00-2", "99999999999999999-9223372036854775808"):
        assert b"Ask again" in ed.get(f"/history/?after={after}").content


def test_history_tells_how_each_grant_ended(ed: Client) -> None:
    grant = house.held()
    grants.hand_back(actor=house.person("ed"), grant=grant)
    house.work()
    assert Grant.objects.get().status == "ended"
    html = ed.get("/history/").content.decode()
    assert "Handed back" in html
    assert f"/grants/{grant.pk}/" in html


def test_a_role_is_found_by_what_one_wants_to_do(ed: Client) -> None:
    def names(words: str) -> list[str]:
        html = ed.get("/request/", {"q": words}).content.decode()
        return re.findall(r'class="row-title"[^>]*>([^<]+)<', html)

    assert names("hold keys") == ["Key cabinet"]
    assert names("SERVER room") == ["Server cage"]
    assert names("right cage") == ["Server cage"]  # by its scope
    assert set(names("portal")) == {"Operator of this portal", "Auditor of this portal", "Flash light"}
    assert names("zeppelin") == []
    assert "Rescue" not in names("")
    assert names("%") == []
    assert names("_") == []


def test_a_search_that_cannot_be_made_says_so_and_keeps_the_words(ed: Client) -> None:
    answer = ed.get("/request/", {"q": "x" * 300})
    assert answer.status_code == 422
    assert b"x" * 300 in answer.content
    answer = ed.get("/request/", {"q": "cage\x00"})
    assert answer.status_code == 422
    assert b"Null characters" in answer.content


def test_a_page_that_asks_for_news_is_told_when_there_is_none(ed: Client) -> None:
    htmx = {"HX-Request": "true"}
    request = house.ask()
    for address in ("/", f"/requests/{request.pk}/"):
        seen = re.search(r'hx-get="[^"]*\?seen=([0-9a-f]+)"', ed.get(address).content.decode())
        assert seen is not None
        assert ed.get(address, {"seen": seen[1]}, headers=htmx).status_code == 204
        assert ed.get(address, {"seen": "other"}, headers=htmx).status_code == 200
        assert ed.get(address, {"seen": seen[1]}).status_code == 200  # a reload shows the page
    seen_before = re.search(r"seen=([0-9a-f]+)", ed.get("/").content.decode())
    grant = Grant.objects.get(request=house.approve(request))
    assert seen_before is not None
    assert ed.get("/", {"seen": seen_before[1]}, headers=htmx).status_code == 200
    assert "every 2s" in ed.get(f"/grants/{grant.pk}/").content.decode()  # the target is at work
    house.work()
    assert "every 10s" in ed.get(f"/grants/{grant.pk}/").content.decode()
    house.hand_back("ed")
    assert "hx-trigger" not in ed.get(f"/grants/{grant.pk}/").content.decode()

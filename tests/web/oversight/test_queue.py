"""The queue: what waits, oldest first, a page at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from jitportal.models import AccessRequest
from jitportal.operations import clock
from jitportal.web.presenters import queue as presenter
from tests.web.oversight.conftest import As
from tests.web.world import World, approve, ask


@pytest.fixture
def mona(world: World, as_: As) -> Client:
    return as_("mona")


def listed(client: Client, address: str = "/queue/") -> list[AccessRequest]:
    return [row.access_request for row in client.get(address).context["page"].rows]


def test_an_empty_queue_teaches(mona: Client) -> None:
    assert "Nothing waits for you." in mona.get("/queue/").content.decode()


def test_the_oldest_comes_first_and_ones_own_and_others_are_left_out(world: World, mona: Client) -> None:
    with clock.moved(by=timedelta(minutes=-5)):
        older = ask(world, "gwen", "door")
    newer = ask(world, "rita", "door")
    ask(world, "oskar", "door")  # another manager decides
    assert listed(mona) == [older, newer]


def test_what_has_lapsed_or_is_decided_is_gone(world: World, mona: Client) -> None:
    request = ask(world, "rita", "door")
    with clock.moved(by=timedelta(days=30)):
        assert listed(mona) == []
    approve(world, request, "mona")
    assert listed(mona) == []


def test_a_row_says_what_most_decisions_need(world: World, mona: Client) -> None:
    with clock.moved(by=timedelta(hours=-2)):
        approve(world, ask(world, "rita", "door", minutes=20), "mona")
    approve(world, ask(world, "gwen", "door"), "mona")
    ask(world, "rita", "door")
    page = mona.get("/queue/").content.decode()
    for words in (
        "Rita Test",
        "Server room door",
        "30 minutes",
        "Portal only",
        "held 1 time before",
        "1 holds it now",
    ):
        assert words in page
    assert "rita has work to do there." in page


def test_the_chosen_request_stands_beside_the_list(world: World, mona: Client) -> None:
    first, second = ask(world, "gwen", "door"), ask(world, "rita", "door")
    assert mona.get("/queue/").context["chosen"] == first
    assert mona.get(f"/queue/?chosen={second.pk}").context["chosen"] == second
    other = ask(world, "oskar", "door")
    for chosen in (other.pk, "none", "9" * 30, ""):
        assert mona.get("/queue/", {"chosen": chosen}).context["chosen"] == first


def test_pages_follow_each_other_without_a_gap(
    world: World, mona: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter, "REQUESTS_A_PAGE", 2)
    requests = [ask(world, "rita", "door"), ask(world, "gwen", "door")]
    requests += [ask(world, "rita", "cage", scope=scope) for scope in ("left", "right")]
    requests.append(ask(world, "gwen", "cage"))
    seen, address = [], "/queue/"
    while address:
        page = mona.get(address)
        seen += [row.access_request for row in page.context["page"].rows]
        address = f"/queue/{page.context['more']}" if page.context["more"] else ""
    assert seen == requests


@pytest.mark.parametrize(
    "after", ["x", "-", "1-", "99999999999999999999-1", "1-99999999999999999999", "\u0661-\u0661"]
)
def test_a_forged_position_shows_the_first_page(world: World, mona: Client, after: str) -> None:
    request = ask(world, "rita", "door")
    assert [row.access_request for row in mona.get("/queue/", {"after": after}).context["page"].rows] == [
        request
    ]


def test_the_end_of_the_queue_leads_back_to_its_start(world: World, mona: Client) -> None:
    page = mona.get("/queue/?after=99999999999999999-1").content.decode()
    assert "That was all." in page

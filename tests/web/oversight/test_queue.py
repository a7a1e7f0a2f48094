"""The queue: what waits, who needs it soonest first, a page at a time; filters and the choice in the address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from jitportal.models import AccessRequest, Grant
from jitportal.operations import clock, decisions, grants
from jitportal.rules.vocabulary import StartMode, Verdict
from jitportal.web.presenters import queue as presenter
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, converge, elevate


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
    for said in (
        "Rita Test",
        "Server room door",
        "30 minutes",
        "Portal only",
        "held once before",
        "1 holds it now",
    ):
        assert said in page
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


# What is listed


def test_who_needs_it_sooner_comes_first(world: World, mona: Client) -> None:
    now = clock.now()
    planned: dict[str, Any] = {"start_mode": StartMode.SCHEDULED}
    tomorrow = ask(world, "rita", "cage", opens_at=now + timedelta(days=1), **planned)
    tonight = ask(world, "gwen", "cage", opens_at=now + timedelta(hours=9), **planned)
    at_once = ask(world, "rita", "door")
    assert listed(mona) == [at_once, tonight, tomorrow]


def test_what_others_decide_comes_after_ones_own_and_says_whose_it_is(world: World, as_: As) -> None:
    with clock.moved(by=timedelta(minutes=-5)):
        others = ask(world, "oskar", "door")
        staged = approve(world, ask(world, "rita", "cabinet"), "kai")
    mine = ask(world, "rita", "door")
    mona = as_("mona")
    assert listed(mona, "/queue/?show=all") == [staged, mine]
    elevate(world, "auda", "auditor")
    page = as_("auda").get("/queue/?show=all")
    assert {row.access_request for row in page.context["page"].rows} == {others, staged, mine}
    assert "others decide" in words(page)
    assert "You aren&#x27;t among those who decide the stage that is open now." in words(page)


def test_ones_own_request_says_that_others_decide_it(world: World, as_: As) -> None:
    ask(world, "rita", "door")
    assert listed(as_("rita")) == []
    page = words(as_("rita").get("/queue/?show=all"))
    assert "your own: others decide" in page
    assert "This is your own request. Somebody else has to decide on it." in page


def test_what_one_has_decided_says_so(world: World, as_: As) -> None:
    approve(world, ask(world, "rita", "cabinet"), "kai")
    page = words(as_("kai").get("/queue/?show=all"))
    assert "you have decided" in page
    assert "You have decided on this request: one person counts once." in page


def test_pages_go_over_from_ones_own_to_what_others_decide(
    world: World, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter, "REQUESTS_A_PAGE", 2)
    elevate(world, "auda", "auditor")
    requests = [ask(world, who, role) for who in ("rita", "gwen", "oskar") for role in ("door", "cage")]
    seen, address = [], "/queue/?show=all"
    while address:
        page = as_("auda").get(address)
        seen += [row.access_request for row in page.context["page"].rows]
        address = f"/queue/{page.context['more']}" if page.context["more"] else ""
    assert seen == requests
    seen, address = [], "/queue/?show=all"
    while address:
        page = as_("mona").get(address)
        seen += [row.access_request for row in page.context["page"].rows]
        address = f"/queue/{page.context['more']}" if page.context["more"] else ""
    assert seen == requests[:4]


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"who": "rita"}, {0, 2}),
        ({"who": "RITA t"}, {0, 2}),
        ({"role": "door"}, {0}),
        ({"role": "server"}, {0, 1}),
        ({"target": "building"}, {0, 1, 2}),
        ({"target": "portal"}, set()),
        ({"pathway": "temporary"}, {2}),
        ({"risk": "low"}, {1}),
        ({"risk": "high", "who": "rita", "pathway": "temporary"}, {2}),
        ({"who": "' OR 1=1 --"}, set()),
    ],
)
def test_each_filter_stands_in_the_address(
    world: World, mona: Client, filters: dict[str, str], shown: set[int]
) -> None:
    made = [ask(world, "rita", "door"), ask(world, "gwen", "cage"), ask(world, "rita", "cabinet")]
    approve(world, made[2], "kai")
    page = mona.get("/queue/", filters)
    assert {row.access_request for row in page.context["page"].rows} == {made[one] for one in shown}
    for name, value in filters.items():
        assert [chip for chip in page.context["chips"] if f"{name}=" not in chip.without]
        assert value.split()[0].lower() in page.context["here"].lower().replace("%27", "'")


@pytest.mark.parametrize("wrong", ["pathway=break_glass", "risk=none", "target=nowhere", "who=%00", "show=x"])
def test_a_wrong_filter_is_said_and_hides_nothing(world: World, mona: Client, wrong: str) -> None:
    request = ask(world, "rita", "door")
    page = mona.get(f"/queue/?{wrong}")
    assert page.status_code == 422
    assert "This needs mending" in words(page)
    assert [row.access_request for row in page.context["page"].rows] == [request]


# The pane


def test_what_somebody_else_has_decided_stays_open_until_one_goes_on(world: World, as_: As) -> None:
    request = approve(world, ask(world, "rita", "cabinet"), "kai")
    approve(world, request, "mona")
    page = as_("mona").get(f"/queue/?chosen={request.pk}")
    assert page.context["chosen"] == request
    assert "This request is approved: there is nothing to decide." in words(page)


def test_the_form_opens_in_the_pane_with_a_shorter_length(world: World, mona: Client) -> None:
    request = ask(world, "rita", "door", minutes=60)
    page = mona.get(f"/queue/?chosen={request.pk}&verdict=approve&minutes=45")
    assert page.context["pane"].form["minutes"].value() == 45
    assert [minutes for minutes, _ in page.context["pane"].lengths] == [20, 30, 45]
    for minutes in ("0", "61", "x", "9" * 30):
        page = mona.get(f"/queue/?chosen={request.pk}&verdict=approve&minutes={minutes}")
        assert page.context["pane"].form["minutes"].value() == 60
    assert mona.get(f"/queue/?chosen={request.pk}&verdict=maybe").context["pane"].form is None


def test_after_a_decision_the_next_request_is_open_with_the_same_filters(world: World, mona: Client) -> None:
    first, second = ask(world, "rita", "door"), ask(world, "gwen", "door")
    form = mona.get(f"/queue/?role=door&chosen={first.pk}&verdict=deny").context["pane"].form
    data = {name: form[name].value() or "" for name in ("digest", "seen", "back")} | {"reason": "Not now."}
    answer = mona.post(f"/requests/{first.pk}/deny/", data)
    assert answer.headers["Location"] == f"/queue/?role=door&chosen={second.pk}"
    page = words(mona.get(answer.headers["Location"]))
    assert "Denied. Rita Test is told, with your reason." in page
    assert f'<a href="/requests/{first.pk}/">The request</a>' in page


@pytest.mark.parametrize("back", ["https://elsewhere.test/", "//elsewhere.test", "?x=1", "?chosen=<b>"])
def test_one_goes_back_to_the_queue_and_nowhere_else(world: World, mona: Client, back: str) -> None:
    request = ask(world, "rita", "door")
    data = {"digest": decisions.seen_digest(request), "reason": "Not now.", "back": back}
    assert mona.post(f"/requests/{request.pk}/deny/", data).headers["Location"].startswith("/queue/")


def test_earlier_use_says_how_each_ended_and_what_its_review_found(world: World, mona: Client) -> None:
    with clock.moved(by=timedelta(hours=-5)):
        back = approve(world, ask(world, "rita", "door"), "mona").grant
        converge(back)
        grants.hand_back(actor=world["rita"], grant=back, note="Done.")
        converge(back)
    with clock.moved(by=timedelta(hours=-3)):
        taken = approve(world, ask(world, "rita", "door"), "mona").grant
        grants.revoke(actor=world["mona"], grant=taken, reason="Somebody else needs the room.")
        converge(taken)
        window: dict[str, Any] = {
            "opens_at": clock.now(),
            "closes_at": clock.now() + timedelta(minutes=10),
        }
        approve(world, ask(world, "rita", "door", start_mode=StartMode.ON_CLICK, **window), "mona")
    grants.pass_unused()
    ask(world, "rita", "door")
    page = words(mona.get("/queue/"))
    for said in ("3 times:", "Handed back", "Not used", "revoked by", "Somebody else needs the room."):
        assert said in page
    assert Grant.objects.filter(person=world["rita"]).count() == 3


# What others do meanwhile


def test_the_list_says_that_it_has_changed_and_moves_no_row(world: World, mona: Client) -> None:
    ask(world, "rita", "door")
    seen = mona.get("/queue/").context["live"].seen
    assert mona.get(f"/queue/?seen={seen}", headers={"HX-Request": "true"}).status_code == 204
    ask(world, "gwen", "door")
    answer = mona.get(f"/queue/?seen={seen}", headers={"HX-Request": "true"})
    assert "The queue has changed since you opened it." in words(answer)
    assert "The queue has changed since you opened it." not in words(mona.get("/queue/"))


def test_somebody_elses_decision_is_told_above_the_form(world: World, mona: Client) -> None:
    request = ask(world, "rita", "door")
    pane = mona.get(f"/queue/?chosen={request.pk}&verdict=deny").context["pane"]
    address = f"/requests/{request.pk}/news/?shown={pane.seen}&digest={pane.digest}"
    first = mona.get(address, headers={"HX-Request": "true"})
    assert "This has changed" not in words(first)
    seen = first.context["live"].seen
    assert mona.get(f"{address}&seen={seen}", headers={"HX-Request": "true"}).status_code == 204
    decisions.decide(
        actor=world["mona"], request=request, verdict=Verdict.APPROVE, digest=decisions.seen_digest(request)
    )
    told = mona.get(f"{address}&seen={seen}", headers={"HX-Request": "true"})
    assert "Mona Test" in words(told)
    assert "It is approved now." in words(told)
    assert "there is nothing to decide" in words(told)
    assert "hx-get" not in words(told)

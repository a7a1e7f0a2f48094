"""The record: searched by anything, a page at a time, each event with what changed."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.test.html import parse_html

from jitportal.audit.search import finding
from jitportal.models import AccessRequest, Event
from jitportal.operations import clock, grants, record, requests
from jitportal.web import paging
from jitportal.web.forms.long_select import LongSelect
from jitportal.web.forms.record import WITHIN
from jitportal.web.presenters import record as presenter
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, elevate


@pytest.fixture
def auda(world: World, as_: As) -> Client:
    elevate(world, "auda", "auditor")
    return as_("auda")


def found(client: Client, **filters: Any) -> list[str]:
    return [row.event.sentence for row in client.get("/record/", filters).context["page"].rows]


def withdraw(world: World, pending: AccessRequest) -> None:
    requests.withdraw(actor=world[pending.requester.username], request=pending)


def test_the_newest_comes_first_and_each_row_is_a_sentence(world: World, auda: Client) -> None:
    ask(world, "rita", "door")
    assert found(auda)[0].startswith("Rita Test asked for Server room door")


def test_filters_narrow_it_together(world: World, auda: Client) -> None:
    approve(world, ask(world, "rita", "door"), "mona")
    ask(world, "oskar", "cage")
    rita = found(auda, person="rita", verb="request")
    assert [sentence.split()[0] for sentence in rita] == ["Mona", "Rita"]
    assert found(auda, person="rita", verb="request.submitted") == rita[1:]
    assert all("Server cage" in sentence for sentence in found(auda, role="cage"))
    assert found(auda, role="cage", person="rita") == []
    assert found(auda, target="building", words="oskar cage") == found(auda, role="cage", verb="request")


def test_a_part_of_a_name_finds_the_person(world: World, auda: Client) -> None:
    ask(world, "rita", "door")
    assert found(auda, person="rita test") == found(auda, person="rita")


def test_a_time_range_is_read_in_the_viewers_zone(world: World, auda: Client) -> None:
    world["auda"].time_zone = "Asia/Tokyo"
    world["auda"].save()
    with clock.moved(by=timedelta(days=-3)):
        ask(world, "rita", "door")
        moment = clock.now()
    tokyo = moment.astimezone(UTC) + timedelta(hours=9)
    since = (tokyo - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    until = (tokyo + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    assert len(found(auda, since=since, until=until)) == 1


@pytest.mark.parametrize(
    "filters",
    [
        {"person": "nobody of that name"},
        {"role": "no-such-role"},
        {"verb": "request.*; DROP"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00"},
        {"until": "9999-12-31T23:59"},
        {"since": "2030-01-02T00:00", "until": "2030-01-01T00:00"},
        {"words": "x" * 300},
        {"words": "\x00"},
        {"words": "- !"},
        {"words": "a*"},
        {"within": "a while"},
    ],
)
def test_a_filter_that_cant_be_read_says_so_and_stays(
    world: World, auda: Client, filters: dict[str, str]
) -> None:
    answer = auda.get("/record/", filters)
    assert answer.status_code == 422
    assert "This needs mending" in words(answer)
    assert auda.get("/record/").status_code == 200


def test_each_filter_is_a_chip_that_takes_it_away(world: World, auda: Client) -> None:
    chips = auda.get("/record/?person=rita&verb=request&after=1-1").context["chips"]
    assert [(chip.label, chip.value) for chip in chips] == [("Person", "rita"), ("Kind", "request")]
    assert [chip.without for chip in chips] == ["?verb=request", "?person=rita"]


def test_a_chip_says_what_the_filter_means(world: World, auda: Client) -> None:
    world["auda"].time_zone = "Asia/Tokyo"
    world["auda"].save()
    address = "/record/?role=door&target=building&within=7d&since=2026-03-03T14:05"
    assert {chip.label: chip.value for chip in auda.get(address).context["chips"]} == {
        "Role": "Server room door",
        "Target": "Office building",
        "When": "the last 7 days",
        "From": "3 March 2026, 14:05:00 JST",
    }


def test_times_from_now_narrow_it_together_with_those_that_are_given(world: World, auda: Client) -> None:
    for days in (9, 3, 0):
        with clock.moved(by=timedelta(days=-days)):
            withdraw(world, ask(world, "rita", "door"))
    assert [len(found(auda, within=key, verb="request.submitted", person="rita")) for key in WITHIN] == [
        1,
        1,
        2,
        3,
        3,
    ]
    yesterday = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert len(found(auda, within="7d", since=yesterday, person="rita", verb="request.submitted")) == 1
    assert len(found(auda, within="7d", until=yesterday, person="rita", verb="request.submitted")) == 1


def test_each_row_links_to_what_it_is_about(world: World, auda: Client) -> None:
    grant = approve(world, ask(world, "rita", "door"), "mona").grant
    (row,) = auda.get("/record/", {"verb": "request.approved", "person": "rita"}).context["page"].rows
    assert {link.url for link in row.links} >= {
        f"/requests/{grant.request_id}/",
        "/roles/door/",
        "/targets/building/",
    }
    for link in row.links:
        assert auda.get(link.url).status_code == 200


def test_the_kinds_to_choose_from_are_those_of_the_record(world: World, auda: Client) -> None:
    kinds = auda.get("/record/").context["kinds"]
    assert kinds == sorted(set(Event.objects.values_list("verb", flat=True)))


@pytest.mark.sqlite  # there no search is ever in time: PostgreSQL's end is proven with the search
@pytest.mark.parametrize("path", ["/record/", "/record/export/"])
def test_a_search_that_takes_too_long_says_so_and_keeps_what_was_typed(
    world: World, auda: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(record, "PAGE_SECONDS", 0.0)
    monkeypatch.setattr(record, "FILE_SECONDS", 0.0)
    monkeypatch.setattr(finding, "INSTRUCTIONS", 1)
    address = f"{path}?words=door"
    answer = auda.get(address) if path == "/record/" else auda.post(address, {"kind": "CSV"})
    assert answer.status_code == 422
    assert "This search was stopped: it had taken 0 seconds. Narrow the times, or add a filter." in words(
        answer
    )
    assert 'value="door"' in words(answer)


def test_pages_follow_each_other_without_a_gap(
    world: World, auda: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter, "EVENTS_A_PAGE", 7)
    seen, address = [], "/record/?verb=team"
    while address:
        page = auda.get(address)
        seen += [row.event.pk for row in page.context["page"].rows]
        address = f"/record/{page.context['older']}" if page.context["older"] else ""
    every = Event.objects.filter(verb__startswith="team.").order_by("-at", "-pk")
    assert seen == list(every.values_list("pk", flat=True))


def test_events_of_one_moment_arent_lost_between_pages(world: World) -> None:
    first = Event.objects.order_by("pk").first()
    assert first is not None
    same = [Event(at=first.at, verb="test.same", sentence="Same.", actor=first.actor) for _ in range(5)]
    Event.objects.bulk_create(same)
    rows = Event.objects.filter(verb="test.same")
    seen: list[int] = []
    after: paging.Position | None = None
    while True:
        page = paging.older(rows, "at", after=after, size=2)
        seen += [event.pk for event in page.rows]
        after = paging.position(page.following)
        if after is None:
            break
    assert seen == sorted((event.pk for event in rows), reverse=True)


def test_an_event_opens_to_the_rows_that_changed_with_it(world: World, auda: Client, as_: As) -> None:
    pending = ask(world, "rita", "door")
    mona = as_("mona")
    form = mona.get(f"/requests/{pending.pk}/approve/").context["form"]
    said = {"digest": form["digest"].value(), "minutes": "20", "reason": "Short will do."}
    mona.post(f"/requests/{pending.pk}/approve/", said, REMOTE_ADDR="192.0.2.7")
    event = Event.objects.get(verb="request.approved", request=pending)
    page = words(auda.get(f"/record/{event.pk}/"))
    for seen in (
        "Approval",
        "Short will do.",
        '<del class="typed">30</del>',
        "192.0.2.7",
        f"/requests/{pending.pk}/",
    ):
        assert seen in page
    part = words(auda.get(f"/record/{event.pk}/", headers={"HX-Request": "true"}))
    assert "Short will do." in part
    assert "<html" not in part


def test_what_a_batch_changed_for_others_stands_apart(world: World, auda: Client) -> None:
    mine = approve(world, ask(world, "rita", "door", minutes=10), "mona").grant
    other = approve(world, ask(world, "oskar", "door", minutes=10), "otto").grant
    with clock.moved(by=timedelta(minutes=15)):
        assert grants.expire_due() == 2
    detail = auda.get(f"/record/{Event.objects.get(verb='grant.expired', grant=mine).pk}/").context["detail"]
    assert f"grant {mine.pk}" in {row.row for row in detail.rows}
    assert f"grant {other.pk}" in {row.row for row in detail.others}


@pytest.mark.parametrize("pk", ["0", "99999", "9" * 30])
def test_an_event_that_isnt_there_is_not_found(auda: Client, pk: str) -> None:
    assert auda.get(f"/record/{pk}/").status_code == 404


@pytest.mark.parametrize("value", [None, "", "a", "<b>", "nowhere"])
def test_a_long_choice_is_drawn_as_any_other(value: str | None) -> None:
    choices = [("", "Any role"), ("a", "Äußeres & more"), ("<b>", "<b>'bold'</b>")]
    attrs = {"id": "id_role", "aria-describedby": "x", "required": True, "disabled": False}
    long, short = (
        widget(choices=choices).render("role", value, attrs) for widget in (LongSelect, forms.Select)
    )
    assert parse_html(long) == parse_html(short)

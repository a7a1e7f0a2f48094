"""One's own page, and naming somebody who decides while one is away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jitportal.models import Approval, Delegation, Event
from jitportal.operations import clock, delegations, people
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask


def typed(**said: str) -> dict[str, str]:
    until = clock.now() + timedelta(days=2)
    return {"to": "sam", "ends_at": f"{until:%Y-%m-%dT%H:%M}", "reason": "On leave.", **said}


def test_the_page_says_what_is_known_of_one(world: World, as_: As) -> None:
    said = words(as_("rita").get("/you/"))
    for known in ("Rita Test", "rita@example.test", "Mona Test", "Engineers", "nobody but you"):
        assert known in said


def test_the_time_zone_is_chosen_and_recorded_once(world: World, as_: As) -> None:
    client = as_("rita")
    for _ in range(2):
        assert client.post("/you/", {"time_zone": "Asia/Tokyo"}).status_code == 302
    world["rita"].refresh_from_db()
    assert world["rita"].time_zone == "Asia/Tokyo"
    assert Event.objects.filter(verb="person.time_zone_set").count() == 1
    refused = client.post("/you/", {"time_zone": "Moon/Sea"})
    assert refused.status_code == 422
    assert "Choose a time zone of the list." in words(refused)


def test_a_delegate_is_named_by_username_or_name_and_decides_with_both_names(world: World, as_: As) -> None:
    mona, sam = as_("mona"), as_("sam")
    assert mona.post("/you/delegation/", typed(to="sam test")).status_code == 302
    held = Delegation.objects.get()
    assert (held.delegator, held.delegate) == (world["mona"], world["sam"])
    assert "Sam Test" in words(mona.get("/you/"))
    assert "Mona Test" in words(sam.get("/you/"))
    request = ask(world, "rita", "door")
    assert f"chosen={request.pk}" in words(sam.get("/queue/"))
    page = words(sam.get(f"/requests/{request.pk}/approve/"))
    assert "You decide for Mona Test, who has named you." in page
    assert "for <strong" in words(sam.get(f"/requests/{request.pk}/"))
    approve(world, request, "sam")
    assert Approval.objects.get(request=request).on_behalf_of == world["mona"]
    assert "Sam Test for Mona Test approved" in words(as_("rita").get(f"/requests/{request.pk}/"))


def test_it_is_ended_by_either_of_the_two(world: World, as_: As) -> None:
    for who in ("mona", "sam"):
        as_("mona").post("/you/delegation/", typed())
        held = Delegation.objects.latest("pk")
        assert as_("kai").post(f"/delegations/{held.pk}/end/").status_code == 404
        assert as_(who).post(f"/delegations/{held.pk}/end/").status_code == 302
        assert as_(who).post(f"/delegations/{held.pk}/end/").status_code == 409
    said = words(as_("mona").get("/you/delegation/"))
    assert said.count("Ended early") == 2


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"to": ""}, "Name somebody."),
        ({"to": "nobody-here"}, "There is nobody here called nobody-here."),
        ({"to": "mona"}, "Name somebody else"),
        ({"to": "x\x00"}, "Null characters are not allowed."),
        ({"ends_at": ""}, "Choose when it ends."),
        ({"ends_at": "2001-01-01T10:00"}, "Choose an end after the start"),
        ({"ends_at": "2099-01-01T10:00"}, "Choose at most 90 days."),
        ({"reason": ""}, "Say why, for the record."),
    ],
)
def test_what_is_refused_stays_typed(world: World, as_: As, said: dict[str, str], sentence: str) -> None:
    answer = as_("mona").post("/you/delegation/", typed(**said))
    assert answer.status_code == 422
    assert sentence in words(answer)
    if "reason" not in said:
        assert "On leave." in words(answer)
    assert not Delegation.objects.exists()


def test_a_name_that_two_people_have_needs_a_username(world: World, as_: As) -> None:
    people.create_person(actor=world["root"], username="sam2", name="Sam Test")
    answer = as_("mona").post("/you/delegation/", typed(to="Sam Test"))
    assert "Several people are called Sam Test." in words(answer)


def test_a_second_delegation_for_the_same_time_is_a_conflict(world: World, as_: As) -> None:
    delegations.delegate(
        actor=world["mona"], to=world["kai"], ends_at=clock.now() + timedelta(days=1), reason="Away."
    )
    answer = as_("mona").post("/you/delegation/", typed())
    assert answer.status_code == 409
    assert "Kai Test decides for you" in words(answer)

"""A request's page: its story, its revisions as differences, and what its requester may do with it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from jitportal.models import AccessRequest
from jitportal.operations import clock
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn


def typed(revision: int, **fields: str) -> dict[str, str]:
    plain = {
        "scope": "all",
        "minutes_number": "20",
        "minutes_unit": "minutes",
        "start_mode": "at_once",
        "justification": "Another reason, which is long enough.",
        "ticket": "",
        "revision": str(revision),
    }
    return {**plain, **fields}


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_story_is_told_in_the_order_in_which_it_happened(ed: Client) -> None:
    request = house.approve(house.ask(), minutes=20)
    house.work()
    told = words(ed.get(f"/requests/{request.pk}/").content.decode())
    steps = [
        "Ed Test asked for Operator of this portal",
        "Mona Test approved stage manager, for 20 minutes and no longer",
        "is granted to Ed Test",
        "starts for Ed Test until",
        "is live for Ed Test",
    ]
    places = [told.index(step) for step in steps]
    assert places == sorted(places)
    assert "asks for 20 minutes (asked for 30 minutes, shortened)" in told
    assert "The target cuts" in told
    assert "Under policy 1 , because: ed is a member of team engineers." in told


def test_revisions_show_as_differences(ed: Client) -> None:
    request = house.send_back(house.ask(role="cage"))
    assert "Which rack? Mona Test sent it back" in words(
        ed.get(f"/requests/{request.pk}/edit/").content.decode()
    )
    ed.post(f"/requests/{request.pk}/edit/", typed(1, scope="right"))
    html = ed.get(f"/requests/{request.pk}/").content.decode()
    assert "<del>left</del> <ins>right</ins>" in html
    assert "<del>30 minutes</del> <ins>20 minutes</ins>" in html
    assert f"<del>{house.WHY}</del>" in html
    assert "Which rack?" in html


def test_a_change_voids_what_was_approved(ed: Client) -> None:
    request = house.approve(house.ask(role="cabinet"), "kai")
    assert request.stage == 1
    answer = ed.post(f"/requests/{request.pk}/edit/", typed(1))
    assert answer.status_code == 302
    request.refresh_from_db()
    assert (request.stage, request.minutes, request.status) == (0, 20, "pending")


def test_a_stale_revision_is_a_conflict_and_keeps_what_was_typed(ed: Client) -> None:
    request = house.ask()
    assert ed.post(f"/requests/{request.pk}/edit/", typed(1)).status_code == 302
    late = typed(1, justification="What was typed in the other window", minutes_number="15")
    answer = ed.post(f"/requests/{request.pk}/edit/", late)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "newer revision (2) than the one you edited (1)" in html
    assert "What was typed in the other window</textarea>" in html
    assert 'name="minutes_number" value="15"' in html
    assert AccessRequest.objects.get().minutes == 20


@pytest.mark.parametrize("revision", ["", "0", "-1", "two", "9" * 40, "2"])
def test_a_forged_revision_changes_nothing(ed: Client, revision: str) -> None:
    request = house.ask()
    answer = ed.post(f"/requests/{request.pk}/edit/", {**typed(1), "revision": revision})
    assert answer.status_code in (409, 422)
    assert b"Another reason, which is long enough.</textarea>" in answer.content
    assert AccessRequest.objects.get().minutes == 30


def test_what_is_decided_cannot_be_changed(ed: Client) -> None:
    request = house.approve(house.ask(role="cage"))
    answer = ed.post(f"/requests/{request.pk}/edit/", typed(1, scope="left"))
    assert answer.status_code == 409
    assert b"This request is approved" in answer.content


def test_after_the_deadline_nothing_is_changed_any_more(ed: Client) -> None:
    request = house.ask()
    with clock.moved(to=request.lapses_at + timedelta(seconds=1)):
        answer = ed.post(f"/requests/{request.pk}/edit/", typed(1))
        assert answer.status_code == 409
        assert b"had to be decided by" in answer.content
        page = ed.get(f"/requests/{request.pk}/").content.decode()
        assert "Lapsed" in page  # by the clock, before any sweeper
        assert "The time to decide on this request has passed." in page


def test_withdrawing_asks_for_no_reason_and_takes_one(ed: Client) -> None:
    first = house.ask()
    assert ed.post(f"/requests/{first.pk}/withdraw/").status_code == 302
    second = house.ask()
    ed.post(f"/requests/{second.pk}/withdraw/", {"reason": "Found another way."})
    assert {one.status for one in AccessRequest.objects.all()} == {"withdrawn"}
    assert b"Found another way." in ed.get(f"/requests/{second.pk}/").content


def test_withdrawing_twice_is_a_conflict(ed: Client) -> None:
    request = house.ask()
    ed.post(f"/requests/{request.pk}/withdraw/")
    answer = ed.post(f"/requests/{request.pk}/withdraw/", {"reason": "Once more"})
    assert answer.status_code == 409
    assert b"Once more</textarea>" in answer.content


@pytest.mark.parametrize("verb", ["edit", "withdraw", "clone"])
def test_somebody_elses_request(as_: SignedIn, verb: str) -> None:
    """A stranger isn't told that it exists; who may read it is told why it isn't theirs."""
    request = house.ask()
    for method in ("get", "post"):
        assert getattr(as_("sam"), method)(f"/requests/{request.pk}/{verb}/").status_code == 404
        answer = getattr(as_("mona"), method)(f"/requests/{request.pk}/{verb}/")
        assert answer.status_code == 403
        assert b"Only the requester" in answer.content
    request.refresh_from_db()
    assert request.status == "pending"


def test_who_sees_a_request(as_: SignedIn) -> None:
    request = house.ask(role="cabinet")
    usernames = ("ed", "mona", "olga", "kai", "eve", "sam")
    seen = {username: as_(username).get(f"/requests/{request.pk}/").status_code for username in usernames}
    assert seen == {"ed": 200, "mona": 200, "olga": 200, "kai": 200, "eve": 404, "sam": 404}


def test_an_id_that_nothing_has(ed: Client) -> None:
    places = ["/requests/{}/", "/requests/{}/edit/", "/grants/{}/", "/grants/{}/start/", "/reviews/{}/"]
    for place in places:
        for pk in (0, 999_999, 2**63 - 1, 2**63, 10**25):
            assert ed.get(place.format(pk)).status_code == 404
            assert ed.post(place.format(pk)).status_code in (404, 405)

"""Several roles in one go: each its own request, what fails stays with what was typed, pathways never mix."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from jitportal.models import AccessRequest
from jitportal.operations import clock
from jitportal.rules.vocabulary import RequestStatus
from tests.web.engineer import house
from tests.web.engineer.conftest import SignedIn
from tests.web.engineer.test_request_forms import local

CHOOSE = "/request/several/"
JIT = "/request/several/jit/"
TEMPORARY = "/request/several/temporary/"
ROLES = ["operator", "cage", "lift"]


def typed(roles: list[str] = ROLES, **fields: str) -> dict[str, str | list[str]]:
    said: dict[str, str | list[str]] = {"role": roles, "start_mode": "at_once", "justification": house.WHY}
    for role in roles:
        said[f"{role}-scope"] = "left" if role == "cage" else "all"
        said[f"{role}-minutes_number"], said[f"{role}-minutes_unit"] = "20", "minutes"
    return {**said, "ticket": "CHG-2001", **{key.replace("__", "-"): text for key, text in fields.items()}}


def asked() -> list[str]:
    return sorted(AccessRequest.objects.values_list("role__key", flat=True))


def test_each_becomes_a_request_of_its_own(ed: Client) -> None:
    answer = ed.post(JIT, typed(operator__minutes_number="45"))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert asked() == ["cage", "lift", "operator"]
    for request in AccessRequest.objects.select_related("current", "role"):
        assert request.asked.justification == house.WHY
        assert request.asked.ticket == "CHG-2001"
        assert request.minutes == (45 if request.role.key == "operator" else 20)
    assert "Your 3 requests are made." in ed.get("/").content.decode()


def test_what_fails_stays_with_what_was_typed_and_the_rest_is_made(ed: Client) -> None:
    house.ask(role="cage")  # an open request is in the way
    answer = ed.post(JIT, typed(lift__minutes_number="90"))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert asked() == ["cage", "operator"]
    assert "Made: " in html
    assert "Operator of this portal, All of" in html
    assert "Server cage: You have an open request for this role and scope already" in html
    assert "Goods lift: Goods lift lasts 1 hour at most. Ask for less." in html
    assert 'name="lift-minutes_number" value="90"' in html
    assert f"{house.WHY}</textarea>" in html
    assert re.findall(r'name="role" value="(\w+)"', html) == ["cage", "lift"]
    # mended, only these are sent again
    again = ed.post(JIT, typed(["lift"]))
    assert again.status_code == 302
    assert asked() == ["cage", "lift", "operator"]


def test_what_one_role_wants_of_the_words_stands_with_that_role(ed: Client) -> None:
    html = ed.post(JIT, typed(ticket="")).content.decode()
    assert "Goods lift: Goods lift needs a ticket. Such as CHG-2001." in html
    assert asked() == ["cage", "operator"]


def test_where_the_words_for_all_cannot_be_read_nothing_is_made(ed: Client) -> None:
    answer = ed.post(JIT, typed(start_mode="scheduled", starts_at="soon", operator__minutes_number="x"))
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Give a date and a time" in html
    assert "Operator of this portal: Give a whole number." in html
    assert 'value="soon"' in html
    assert asked() == []


def test_one_start_for_all(ed: Client) -> None:
    start = (clock.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    assert ed.post(JIT, typed(start_mode="scheduled", starts_at=local(start))).status_code == 302
    assert {request.asked.opens_at for request in AccessRequest.objects.select_related("current")} == {start}


def test_looking_first_and_leaving_one_out_make_nothing_and_keep_what_was_typed(ed: Client) -> None:
    html = ed.post(JIT, typed(look="1", operator__minutes_number="37")).content.decode()
    assert 'name="operator-minutes_number" value="37"' in html
    html = ed.post(JIT, typed(without="cage", operator__minutes_number="37")).content.decode()
    assert re.findall(r'name="role" value="(\w+)"', html) == ["operator", "lift"]
    assert 'name="operator-minutes_number" value="37"' in html
    assert f"{house.WHY}</textarea>" in html
    assert ed.post(JIT, typed(["cage"], without="cage")).status_code == 302
    assert asked() == []


def test_the_panel_says_of_each_who_decides(ed: Client) -> None:
    form = ed.get(JIT, {"role": ["operator", "flash"]}).content.decode()
    assert form.count("Mona Test decides.") == 2
    assert form.count("Too few decisions to say how long it takes") == 2
    panel = ed.get(
        JIT, typed(["operator", "flash"], flash__minutes_number="10"), headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" not in panel
    assert "rule short loans matches" in panel
    assert panel.count("Too few decisions") == 1
    assert asked() == []


def test_the_pathways_are_never_mixed(ed: Client) -> None:
    mixed = ed.get(CHOOSE, {"role": ["operator", "cabinet", "cage"]})
    html = mixed.content.decode()
    assert mixed.status_code == 200
    assert f'{JIT}?role=operator&amp;role=cage"' in html
    assert f'{TEMPORARY}?role=cabinet"' in html
    ed.post(JIT, typed(["operator", "cabinet"]))
    ed.post(TEMPORARY, typed(["lift"]))
    assert asked() == ["operator"]


def test_the_chosen_lead_to_their_form(ed: Client) -> None:
    assert (
        ed.get(CHOOSE, {"role": ["operator", "cage"]}).headers["Location"] == f"{JIT}?role=operator&role=cage"
    )
    assert ed.get(CHOOSE, {"role": ["cabinet"]}).headers["Location"] == "/request/temporary/cabinet/"
    for nothing in ({}, {"role": ["rescue", "nothing", "\x00"]}):
        assert "Choose the roles first" in ed.get(CHOOSE, nothing).content.decode()


def test_ticks_survive_another_search(ed: Client) -> None:
    html = ed.get("/request/", {"q": "cabinet", "role": ["lift", "guests"]}).content.decode()
    assert re.findall(r'value="(\w+)" checked', html) == ["lift"]  # guests isn't ed's to request
    assert 'value="cabinet"' in html
    assert html.count('value="lift"') == 1


def test_nobody_asks_for_what_isnt_theirs(as_: SignedIn) -> None:
    answer = as_("sam").post(JIT, typed(["operator", "rescue"]))
    assert answer.status_code == 422
    assert "You aren&#x27;t eligible for Operator of this portal." in answer.content.decode()
    assert asked() == []


@pytest.mark.parametrize("roles", [[], ["nothing"], ["rescue"], ["cabinet"], ["x" * 500]])
def test_an_address_without_roles_of_its_pathway(ed: Client, roles: list[str]) -> None:
    assert ed.get(JIT, {"role": roles}).status_code == 404
    assert ed.post(JIT, typed(roles)).status_code == 404
    assert asked() == []


def test_the_same_role_twice_is_asked_for_once(ed: Client) -> None:
    assert ed.post(JIT, typed(["operator", "operator"])).status_code == 302
    assert asked() == ["operator"]
    assert AccessRequest.objects.get().status == RequestStatus.PENDING

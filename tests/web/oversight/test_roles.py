"""Roles: the rules in words for everybody, and who holds each of them now."""

from __future__ import annotations

from datetime import timedelta

from jitportal.operations import clock
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, elevate


def test_everybody_reads_who_may_ask_who_decides_and_the_caps(world: World, as_: As) -> None:
    page = words(as_("sam").get("/roles/cabinet/"))
    for said in (
        "team Engineers",
        "team keepers",
        "the requester&#x27;s manager",
        "14 days",
        "Portal only",
        "High risk",
        "Olga Test",
    ):
        assert said in page


def test_who_holds_it_now_goes_by_the_clock(world: World, as_: As) -> None:
    assert "Nobody holds it right now." in words(as_("sam").get("/roles/door/"))
    approve(world, ask(world, "rita", "door", minutes=30), "mona")
    assert "Rita Test" in words(as_("sam").get("/roles/door/"))
    assert "1 holds it now" in words(as_("sam").get("/roles/"))
    with clock.moved(by=timedelta(minutes=31)):
        assert "Rita Test" not in words(as_("sam").get("/roles/door/"))


def test_only_those_who_may_see_the_grant_are_led_to_it(world: World, as_: As) -> None:
    grant = approve(world, ask(world, "rita", "door"), "mona").grant
    address = f"/grants/{grant.pk}/"
    assert address not in words(as_("sam").get("/roles/door/"))
    assert address in words(as_("mona").get("/roles/door/"))


def test_the_history_is_the_owners_and_the_auditors(world: World, as_: As) -> None:
    ask(world, "rita", "door")
    elevate(world, "auda", "auditor")
    said = "Rita Test asked for Server room door"
    assert said not in words(as_("sam").get("/roles/door/"))
    assert said in words(as_("olga").get("/roles/door/"))
    page = words(as_("auda").get("/roles/door/"))
    assert said in page
    assert "/record/" in page


def test_a_word_narrows_the_list(world: World, as_: As) -> None:
    sam = as_("sam")
    page = words(sam.get("/roles/?q=cage"))
    assert "Server cage" in page
    assert "Key cabinet" not in page
    assert "No role speaks of that." in words(sam.get("/roles/?q=submarine"))
    assert sam.get("/roles/", {"q": "x" * 300}).status_code == 422
    assert sam.get("/roles/", {"q": "\x00"}).status_code == 422

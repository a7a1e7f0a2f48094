"""Roles: the rules in words for everybody, and who holds each of them now."""

from __future__ import annotations

from datetime import timedelta

from jitportal.operations import clock
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask, elevate
from tests.web.world_policy import POLICY


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
    assert "held by 1 now" in words(as_("sam").get("/roles/"))
    with clock.moved(by=timedelta(minutes=31)):
        assert "Rita Test" not in words(as_("sam").get("/roles/door/"))


def test_everybody_sees_who_is_elevated_until_when_and_what_ends_it(world: World, as_: As) -> None:
    assert "Nobody is elevated right now." in words(as_("sam").get("/grants/"))
    asked = ask(world, "rita", "door", minutes=30, justification="Swap the failed fan of the build server.")
    grant = approve(world, asked, "mona").grant
    page = words(as_("sam").get("/grants/"))
    for said in ("Rita Test", "Server room door", "Portal only", "1 in force, held by 1 person"):
        assert said in page
    assert "Swap the failed fan" not in page  # why is for those who may see the grant
    assert f"/grants/{grant.pk}/" not in page
    page = words(as_("mona").get("/grants/?q=rita+door"))
    assert "Swap the failed fan" in page
    assert f"/grants/{grant.pk}/" in page
    assert "Nothing in force speaks of that." in words(as_("mona").get("/grants/?q=rita+submarine"))
    assert as_("sam").get("/grants/", {"q": "x" * 300}).status_code == 422
    with clock.moved(by=timedelta(minutes=31)):
        assert "Rita Test" not in words(as_("sam").get("/grants/"))


def test_a_page_that_needs_a_power_leads_to_the_role_that_gives_it(as_: As) -> None:
    sam = as_("sam")
    for address, power in (("/record/", "auditor"), ("/problems/", "operator")):
        refused = sam.get(address)
        assert refused.status_code == 403
        assert f'href="/request/?q={power}"' in refused.content.decode()


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


def test_its_lines_in_the_policy_lead_editors_to_the_editor(world: World, as_: As) -> None:
    line = 1 + next(number for number, one in enumerate(POLICY.split("\n")) if one.startswith("    door:"))
    page = words(as_("sam").get("/roles/door/"))
    assert f'data-number="{line}"' in page
    assert "      description: Enter the server room." in page
    assert "Open the cage" not in page
    assert "Changing the policy needs the policy editor" in page
    assert "/eligible/" not in page
    elevate(world, "paul", "policy-editor")
    page = words(as_("paul").get("/roles/door/"))
    assert f'href="/policy/propose/#L{line}"' in page
    assert "/policy/roles/door/eligible/" in page
    assert "/policy/roles/door/caps/" in page


def test_how_long_people_wait_is_said_once_enough_is_known(world: World, as_: As) -> None:
    assert "Too few decisions to say" in words(as_("sam").get("/roles/door/"))
    for day in range(1, 6):
        with clock.moved(by=timedelta(days=-day)):
            asked = ask(world, "rita", "door", minutes=5)
        with clock.moved(by=timedelta(days=-day, minutes=10)):
            approve(world, asked, "mona")
    page = words(as_("sam").get("/roles/door/"))
    assert "Nine in ten are decided within 10 minutes (5 decisions in 30 days)." in page

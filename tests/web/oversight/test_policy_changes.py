"""The common changes by a form: it writes the text, which is then proposed as any other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from jitportal.models import PolicyVersion
from jitportal.operations import people
from jitportal.rules.policy_document import load
from jitportal.rules.vocabulary import Pathway
from tests.web.oversight.conftest import As, words
from tests.web.world import World, elevate
from tests.web.world_policy import POLICY

ROLE = {
    "name": "Read the visitors' book",
    "description": "See who came.",
    "target": "building",
    "pathway": "jit",
    "entitlement": "book",
    "scopes": "",
    "people": "rita, sam",
    "teams": ["keepers"],
    "decides": "manager",
    "then_decides": "team:keepers",
    "longest_number": "30",
    "longest_unit": "minutes",
    "risk": "low",
    "owner": "olga",
    "note": "Reception asked for it.",
}


@pytest.fixture
def paul(world: World, as_: As) -> Client:
    elevate(world, "paul", "policy-editor")
    return as_("paul")


def adds(client: Client, **data: Any) -> Any:
    return client.post("/policy/roles/new/", {**ROLE, **data})


def plain_words(answer: Any) -> str:
    """The page's words without its marks."""
    return " ".join(re.sub(r"<[^>]+>", "", words(answer)).split())


def text_in(answer: Any) -> str:
    assert answer.status_code == 200, words(answer)
    return str(answer.context["form"]["text"].value())


def test_a_new_role_opens_in_the_editor_with_its_plan_and_is_proposed(paul: Client) -> None:
    answer = adds(paul)
    text, page = text_in(answer), words(answer)
    role = load(text).roles["read-the-visitors-book"]
    assert (role.owner, role.max_minutes) == ("olga", 30)
    assert role.eligible_people == {"rita", "sam"}
    assert [stage.name for stage in role.stages] == ["manager", "keepers"]
    assert "new just-in-time role on building, low risk" in page
    assert "Reception asked for it." in page
    line = 1 + next(
        n
        for n, (old, new) in enumerate(zip(POLICY.split("\n"), text.split("\n"), strict=False))
        if old != new
    )
    assert f'href="#L{line}"' in page
    form = answer.context["form"]
    sent = {name: form[name].value() for name in ("text", "note", "planned", "base")}
    done = paul.post("/policy/propose/", {**sent, "propose": "yes"})
    assert done.headers["Location"] == "/policy/2/"
    assert PolicyVersion.objects.get(number=2).note == "Reception asked for it."


def test_who_may_add_a_role_is_led_to_its_form(paul: Client, as_: As) -> None:
    assert 'href="/policy/roles/new/"' in words(paul.get("/roles/"))
    assert 'href="/policy/roles/new/"' not in words(as_("sam").get("/roles/"))


def test_scopes_stand_one_on_a_line(paul: Client) -> None:
    answer = adds(paul, entitlement="", scopes="front: book-front, The front desk's\nback: book-back\n")
    role = load(text_in(answer)).roles["read-the-visitors-book"]
    assert {one.key: (one.entitlement, one.name) for one in role.scopes.values()} == {
        "front": ("book-front", "The front desk's"),
        "back": ("book-back", "back"),
    }


@pytest.mark.parametrize(
    ("field", "data", "said"),
    [
        ("entitlement", {"scopes": "front: x"}, "Give either"),
        ("entitlement", {"entitlement": ""}, "Give either"),
        ("scopes", {"entitlement": "", "scopes": "no colon"}, "is no scope"),
        ("scopes", {"entitlement": "", "scopes": "a: x\na: y"}, "stands here twice"),
        ("scopes", {"entitlement": "", "scopes": "A b: x"}, "be a key"),
        ("key", {"key": "No Key"}, "be a key"),
        ("key", {"key": "door"}, "There is a role"),
        ("key", {"name": "漢字"}, "Give the role a key"),
        ("people", {"people": "rita nobody"}, "There is no person nobody"),
        ("people", {"people": "gwen-" * 900}, "at most 4000 characters"),
        ("owner", {"owner": "olgaa"}, "Did you mean `olga`"),
        ("longest", {"longest_unit": "hours"}, "over the cap of jit_access"),
        ("longest", {"longest_number": "0"}, "at least one minute"),
        ("target", {"target": "moon"}, "valid choice"),
        ("pathway", {"pathway": "break_glass"}, "valid choice"),
        ("teams", {"teams": ["ghosts"]}, "valid choice"),
        ("decides", {"decides": "", "then_decides": "manager"}, "who decides first"),
        ("name", {"name": "\x00"}, "Null characters"),
        ("name", {"name": ""}, "Name the role."),
        ("owner", {"owner": ""}, "Say who answers for it."),
        ("longest", {"longest_number": ""}, "Say for how long."),
        ("note", {"note": ""}, "Say what this changes, and why."),
    ],
)
def test_what_cant_be_is_said_at_its_field_and_nothing_is_lost(
    paul: Client, field: str, data: dict[str, Any], said: str
) -> None:
    answer = adds(paul, **data)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert any(said in error for error in form.errors[field]), form.errors
    assert form["description"].value() == "See who came."
    assert PolicyVersion.objects.count() == 1


def test_an_empty_form_says_of_each_field_what_it_wants(paul: Client) -> None:
    answer = paul.post("/policy/roles/new/")
    said = [error for errors in answer.context["form"].errors.values() for error in errors]
    assert len(set(said)) == len(said), "two of them can't be told apart"
    assert "This field is required" not in words(answer)
    marked = [link.label for link in answer.context["frame"].rest if link.current]
    assert marked == ["Policy"], "and the policy stays marked in the rail"


def test_people_and_teams_come_and_go(paul: Client) -> None:
    answer = paul.post(
        "/policy/roles/cage/eligible/",
        {"add_people": "sam", "add_teams": ["keepers"], "remove_teams": ["support"], "note": "Moved."},
    )
    text = text_in(answer)
    role = load(text).roles["cage"]
    assert role.eligible_people == {"sam"}
    assert role.eligible_teams == {"engineers", "keepers"}
    page = words(answer)
    assert "sam may now request it" in page
    assert "team support may no longer request it" in page
    assert "        teams: [engineers, keepers]\n        people: [sam]\n" in text


def test_whom_nothing_changes_for_is_said(paul: Client) -> None:
    for data, said in (
        ({}, "Say whom to add"),
        ({"add_people": "nobody"}, "There is no person nobody"),
        ({"remove_teams": ["keepers"]}, "valid choice"),
    ):
        answer = paul.post("/policy/roles/cage/eligible/", {"note": "Why not.", **data})
        assert answer.status_code == 422
        assert said in words(answer)


def test_a_cap_is_changed_and_the_others_stay(paul: Client) -> None:
    page = words(paul.get("/policy/roles/cage/caps/"))
    assert "How long Server cage may last" in page
    lengths = {
        "max_number": "40",
        "max_unit": "minutes",
        "recommended_number": "30",
        "recommended_unit": "minutes",
    }
    answer = paul.post(
        "/policy/roles/cage/caps/",
        {**lengths, "max_total_number": "4", "max_total_unit": "hours", "note": "Less."},
    )
    role = load(text_in(answer)).roles["cage"]
    assert (role.max_minutes, role.recommended_minutes, role.max_total_minutes) == (40, 30, 240)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Nothing differs"),
        ({"max_number": "2", "max_unit": "hours"}, "over the cap of jit_access"),
        ({"recommended_number": "61"}, "no more than the longest"),
        ({"max_total_number": "1", "max_total_unit": "minutes"}, "at least the longest grant in all"),
        ({"max_number": "x"}, "whole number"),
    ],
)
def test_a_cap_that_cant_be_is_said(paul: Client, data: dict[str, str], said: str) -> None:
    now = {"max_number": "1", "max_unit": "hours", "recommended_number": "30", "recommended_unit": "minutes"}
    answer = paul.post(
        "/policy/roles/cage/caps/",
        {**now, "max_total_number": "4", "max_total_unit": "hours", "note": "More.", **data},
    )
    assert answer.status_code == 422
    assert said in words(answer)


def test_a_role_lasts_longer_than_its_pathway_allowed_by_one_form(paul: Client) -> None:
    lengths = {"max": "90", "recommended": "30", "max_total": "240", "pathway": "120"}
    numbers = {f"{name}_number": number for name, number in lengths.items()}
    units = {f"{name}_unit": "minutes" for name in lengths}
    answer = paul.post("/policy/roles/cage/caps/", {**numbers, **units, "note": "Longer moves."})
    document = load(text_in(answer))
    assert document.pathways[Pathway.JIT].max_minutes == 120
    assert document.roles["cage"].max_minutes == 90
    assert document.roles["door"].max_minutes == 60, "what says its own length keeps it"
    lower = {**numbers, "max_number": "30", "pathway_number": "45", "max_total_number": "60"}
    answer = paul.post("/policy/roles/cage/caps/", {**lower, **units, "note": "Less for all."})
    assert "over the cap of jit_access" in words(answer), "other roles last longer: the editor says where"
    assert "max_duration_45_minutes" in text_in(answer)


def carried(answer: Any, *names: str) -> dict[str, Any]:
    """What a browser sends on of a page's form."""
    form = answer.context["form"]
    return {name: form[name].value() or "" for name in names}


def test_several_changes_by_forms_go_into_one_proposal(paul: Client) -> None:
    """Each form goes on from the editor's text, and gives it back with its change."""
    editor = adds(paul)
    role = "read-the-visitors-book"
    begun = {"change": "eligible", "role": role}
    form = paul.post("/policy/changes/", {**carried(editor, "text", "note", "base"), **begun})
    assert "Who may ask for Read the visitors&#x27; book" in words(form)
    assert form.context["form"]["note"].value() == "Reception asked for it."
    sent = carried(form, "text", "base") | {
        "remove_people": ["sam"],
        "note": "Reception asked, but not for Sam.",
    }
    wrong = paul.post(f"/policy/roles/{role}/eligible/", {**sent, "add_people": "nobody"})
    assert wrong.status_code == 422
    assert carried(wrong, "text") == carried(form, "text"), "nothing is lost on the way"
    editor = paul.post(f"/policy/roles/{role}/eligible/", sent)
    assert load(text_in(editor)).roles[role].eligible_people == {"rita"}
    proposal = carried(editor, "text", "note", "planned", "base") | {"propose": "yes"}
    assert paul.post("/policy/propose/", proposal).headers["Location"] == "/policy/2/"
    stored = PolicyVersion.objects.get(number=2)
    assert load(stored.text).roles[role].eligible_people == {"rita"}
    assert stored.note == "Reception asked, but not for Sam."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"text": "elevation_policy: ["}, "mend what is listed by line first"),
        ({"text": ""}, "Type the policy, or choose a file."),
        ({"change": "caps", "role": "moon"}, "There is no role “moon” in this text."),
        ({"change": "caps"}, "Say which role should change."),
        ({"change": "everything", "role": "cage"}, "Choose what should change."),
    ],
)
def test_a_form_begins_only_where_it_can_write(paul: Client, data: dict[str, str], said: str) -> None:
    answer = paul.post("/policy/changes/", {"text": POLICY, "note": "Why.", **data})
    assert answer.status_code == 422
    assert said in words(answer)
    assert answer.context["form"]["note"].value() == "Why."


def test_who_can_be_the_second_person_is_named(world: World, paul: Client) -> None:
    assert "After asking for Policy editor" in plain_words(paul.get("/policy/propose/"))
    elevate(world, "polly", "policy-editor")
    now = "Now: Polly Test, who holds the power of a policy editor."
    assert now in plain_words(paul.get("/policy/propose/"))
    proposal = carried(adds(paul), "text", "note", "planned", "base") | {"propose": "yes"}
    paul.post("/policy/propose/", proposal)
    page = plain_words(paul.get("/policy/2/"))
    assert "A second person has to approve it." in page
    assert now in page


def test_what_went_wrong_elsewhere_is_shown_at_its_line(world: World, paul: Client) -> None:
    people.deactivate(actor=world["root"], person=world["olga"], reason="Left.")
    answer = paul.post("/policy/roles/cage/eligible/", {"add_people": "sam", "note": "More."})
    assert "There is no person <code>olga</code>" in words(answer)
    assert "people: [sam]" in text_in(answer)


def test_a_role_that_the_policy_doesnt_offer_isnt_found(paul: Client) -> None:
    for path in ("eligible", "caps"):
        assert paul.get(f"/policy/roles/moon/{path}/").status_code == 404

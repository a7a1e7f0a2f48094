"""Changing the policy in the browser: checked by line, planned before it is proposed, two people."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.rules.vocabulary import PolicyStatus
from tests.web.oversight.conftest import As, words
from tests.web.world import World, elevate
from tests.web.world_policy import POLICY

SHORTER = POLICY.replace("max_minutes: 60\n      risk: low", "max_minutes: 30\n      risk: low")
NOTE = "Shorter cages."
BROKEN = POLICY.replace("connector: manual", "connector: magic").replace("owner: olga", "owner: nobody", 1)


@pytest.fixture
def paul(world: World, as_: As) -> Client:
    elevate(world, "paul", "policy-editor")
    return as_("paul")


@pytest.fixture
def polly(world: World, as_: As) -> Client:
    elevate(world, "polly", "policy-editor")
    return as_("polly")


@pytest.fixture
def proposed(world: World, paul: Client) -> PolicyVersion:
    return policies.propose(actor=world["paul"], text=SHORTER, note=NOTE)


def propose(client: Client, **data: object) -> Any:
    return client.post("/policy/propose/", {"note": NOTE, **data})


def test_everybody_reads_the_policy_in_force(world: World, as_: As) -> None:
    page = words(as_("sam").get("/policy/"))
    assert "Policy 1 is in force" in page
    assert "elevation_policy:" in page
    assert "Changing the policy needs the policy editor" in page  # the tooltip of the button


def test_the_plan_is_shown_and_nothing_stored_yet(paul: Client) -> None:
    page = words(propose(paul, text=SHORTER))
    assert "Narrows" in page
    assert "1 hour to 30 minutes" in page
    assert PolicyVersion.objects.count() == 1


def test_only_the_text_whose_plan_was_shown_is_proposed(paul: Client) -> None:
    planned = propose(paul, text=SHORTER).context["form"]["planned"].value()
    other = SHORTER.replace("max_minutes: 30", "max_minutes: 20")
    page = words(propose(paul, text=other, planned=planned, propose="yes"))
    assert "1 hour to 20 minutes" in page
    assert PolicyVersion.objects.count() == 1
    answer = propose(paul, text=SHORTER, planned=planned, propose="yes")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/policy/2/")
    assert PolicyVersion.objects.get(number=2).text == SHORTER


def test_a_browsers_line_ends_make_no_difference(paul: Client) -> None:
    typed = SHORTER.replace("\n", "\r\n")
    planned = propose(paul, text=typed).context["form"]["planned"].value()
    assert propose(paul, text=typed, planned=planned, propose="yes").status_code == 302
    assert PolicyVersion.objects.get(number=2).text == SHORTER


def test_every_problem_is_listed_with_its_line_and_the_text_kept(paul: Client) -> None:
    answer = propose(paul, text=BROKEN)
    page = words(answer)
    assert answer.status_code == 422
    lines = BROKEN.split("\n")
    for what in ("connector: magic",):
        assert f"Line {next(number for number, line in enumerate(lines, 1) if what in line)}" in page
    assert page.count("connector: magic") >= 2  # beside the problem, and in the text that was typed
    assert PolicyVersion.objects.count() == 1


def test_who_isnt_in_the_directory_is_a_problem_too(paul: Client) -> None:
    page = words(propose(paul, text=POLICY.replace("owner: olga", "owner: nobody", 1)))
    assert "There is no person <code>nobody</code>" in page
    assert "Line " in page


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "\x00", "[" * 5000, "a: *b", "x" * 500_001, "elevation_policy: 7", "\ud800", "- " * 9000],
)
def test_what_is_no_policy_is_refused_and_never_breaks(paul: Client, text: str) -> None:
    answer = propose(paul, text=text.encode("utf-8", "replace").decode())
    assert answer.status_code == 422
    assert PolicyVersion.objects.count() == 1


def test_a_file_takes_the_place_of_the_text(paul: Client) -> None:
    file = SimpleUploadedFile("policy.yaml", SHORTER.encode())
    answer = propose(paul, text=POLICY, file=file)
    assert answer.context["form"]["text"].value() == SHORTER
    assert "1 hour to 30 minutes" in words(answer)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00b", b"a\x00b", b"x" * 500_001])
def test_a_file_that_isnt_text_is_refused_and_the_typed_text_kept(paul: Client, content: bytes) -> None:
    answer = propose(paul, text="# typed before", file=SimpleUploadedFile("policy.yaml", content))
    assert answer.status_code == 422
    assert "# typed before" in words(answer)


def test_the_same_text_again_is_a_conflict(paul: Client) -> None:
    planned = propose(paul, text=POLICY).context["form"]["planned"].value()
    answer = propose(paul, text=POLICY, planned=planned, propose="yes")
    assert answer.status_code == 409
    assert "word for word" in words(answer)


def test_the_version_shows_its_difference_the_widening_first(paul: Client, world: World) -> None:
    wider = SHORTER.replace(
        "teams: [engineers, support]\n      max_minutes: 60",
        "teams: [engineers, support, office]\n      max_minutes: 60",
    )
    policies.propose(actor=world["paul"], text=wider, note=NOTE)
    page = words(paul.get("/policy/2/"))
    assert page.index("Widens") < page.index("Narrows")
    assert 'class="line-added"' in page
    assert 'id="L1"' in page


def test_the_proposer_doesnt_approve_and_is_told_why(paul: Client, proposed: PolicyVersion) -> None:
    assert "You proposed this change. A second person has to approve it." in words(paul.get("/policy/2/"))
    answer = paul.post("/policy/2/approve/")
    assert answer.status_code == 403
    proposed.refresh_from_db()
    assert proposed.status == PolicyStatus.PROPOSED


def test_a_second_person_approves_and_it_is_applied(polly: Client, proposed: PolicyVersion) -> None:
    assert polly.post("/policy/2/approve/").status_code == 302
    assert "Bring policy 2 into force" in words(polly.get("/policy/2/"))
    assert polly.post("/policy/2/apply/").status_code == 302
    proposed.refresh_from_db()
    assert proposed.status == PolicyStatus.IN_FORCE


def test_an_earlier_version_comes_back_as_a_proposal_against_the_one_in_force(
    polly: Client, proposed: PolicyVersion
) -> None:
    assert "Go back to policy" not in words(polly.get("/policy/1/"))
    polly.post("/policy/2/approve/")
    polly.post("/policy/2/apply/")
    assert "Go back to policy 1" in words(polly.get("/policy/1/"))
    form = polly.get("/policy/propose/", {"again": "1"}).context["form"]
    back = {name: form[name].value() for name in ("text", "note", "base")}
    assert (back["text"], back["note"], back["base"]) == (POLICY, "Back to policy 1.", 2)
    planned = polly.post("/policy/propose/", back).context["form"]["planned"].value()
    answer = polly.post("/policy/propose/", {**back, "planned": planned, "propose": "1"})
    assert answer.headers["Location"] == "/policy/3/"
    assert PolicyVersion.objects.get(number=3).text == POLICY


def test_what_nobody_approved_isnt_applied(polly: Client, proposed: PolicyVersion) -> None:
    answer = polly.post("/policy/2/apply/")
    assert answer.status_code == 403
    assert "A second person has to approve this change" in words(answer)


def test_turning_down_needs_a_reason_which_is_kept(polly: Client, proposed: PolicyVersion) -> None:
    assert polly.post("/policy/2/reject/", {"reason": " "}).status_code == 422
    assert polly.post("/policy/2/reject/", {"reason": "Too short."}).status_code == 302
    again = polly.post("/policy/2/reject/", {"reason": "Still too short."})
    assert again.status_code == 409
    proposed.refresh_from_db()
    assert proposed.status == PolicyStatus.REJECTED


def test_two_versions_are_compared_whichever_they_are(world: World, as_: As, proposed: PolicyVersion) -> None:
    sam = as_("sam")
    assert "the longest falls from 1 hour to 30 minutes" in words(sam.get("/policy/difference/?old=1&new=2"))
    back = words(sam.get("/policy/difference/?old=2&new=1"))
    assert "the longest rises from 30 minutes to 1 hour" in back
    assert "Compare two policies" in words(sam.get("/policy/difference/"))
    for wrong, status in (
        ("old=1&new=9", 404),
        ("old=x&new=1", 422),
        ("old=1", 422),
        ("new=99999999999&old=1", 422),
    ):
        assert sam.get(f"/policy/difference/?{wrong}").status_code == status


def test_a_version_whose_base_has_gone_is_stale(world: World, polly: Client, proposed: PolicyVersion) -> None:
    other = policies.propose(
        actor=world["paul"], text=POLICY.replace("risk: low", "risk: high"), note="Riskier."
    )
    policies.approve(actor=world["polly"], version=other)
    policies.apply(actor=world["polly"], version=other)
    page = words(polly.get("/policy/2/"))
    assert "Policy 3 has come into force meanwhile" in page
    assert "the risk changes from low to high" in page  # theirs
    assert "the longest falls from 1 hour to 30 minutes" in page  # and its own
    answer = polly.post("/policy/2/approve/")
    assert answer.status_code == 409
    assert "proposed against another version" in words(answer)


@pytest.mark.parametrize("number", ["0", "99", "99999999999999999999999"])
def test_a_version_that_isnt_there_is_not_found(polly: Client, number: str) -> None:
    assert polly.get(f"/policy/{number}/").status_code == 404
    assert polly.post(f"/policy/{number}/approve/").status_code == 404

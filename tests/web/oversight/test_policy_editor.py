"""The policy editor: problems at their lines, the plan of the text, and what came into force meanwhile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.web.forms.policy import digest_of
from tests.web.oversight.conftest import As, words
from tests.web.world import World, elevate
from tests.web.world_policy import POLICY

SHORTER = POLICY.replace("max_minutes: 60\n      risk: low", "max_minutes: 30\n      risk: low")
RISKIER = POLICY.replace("max_days: 14\n      risk: high", "max_days: 14\n      risk: medium")
NOTE = "Shorter cages."


@pytest.fixture
def paul(world: World, as_: As) -> Client:
    elevate(world, "paul", "policy-editor")
    return as_("paul")


@pytest.fixture
def meanwhile(world: World, paul: Client) -> PolicyVersion:
    """Somebody else's version, in force since the editor was opened."""
    elevate(world, "polly", "policy-editor")
    version = policies.propose(actor=world["polly"], text=RISKIER, note="Less risk.")
    policies.approve(actor=world["paul"], version=version)
    return policies.apply(actor=world["polly"], version=version)


def sends(client: Client, **data: object) -> Any:
    return client.post("/policy/propose/", {"note": NOTE, "base": "1", **data})


def types(client: Client, text: str) -> Any:
    """What htmx asks when typing pauses."""
    return client.post("/policy/propose/", {"text": text, "base": "1"}, headers={"HX-Request": "true"})


def test_it_begins_with_the_text_in_force_and_a_number_for_each_line(paul: Client) -> None:
    page = words(paul.get("/policy/propose/"))
    assert 'name="base" value="1"' in page
    lines = POLICY.count("\n") + 1
    assert f'<span id="L{lines}">{lines}</span>' in page
    assert "the system" not in re.sub(r"(?s)<textarea.*?</textarea>", "", page).casefold()


def test_each_problem_leads_to_its_line_which_is_marked(paul: Client) -> None:
    broken = POLICY.replace("connector: manual", "connector: magic").replace("risk: low", "risk: lowish")
    page = words(sends(paul, text=broken, check="yes"))
    assert "2 problems in the document" in page
    for wrong in ("connector: magic", "risk: lowish"):
        line = next(number for number, one in enumerate(broken.split("\n"), 1) if wrong in one)
        assert f'href="#L{line}"' in page
        assert f'<span id="L{line}" class="wrong">{line}</span>' in page
        assert f"<code>{' ' * (6)}{wrong}</code>" in page
    assert "can't use" not in page


def test_checking_needs_no_reason_and_proposing_does(paul: Client) -> None:
    answer = sends(paul, text=SHORTER, note="", check="yes")
    assert answer.status_code == 200
    answer = sends(paul, text=SHORTER, note=" ", propose="yes", planned=digest_of(SHORTER))
    assert answer.status_code == 422
    assert "Say what this changes, and why." in words(answer)
    assert answer.context["form"]["text"].value() == SHORTER
    assert PolicyVersion.objects.count() == 1


def test_while_one_types_the_panel_alone_comes_and_never_a_refusal(paul: Client) -> None:
    answer = types(paul, SHORTER)
    page = words(answer)
    assert (answer.status_code, "<textarea" in page, "<html" in page) == (200, False, False)
    assert "1 hour to 30 minutes" in page
    assert digest_of(SHORTER) in page
    answer = types(paul, "elevation_policy: 7")
    assert answer.status_code == 200
    assert "1 problem in the document" in words(answer)
    for empty in ("", "  ", "\x00", "x" * 500_001):
        assert types(paul, empty).status_code == 200


def test_what_was_typed_since_the_plan_is_planned_before_it_is_proposed(paul: Client) -> None:
    answer = sends(paul, text=SHORTER, planned=digest_of(POLICY), propose="yes")
    assert "the plan of the text as it is now" in words(answer)
    assert PolicyVersion.objects.count() == 1


def test_somebody_elses_version_is_shown_beside_ones_own_change(
    paul: Client, meanwhile: PolicyVersion
) -> None:
    answer = sends(paul, text=SHORTER, planned=digest_of(SHORTER), propose="yes")
    page = words(answer)
    assert answer.status_code == 409
    assert "Policy 2 has come into force meanwhile" in page
    assert "Less risk." in page
    assert "the risk changes from high to medium" in page
    assert "the longest falls from 1 hour to 30 minutes" in page
    assert answer.context["form"]["text"].value() == SHORTER
    assert PolicyVersion.objects.count() == 2


def test_both_changes_are_taken_into_one_text(paul: Client, meanwhile: PolicyVersion) -> None:
    answer = sends(paul, text=SHORTER, merge="yes")
    both = answer.context["form"]["text"].value()
    assert "risk: medium" in both
    assert "max_minutes: 30" in both
    assert 'name="base" value="2"' in words(answer)
    assert "meanwhile" not in words(answer)
    done = sends(paul, text=both, base="2", planned=digest_of(both), propose="yes")
    assert done.headers["Location"] == "/policy/3/"


def test_ones_own_text_is_kept_and_planned_against_the_other(paul: Client, meanwhile: PolicyVersion) -> None:
    answer = sends(paul, text=SHORTER, rebase="yes")
    page = words(answer)
    assert answer.context["form"]["text"].value() == SHORTER
    assert "What changes against policy 2" in page
    assert "the risk changes from medium to high" in page  # what it would take back


def test_changes_of_the_same_line_arent_put_together(
    world: World, paul: Client, meanwhile: PolicyVersion
) -> None:
    other = POLICY.replace("max_days: 14\n      risk: high", "max_days: 14\n      risk: low")
    page = words(sends(paul, text=other, check="yes"))
    assert "Both change the same lines" in page
    assert 'name="merge"' not in page


def test_a_proposal_that_went_stale_goes_on_in_the_editor(paul: Client, world: World) -> None:
    policies.propose(actor=world["paul"], text=SHORTER, note=NOTE)
    page = paul.get("/policy/propose/?version=2")
    assert page.context["form"]["text"].value() == SHORTER
    assert NOTE in words(page)
    for wrong in ("99", "0"):
        assert paul.get(f"/policy/propose/?version={wrong}").status_code == 404
    for ignored in ("x", "", "9" * 30, "²"):
        assert paul.get("/policy/propose/", {"version": ignored}).status_code == 200


def test_the_settings_of_a_target_are_read_by_its_connector(paul: Client) -> None:
    broken = POLICY.replace("connector: manual", "connector: manual\n      settings:\n        colour: red")
    page = words(sends(paul, text=broken, check="yes"))
    line = next(number for number, one in enumerate(broken.split("\n"), 1) if "colour: red" in one)
    assert f'href="#L{line}"' in page
    assert "unknown setting “colour”" in page


@pytest.mark.parametrize("base", ["", "x", "0", "-1", "99", "9" * 40])
def test_a_base_that_is_none_is_no_error_of_the_server(paul: Client, base: str) -> None:
    answer = sends(paul, text=SHORTER, base=base, check="yes")
    assert answer.status_code in {200, 422}


def test_everything_wrong_is_listed_at_once_and_nothing_that_only_follows(paul: Client) -> None:
    broken = (
        POLICY.replace("risk: low", "risk: lowish")  # the document alone
        .replace("owner: olga", "owner: olgaa", 1)  # the directory
        .replace("connector: manual", "connector: manual\n      settings: {colour: red}")  # the connector
        .replace("      target: building\n      owner: olga\n      scopes", "      owner: olga\n      scopes")
    )
    answer = sends(paul, text=broken, check="yes")
    found = [(one.problem.path, one.problem.sentence) for one in answer.context["checked"].misprints]
    assert [path for path, _ in found] == [
        "targets.building.settings.colour",
        "roles.door.owner",
        "roles.cage",
        "roles.cage.risk",
    ]

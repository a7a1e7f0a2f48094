"""An edit is a new revision of the same request, and never another request."""

from __future__ import annotations

from typing import Any

import pytest

from jitportal.models import AccessRequest, Grant, RequestRevision
from jitportal.operations import decisions, requests
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed, PolicyRefuses, TooLate
from jitportal.rules.vocabulary import RequestStatus, StartMode
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")


def edit(who: str, request: AccessRequest, revision: int = 1, **said: Any) -> AccessRequest:
    return requests.edit(
        actor=world.person(who),
        request=AccessRequest.objects.get(pk=request.pk),
        ask=world.asking(request.role.key, **said),
        revision=revision,
    )


def test_an_edit_makes_a_new_revision_and_asks_the_deciders_anew() -> None:
    request = world.ask("rita", "writer", scope="left", minutes=20)
    first = request.asked
    edited = edit("rita", request, scope="right", minutes=50, justification="The right door sticks, too.")
    assert (edited.asked.number, edited.minutes, edited.scope.key) == (2, 50, "right")
    assert edited.asked.digest != first.digest
    assert RequestRevision.objects.get(pk=first.pk).justification == world.WHY, "the earlier one is kept"
    assert world.verbs(request=request) == ["request.submitted", "request.edited"]


def test_a_stale_revision_is_a_conflict() -> None:
    request = world.ask("rita", "auditor", minutes=20)
    edit("rita", request, minutes=30)
    with pytest.raises(Conflict, match="newer revision"):
        edit("rita", request, revision=1, minutes=40)
    with pytest.raises(Conflict):
        edit("rita", request, revision=3, minutes=40)
    assert AccessRequest.objects.get(pk=request.pk).minutes == 30


def test_only_the_requester_edits() -> None:
    request = world.ask("rita", "auditor")
    for username in ("remy", "mona", "otto"):
        with pytest.raises(NotAllowed, match="Only the requester"):
            edit(username, request)


def test_what_was_sent_back_is_mended_by_an_edit() -> None:
    request = world.ask("rita", "auditor")
    world.send_back("mona", request)
    edited = edit("rita", request, justification="The table is called orders_2026.")
    assert edited.status == RequestStatus.PENDING
    world.approve("mona", edited)
    assert Grant.objects.filter(request=request).exists()


@pytest.mark.parametrize("end", ["denied", "approved", "withdrawn", "lapsed"])
def test_what_is_closed_stays_as_it_is(end: str) -> None:
    request = world.ask("rita", "auditor")
    if end == "denied":
        world.deny("mona", request)
    elif end == "approved":
        world.approve("mona", request)
    elif end == "withdrawn":
        requests.withdraw(actor=world.person("rita"), request=request)
    else:
        with world.at(request.lapses_at):
            requests.lapse_due()
    with pytest.raises(Conflict, match=end):
        edit("rita", request)


def test_an_edit_after_the_deadline_is_too_late() -> None:
    request = world.ask("rita", "auditor")
    with world.at(request.lapses_at), pytest.raises(TooLate):
        edit("rita", request)


def test_an_edit_that_the_policy_refuses_changes_nothing() -> None:
    request = world.ask("rita", "writer", scope="left", minutes=20)
    world.approve("mona", request)
    with pytest.raises(InvalidInput) as refusal:
        edit("rita", request, scope="attic", minutes=600, justification="no")
    assert {problem.field for problem in refusal.value.problems} == {"scope", "minutes", "justification"}
    request = AccessRequest.objects.get(pk=request.pk)
    assert (request.stage, request.asked.number, request.minutes) == (1, 1, 20)


def test_an_edit_keeps_the_role() -> None:
    request = world.ask("rita", "auditor")
    with pytest.raises(InvalidInput, match="keeps its role"):
        requests.edit(actor=world.person("rita"), request=request, ask=world.asking("writer"), revision=1)


def test_an_edit_onto_the_scope_of_another_open_request() -> None:
    left, right = world.ask("rita", "writer", scope="left"), world.ask("rita", "writer", scope="right")
    with pytest.raises(Conflict, match=f"request {left.pk}"):
        edit("rita", right, scope="left")


def test_an_edit_can_bring_it_under_a_rule_of_the_system() -> None:
    request = world.ask("rita", "quick", minutes=30)
    edited = edit("rita", request, minutes=15, ticket="INC-7")
    assert edited.status == RequestStatus.APPROVED


def test_an_edit_is_made_under_the_policy_in_force() -> None:
    request = world.ask("rita", "auditor", minutes=60)
    version = world.apply_policy(
        world.changed(
            (
                "max_total_minutes: 100",
                "max_total_minutes: 100\n      max_minutes: 40\n      recommended_minutes: 5",
            )
        )
    )
    with pytest.raises(InvalidInput, match="40 minutes at most"):
        edit("rita", request, minutes=60)
    assert edit("rita", request, minutes=40).asked.policy_version == version


# Renewals


def test_a_renewal_stays_one_and_an_ordinary_request_becomes_none() -> None:
    grant = world.granted("rita", "auditor", minutes=60)
    renewal = world.submit("rita", world.renewing(grant, minutes=40))
    for mode in (StartMode.AT_ONCE, StartMode.RENEWAL):
        with pytest.raises(PolicyRefuses):
            edit("rita", renewal, minutes=60, start_mode=mode)
    edited = edit("rita", renewal, minutes=30, start_mode=StartMode.RENEWAL, renewal_of=grant)
    assert edited.minutes == 30

    theirs = world.ask("remy", "auditor")
    with pytest.raises(PolicyRefuses):
        edit("remy", theirs, start_mode=StartMode.RENEWAL, renewal_of=grant)


def test_the_open_stage_of_an_edited_request_is_decided_on_its_new_text() -> None:
    request = world.ask("rita", "auditor", minutes=20)
    before = decisions.seen_digest(request)
    assert decisions.seen_digest(edit("rita", request, minutes=21)) != before

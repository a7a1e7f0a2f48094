"""The verdicts' pages: bound to what was seen, and losing nothing that was typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from jitportal.models import AccessRequest, Approval, Grant
from jitportal.operations import clock, decisions, requests
from jitportal.operations.requests import Ask
from jitportal.rules.vocabulary import Pathway, RequestStatus, StartMode, Verdict
from tests.web.oversight.conftest import As, words
from tests.web.world import World, ask

REASON = "Seen with Rita at her desk."


@pytest.fixture
def pending(world: World) -> AccessRequest:
    return ask(world, "rita", "door", minutes=30)


@pytest.fixture
def mona(world: World, as_: As) -> Client:
    return as_("mona")


def shown(client: Client, request: AccessRequest, verdict: str = "approve") -> dict[str, str]:
    """The hidden fields of the form, as a browser would send them back."""
    form = client.get(f"/requests/{request.pk}/{verdict}/").context["form"]
    return {"digest": form["digest"].value(), "seen": form["seen"].value()}


def send(client: Client, request: AccessRequest, verdict: str, data: dict[str, str]) -> Any:
    answer = client.post(f"/requests/{request.pk}/{verdict}/", data)
    request.refresh_from_db()
    return answer


def edit(world: World, request: AccessRequest, **values: object) -> None:
    said = {"minutes": 20, "justification": "The other rack, in fact.", **values}
    wishes = Ask(role_key="door", pathway=Pathway.JIT, scope="all", start_mode=StartMode.AT_ONCE, **said)  # type: ignore[arg-type]
    number = AccessRequest.objects.get(pk=request.pk).current.number  # type: ignore[union-attr]
    requests.edit(actor=world["rita"], request=request, ask=wishes, revision=number)


def test_approving_makes_the_grant_for_the_minutes_that_are_left(
    mona: Client, pending: AccessRequest
) -> None:
    answer = send(mona, pending, "approve", {**shown(mona, pending), "minutes": "20", "reason": ""})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/requests/{pending.pk}/")
    assert pending.status == RequestStatus.APPROVED
    assert Grant.objects.get(request=pending).minutes == 20


@pytest.mark.parametrize(
    ("number", "unit", "minutes"), [("36", "hours", 2160), ("1", "days", 1440), ("90", None, 90)]
)
def test_days_are_shortened_in_any_unit(
    world: World, as_: As, number: str, unit: str | None, minutes: int
) -> None:
    kai = as_("kai")
    asked = ask(world, "rita", "cabinet", minutes=2880)
    page = words(kai.get(f"/requests/{asked.pk}/approve/"))
    assert "You may shorten the 2 days that are asked for." in page
    assert 'name="minutes" value="2"' in page
    data = {**shown(kai, asked), "minutes": number, "reason": ""}
    assert send(kai, asked, "approve", {**data, "minutes": "3", "minutes_unit": "days"}).status_code == 422
    send(kai, asked, "approve", {**data, **({"minutes_unit": unit} if unit else {})})
    assert asked.approvals.get().minutes == minutes


def test_the_form_shows_what_an_approver_must_see(mona: Client, pending: AccessRequest) -> None:
    page = words(mona.get(f"/requests/{pending.pk}/approve/"))
    for seen in (
        "rita has work to do there.",
        "Medium risk",
        "Portal only",
        "no bound",
        "nobody else",
        "never",
    ):
        assert seen in page
    assert 'max="30"' in page


@pytest.mark.parametrize("verdict", ["deny", "send-back"])
def test_denying_and_sending_back_need_a_reason(mona: Client, pending: AccessRequest, verdict: str) -> None:
    answer = send(mona, pending, verdict, {**shown(mona, pending, verdict), "reason": "   "})
    assert answer.status_code == 422
    assert "Say why, so that the requester knows what to do." in words(answer)
    assert pending.status == RequestStatus.PENDING


@pytest.mark.parametrize(
    ("verdict", "status"), [("deny", RequestStatus.DENIED), ("send-back", RequestStatus.SENT_BACK)]
)
def test_a_verdict_with_its_reason_stands(
    mona: Client, pending: AccessRequest, verdict: str, status: RequestStatus
) -> None:
    answer = send(mona, pending, verdict, {**shown(mona, pending, verdict), "reason": REASON})
    assert (answer.status_code, pending.status) == (302, status)
    assert pending.approvals.get().reason == REASON


@pytest.mark.parametrize("minutes", ["31", "0", "-5", "forever", "", "99999999999999999999", "1.5"])
def test_minutes_only_fall_and_what_was_typed_stays(
    mona: Client, pending: AccessRequest, minutes: str
) -> None:
    answer = send(mona, pending, "approve", {**shown(mona, pending), "minutes": minutes, "reason": REASON})
    assert answer.status_code == 422
    assert REASON in words(answer)
    assert f'value="{minutes}"' in words(answer) or not minutes
    assert pending.status == RequestStatus.PENDING


@pytest.mark.parametrize("reason", ["x" * 4001, "null\x00 inside"])
def test_text_that_is_too_long_or_none_is_refused_beside_its_field(
    mona: Client, pending: AccessRequest, reason: str
) -> None:
    answer = send(mona, pending, "deny", {**shown(mona, pending, "deny"), "reason": reason})
    assert answer.status_code == 422
    assert pending.status == RequestStatus.PENDING


def test_an_edit_in_between_is_shown_and_the_typed_text_kept(
    world: World, mona: Client, pending: AccessRequest
) -> None:
    before = shown(mona, pending)
    edit(world, pending)
    answer = send(mona, pending, "approve", {**before, "minutes": "25", "reason": REASON})
    page = words(answer)
    assert answer.status_code == 409
    assert "<del>rita has work to do there.</del> <ins>The other rack, in fact.</ins>" in page
    assert "<del>30 minutes</del> <ins>20 minutes</ins>" in page
    assert REASON in page
    assert not Approval.objects.exists()


def test_after_the_difference_was_shown_the_same_form_decides(
    world: World, mona: Client, pending: AccessRequest
) -> None:
    before = shown(mona, pending)
    edit(world, pending)
    form = send(mona, pending, "approve", {**before, "minutes": "20", "reason": REASON}).context["form"]
    again = {name: form[name].value() for name in ("digest", "seen", "minutes", "reason")}
    assert send(mona, pending, "approve", again).status_code == 302
    assert pending.approvals.get().reason == REASON


def test_a_mistyped_form_that_is_stale_too_says_both(
    world: World, mona: Client, pending: AccessRequest
) -> None:
    """Else the form would be bound to what its sender has never seen."""
    before = shown(mona, pending)
    edit(world, pending)
    page = words(send(mona, pending, "approve", {**before, "minutes": "none", "reason": REASON}))
    assert "What has changed since you opened the form" in page


def test_somebody_faster_is_named_and_the_typed_text_kept(
    world: World, mona: Client, pending: AccessRequest
) -> None:
    before = shown(mona, pending, "deny")
    decisions.decide(
        actor=world["mona"], request=pending, verdict=Verdict.APPROVE, digest=decisions.seen_digest(pending)
    )
    answer = send(mona, pending, "deny", {**before, "reason": REASON})
    page = words(answer)
    assert answer.status_code == 409
    assert "was faster" in page
    assert "It is approved now." in page
    assert REASON in page
    assert 'name="csrfmiddlewaretoken"' not in page.split('id="main"')[1]


def test_a_verdict_after_the_deadline_is_refused_though_nothing_has_swept(
    mona: Client, pending: AccessRequest
) -> None:
    before = shown(mona, pending)
    with clock.moved(by=timedelta(days=30)):
        answer = send(mona, pending, "approve", {**before, "minutes": "30", "reason": REASON})
    assert answer.status_code == 409
    assert "that has passed" in words(answer)
    assert REASON in words(answer)
    assert pending.status == RequestStatus.PENDING


def test_a_later_stages_decider_sees_why_not_and_finds_no_form(world: World, mona: Client) -> None:
    two_stages = ask(world, "rita", "cabinet")
    page = words(mona.get(f"/requests/{two_stages.pk}/approve/"))
    assert "You aren&#x27;t among those who decide the stage that is open now." in page
    assert "Approve for" not in page


def test_nobody_decides_on_their_own(world: World, as_: As) -> None:
    """Bug 4 of the peers' list: a sole assignee approved their own ticket."""
    own = ask(world, "rita", "door")
    answer = as_("rita").get(f"/requests/{own.pk}/approve/")
    assert answer.status_code == 403
    assert "This is your own request." in words(answer)


def test_a_forged_page_state_is_no_error(mona: Client, pending: AccessRequest) -> None:
    for seen in ("", "-", "9999999999-1-1", "a-b-c", "1", "1--"):
        answer = send(mona, pending, "approve", {"digest": "forged", "seen": seen, "minutes": "30"})
        assert answer.status_code == 409
    assert pending.status == RequestStatus.PENDING


def test_the_box_on_the_requests_page_says_what_is_missing(
    world: World, mona: Client, as_: As, pending: AccessRequest
) -> None:
    assert "one person has yet to approve" in words(mona.get(f"/requests/{pending.pk}/"))
    own = words(as_("rita").get(f"/requests/{pending.pk}/"))
    assert "This is your own request. Somebody else has to decide on it." in own
    assert "Mona Test can decide." in own


def test_earlier_use_and_other_holders_are_shown(world: World, mona: Client, as_: As) -> None:
    for username in ("rita", "gwen"):
        earlier = ask(world, username, "door", minutes=10)
        send(mona, earlier, "approve", {**shown(mona, earlier), "minutes": "10"})
    other = ask(world, "gwen", "cage")
    assert "never" in words(mona.get(f"/requests/{other.pk}/approve/"))
    with clock.moved(by=timedelta(minutes=11)):
        again = ask(world, "rita", "door", minutes=10)
        page = words(mona.get(f"/requests/{again.pk}/approve/"))
    assert "once:" in page
    assert "nobody else" in page  # Gwen's has ended by the clock too, though nothing has swept

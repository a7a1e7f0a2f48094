"""Several verdicts at once: staged, seen on one page, submitted once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from jitportal.models import AccessRequest, Approval, DecisionSubmission, SubmittedVerdict
from jitportal.operations import decisions, requests
from jitportal.operations.requests import Ask
from jitportal.rules.vocabulary import Pathway, RequestStatus, StartMode, Verdict
from tests.web.oversight.conftest import As, words
from tests.web.world import World, approve, ask

PAGE = "/queue/verdicts/"
Data = dict[str, Any]


@pytest.fixture
def mona(world: World, as_: As) -> Client:
    return as_("mona")


@pytest.fixture
def pending(world: World) -> list[AccessRequest]:
    return [ask(world, "rita", "door"), ask(world, "gwen", "door"), ask(world, "rita", "cage")]


def filled(client: Client, pending: list[AccessRequest], **verdicts: str) -> Data:
    """The page's forms as a browser would send them; ``r0="deny"`` chooses for the first request."""
    context = client.get(PAGE, {"request": [one.pk for one in pending]}).context
    data: Data = {"request": [one.pk for one in pending], "token": str(context["together"]["token"].value())}
    for item in context["items"]:
        for field in item.form:
            data[field.html_name] = field.value() or ""
    for name, verdict in verdicts.items():
        data[f"r{pending[int(name[1:])].pk}-verdict"] = verdict
    return data


def sent_back(form: Any) -> Data:
    return {field.html_name: field.value() for field in form}


def edit(world: World, request: AccessRequest) -> None:
    wishes = Ask("door", Pathway.JIT, "all", StartMode.AT_ONCE, 20, "The other rack, in fact.")
    requests.edit(actor=world["rita"], request=request, ask=wishes, revision=1)


def test_nothing_selected_is_said_and_is_no_error(mona: Client) -> None:
    for address in (PAGE, f"{PAGE}?request=x&request=9999999999999999999999", f"{PAGE}?request=999"):
        assert "Nothing is selected." in words(mona.get(address))
    assert mona.post(PAGE, {"act": "submit", "token": "x"}).status_code == 422


def test_each_request_is_staged_with_what_must_be_seen(mona: Client, pending: list[AccessRequest]) -> None:
    page = words(mona.get(PAGE, {"request": [one.pk for one in pending]}))
    for said in (
        "Rita Test",
        "Gwen Test",
        "Server cage",
        "rita has work to do there.",
        "Portal only",
        "first time",
    ):
        assert said in page
    assert Approval.objects.count() == 0


def test_the_summary_shows_each_verdict_with_its_digest_and_stores_nothing(
    mona: Client, pending: list[AccessRequest]
) -> None:
    data = filled(mona, pending, r0="approve", r1="deny")
    data[f"r{pending[1].pk}-reason"] = "Use the other door."
    page = words(mona.post(PAGE, {**data, "act": "summary"}))
    assert "Before you submit" in page
    assert "2 verdicts, and 1 left for later." in page
    for request in pending[:2]:
        assert decisions.seen_digest(request)[:12] in page
    assert "Use the other door." in page
    assert DecisionSubmission.objects.count() == 0


def test_submitting_stores_once_and_gives_each(mona: Client, pending: list[AccessRequest]) -> None:
    data = filled(mona, pending, r0="approve", r1="deny") | {"act": "submit"}
    data[f"r{pending[0].pk}-minutes"] = "20"
    data[f"r{pending[1].pk}-reason"] = "Use the other door."
    first, second = mona.post(PAGE, data), mona.post(PAGE, data)
    stored = DecisionSubmission.objects.get()
    assert first.headers["Location"] == second.headers["Location"] == f"/queue/submissions/{stored.pk}/"
    page = words(mona.get(first.headers["Location"]))
    assert "All verdicts stand" in page
    assert "Approved for 20 minutes." in page
    assert [fresh(one).status for one in pending] == ["approved", "denied", "pending"]
    assert Approval.objects.count() == 2


def test_a_temporary_request_is_shortened_in_hours_through_the_summary(world: World, mona: Client) -> None:
    """The summary's hidden fields alone carry number and unit on."""
    staged = approve(world, ask(world, "rita", "cabinet", minutes=1440), "kai")
    data = filled(mona, [staged], r0="approve")
    data |= {f"r{staged.pk}-minutes": "3", f"r{staged.pk}-minutes_unit": "hours"}
    summary = mona.post(PAGE, {**data, "act": "summary"})
    assert "Approve for 3 hours" in " ".join(re.sub(r"<[^>]+>", "", words(summary)).split())
    hidden = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', summary.content.decode())
    mona.post(PAGE, {**dict(hidden), "act": "submit"})
    assert fresh(staged).minutes == 3 * 60


def test_what_somebody_else_decided_meanwhile_falls_alone(world: World, mona: Client, as_: As) -> None:
    staged = [approve(world, ask(world, who, "cabinet"), "kai") for who in ("rita", "gwen")]
    data = filled(mona, staged, r0="approve", r1="approve") | {"act": "submit"}
    requests.withdraw(actor=world["rita"], request=staged[0])
    page = words(mona.get(mona.post(PAGE, data).headers["Location"]))
    assert "1 of 2 verdicts stand" in page
    assert "The request is withdrawn: there is nothing left to decide." in page
    assert fresh(staged[1]).status == RequestStatus.APPROVED


def test_an_edit_before_the_summary_is_shown_and_what_was_typed_kept(
    world: World, mona: Client, pending: list[AccessRequest]
) -> None:
    data = filled(mona, pending, r0="deny", r1="approve") | {"act": "summary"}
    data[f"r{pending[0].pk}-reason"] = "Not this rack."
    edit(world, pending[0])
    answer = mona.post(PAGE, data)
    page = words(answer)
    assert answer.status_code == 409
    assert "<del>rita has work to do there.</del> <ins>The other rack, in fact.</ins>" in page
    assert "Not this rack." in page
    again = data | {
        name: value for item in answer.context["items"] for name, value in sent_back(item.form).items()
    }
    assert "Before you submit" in words(mona.post(PAGE, again))


def test_an_edit_after_the_summary_is_refused_beside_the_others_that_stand(
    world: World, mona: Client, pending: list[AccessRequest]
) -> None:
    data = filled(mona, pending, r0="approve", r1="approve") | {"act": "submit"}
    edit(world, pending[0])
    mona.post(PAGE, data)
    first, second = SubmittedVerdict.objects.order_by("position")
    assert (first.outcome, second.outcome) == ("refused", "stands")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"verdict": "deny"}, "Say why, so that the requester knows what to do."),
        ({"verdict": "approve", "minutes": "31"}, "an approver may only shorten"),
        ({"verdict": "approve", "minutes": ""}, "Say for how long."),
        ({"verdict": "approve", "minutes": "ten"}, "Give a whole number of minutes."),
        ({"verdict": "approve", "minutes": "99999999999999999999"}, "less than or equal"),
        ({"verdict": "maybe"}, "Choose one of these."),
        ({"verdict": "deny", "reason": "null\x00 inside"}, "Null characters"),
        ({"verdict": "deny", "reason": "x" * 4001}, "at most 4000 characters"),
        ({}, "Choose a verdict for one of the requests at least."),
    ],
)
@pytest.mark.parametrize("act", ["summary", "submit"])
def test_what_is_mistyped_is_said_with_the_request_and_stores_nothing(
    mona: Client, pending: list[AccessRequest], values: dict[str, str], said: str, act: str
) -> None:
    data = filled(mona, pending[:1]) | {"act": act}
    data |= {f"r{pending[0].pk}-{name}": value for name, value in values.items()}
    answer = mona.post(PAGE, data)
    assert answer.status_code == 422
    assert said in words(answer)
    assert DecisionSubmission.objects.count() == 0


def test_one_verdict_and_reason_can_be_set_for_all(mona: Client, pending: list[AccessRequest]) -> None:
    data = filled(mona, pending) | {"act": "all", "all_verdict": "deny", "all_reason": "The room is closed."}
    data[f"r{pending[0].pk}-reason"] = "Yours too."
    answer = mona.post(PAGE, data)
    assert answer.status_code == 200
    said = [(item.form["verdict"].value(), item.form["reason"].value()) for item in answer.context["items"]]
    assert sorted(said) == [("deny", "The room is closed.")] * 2 + [("deny", "Yours too.")]


def test_going_back_from_the_summary_keeps_everything(mona: Client, pending: list[AccessRequest]) -> None:
    data = filled(mona, pending, r0="approve") | {"act": "change"}
    data[f"r{pending[0].pk}-minutes"] = "7"
    answer = mona.post(PAGE, data)
    assert answer.status_code == 200
    assert {item.form["minutes"].value() for item in answer.context["items"]} >= {"7"}


def test_what_one_can_not_decide_says_why_and_what_one_may_not_see_is_left_out(world: World, as_: As) -> None:
    open_, later = ask(world, "rita", "cabinet"), ask(world, "oskar", "door")
    page = words(as_("mona").get(PAGE, {"request": [open_.pk, later.pk]}))
    assert "You aren&#x27;t among those who decide the stage that is open now." in page
    assert "Oskar" not in page


def test_a_form_is_not_submitted_again_with_other_verdicts(
    mona: Client, pending: list[AccessRequest]
) -> None:
    data = filled(mona, pending, r0="approve") | {"act": "submit"}
    mona.post(PAGE, data)
    data[f"r{pending[1].pk}-verdict"] = "approve"
    answer = mona.post(PAGE, data)
    assert answer.status_code == 409
    assert "This form was submitted already" in words(answer)
    assert fresh(pending[1]).status == RequestStatus.PENDING


def test_what_was_left_by_a_crash_is_given_by_a_click(
    mona: Client, pending: list[AccessRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = filled(mona, pending, r0="approve", r1="approve") | {"act": "submit"}
    decide = decisions.decide

    def killed(**said: Any) -> Approval:
        if said["request"].pk != pending[0].pk:
            raise RuntimeError("The process was killed.")
        return decide(**said)

    monkeypatch.setattr(decisions, "decide", killed)
    with pytest.raises(RuntimeError):
        mona.post(PAGE, data)
    monkeypatch.undo()
    address = f"/queue/submissions/{DecisionSubmission.objects.get().pk}/"
    assert "1 of 2 verdicts still to be given" in words(mona.get(address))
    assert "Not finished" in words(mona.get("/queue/decisions/"))
    mona.post(address)
    assert "All verdicts stand" in words(mona.get(address))
    assert Approval.objects.filter(verdict=Verdict.APPROVE).count() == 2


def fresh(request: AccessRequest) -> AccessRequest:
    return AccessRequest.objects.get(pk=request.pk)

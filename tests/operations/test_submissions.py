"""Several verdicts in one submission: each stands or falls by itself, and is given once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from jitportal.models import AccessRequest, Approval, DecisionSubmission, Grant, SubmittedVerdict
from jitportal.operations import decisions, requests, submissions
from jitportal.operations.submissions import MOST_VERDICTS, Wish
from jitportal.rules.errors import Conflict, InvalidInput, NotAllowed
from jitportal.rules.vocabulary import RequestStatus, Verdict, VerdictOutcome
from tests.operations import world

pytestmark = pytest.mark.usefixtures("small_portal")

STANDS, REFUSED, WAITING = VerdictOutcome.STANDS, VerdictOutcome.REFUSED, VerdictOutcome.WAITING


def fresh(request: AccessRequest) -> AccessRequest:
    return AccessRequest.objects.select_related("current", "renewal_of").get(pk=request.pk)


def wish(request: AccessRequest, verdict: Verdict = Verdict.APPROVE, **said: Any) -> Wish:
    """A verdict on the request as it reads now."""
    seen = fresh(request)
    minutes = seen.minutes if verdict is Verdict.APPROVE else None
    usual: dict[str, Any] = {"digest": decisions.seen_digest(seen), "minutes": minutes}
    return Wish(seen, verdict, **{**usual, **said})


def submitted(*wishes: Wish, who: str = "mona", token: Any = None) -> DecisionSubmission:
    return submissions.submit(actor=world.person(who), token=token or uuid4(), wishes=wishes)


def finished(submission: DecisionSubmission, who: str = "mona") -> list[SubmittedVerdict]:
    submissions.finish(actor=world.person(who), submission=submission)
    return list(submission.verdicts.order_by("position"))


@pytest.fixture
def asked() -> list[AccessRequest]:
    return [world.ask(who, "auditor", minutes=30) for who in ("rita", "remy", "rosa")]


def test_each_verdict_is_given_and_says_what_came_of_it(asked: list[AccessRequest]) -> None:
    approve, deny, back = asked
    made = submitted(
        wish(approve, minutes=20),
        wish(deny, Verdict.DENY, reason="Use the replica."),
        wish(back, Verdict.SEND_BACK, reason="Which table?"),
    )
    assert made.finished_at is None
    assert Approval.objects.count() == 0
    given = finished(made)
    assert [one.outcome for one in given] == [STANDS] * 3
    assert [one.sentence for one in given] == ["Approved for 20 minutes.", "Denied.", "Sent back."]
    assert [fresh(one).status for one in asked] == ["approved", "denied", "sent_back"]
    assert Grant.objects.get().minutes == 20
    assert [one.approval.reason for one in given if one.approval][1:] == ["Use the replica.", "Which table?"]
    made.refresh_from_db()
    assert made.finished_at is not None
    assert world.verbs(verb__startswith="verdicts.") == ["verdicts.submitted", "verdicts.finished"]


def test_what_fails_says_why_and_what_succeeds_stands(asked: list[AccessRequest]) -> None:
    stale, faster, mine = asked
    wishes = [wish(stale), wish(faster), wish(mine)]
    longer = world.asking("auditor", minutes=40)
    requests.edit(actor=world.person("rita"), request=stale, ask=longer, revision=1)
    requests.withdraw(actor=world.person("remy"), request=faster)
    first, second, third = finished(submitted(*wishes))
    assert (first.outcome, second.outcome, third.outcome) == (REFUSED, REFUSED, STANDS)
    assert first.sentence.startswith("The request reads otherwise now")
    assert second.sentence == "The request is withdrawn: there is nothing left to decide."
    assert Approval.objects.get().request == mine
    assert world.verbs(verb="verdicts.refused") == ["verdicts.refused"] * 2


def test_nobody_decides_on_their_own_in_a_submission_either() -> None:
    own = world.ask("sven", "auditor")
    (given,) = finished(submitted(wish(own), who="sven"), who="sven")
    assert given.sentence == "This is your own request. Somebody else has to decide on it."
    assert fresh(own).status == RequestStatus.PENDING


def test_minutes_only_fall(asked: list[AccessRequest]) -> None:
    (given,) = finished(submitted(wish(asked[0], minutes=31)))
    assert given.outcome == REFUSED
    assert "Choose from 1 to 30 minutes" in given.sentence


def test_the_same_form_sent_twice_is_one_submission(asked: list[AccessRequest]) -> None:
    token, wishes = uuid4(), [wish(one) for one in asked]
    first = submitted(*wishes, token=token)
    finished(first)
    second = submitted(*wishes, token=token)
    assert first == second
    assert [one.outcome for one in finished(second)] == [STANDS] * 3
    assert (DecisionSubmission.objects.count(), Approval.objects.count()) == (1, 3)
    assert world.verbs(verb="verdicts.finished") == ["verdicts.finished"]


def test_one_form_is_not_submitted_with_other_verdicts_or_by_others(asked: list[AccessRequest]) -> None:
    token = uuid4()
    submitted(wish(asked[0]), token=token)
    with pytest.raises(Conflict, match="submitted already"):
        submitted(wish(asked[0], minutes=5), token=token)
    with pytest.raises(Conflict, match="submitted already"):
        submitted(wish(asked[0]), token=token, who="mark")


def test_after_a_crash_only_the_rest_is_given(
    asked: list[AccessRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, decide, calls = submitted(*(wish(one) for one in asked)), decisions.decide, []

    def killed(**said: Any) -> Approval:
        calls.append(said["request"].pk)
        given = decide(**said)
        if len(calls) == 2:
            raise RuntimeError("The process was killed.")
        return given

    monkeypatch.setattr(decisions, "decide", killed)
    with pytest.raises(RuntimeError):
        finished(made)
    assert [one.outcome for one in made.verdicts.all()] == [STANDS, WAITING, WAITING]
    assert Approval.objects.count() == 1  # the second verdict went with its outcome
    given = finished(made)
    assert [one.outcome for one in given] == [STANDS] * 3
    assert calls == [asked[0].pk, asked[1].pk, asked[1].pk, asked[2].pk]
    assert Approval.objects.count() == 3


def test_only_the_approver_has_the_rest_given(asked: list[AccessRequest]) -> None:
    made = submitted(wish(asked[0]))
    with pytest.raises(NotAllowed, match="Only the person who submitted"):
        finished(made, who="otto")
    assert Approval.objects.count() == 0


def test_what_one_may_not_see_is_in_no_submission(asked: list[AccessRequest]) -> None:
    with pytest.raises(NotAllowed, match="isn't yours to see"):
        submitted(wish(asked[0]), who="eve")
    assert DecisionSubmission.objects.count() == 0


def test_shapeless_submissions_are_refused(asked: list[AccessRequest]) -> None:
    one = asked[0]
    for wishes, said in (
        ([], "Choose a verdict"),
        ([wish(one)] * 2, "comes twice"),
        ([wish(one)] * (MOST_VERDICTS + 1), "at most"),
        ([wish(one, minutes=None)], "how many minutes"),
        ([wish(one, minutes=0)], "how many minutes"),
        ([wish(one, Verdict.DENY, reason="  ")], "Say why"),
        ([wish(one, reason="null\x00 inside")], "aren't text"),
        ([wish(one, reason="fine \u202eton")], "reverses what stands after it"),
    ):
        with pytest.raises(InvalidInput, match=said):
            submitted(*wishes)
    assert DecisionSubmission.objects.count() == 0

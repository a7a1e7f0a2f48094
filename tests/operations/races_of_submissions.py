"""Several verdicts at once, submitted at the same moment by several clicks and by several people."""

from __future__ import annotations

from uuid import uuid4

from jitportal.models import AccessRequest, Approval, DecisionSubmission, Grant, Person, SubmittedVerdict
from jitportal.operations import decisions, requests, submissions
from jitportal.operations.submissions import Wish
from jitportal.rules.vocabulary import Verdict, VerdictOutcome
from tests.operations import world
from tests.operations.racing import MANY, Act, newcomer, together


def eight_clicks_on_one_submission() -> None:
    asked = [requests.submit(actor=newcomer(), ask=world.asking("auditor")) for _ in range(3)]
    outcomes = together([_submitting("mona", asked)] * MANY)
    assert all(isinstance(made, DecisionSubmission) for made in outcomes), outcomes
    assert len({made.pk for made in outcomes if isinstance(made, DecisionSubmission)}) == 1
    assert Approval.objects.filter(request__in=asked).count() == len(asked)
    assert Grant.objects.filter(request__in=asked).count() == len(asked)
    stored = SubmittedVerdict.objects.filter(request__in=asked)
    assert {one.outcome for one in stored} == {VerdictOutcome.STANDS}
    assert DecisionSubmission.objects.get(verdicts__request=asked[0]).finished_at is not None


def two_approvers_of_the_same_requests() -> None:
    if not Person.objects.filter(username=world.BOARD[0]).exists():
        world.seat_board()
    asked = [requests.submit(actor=newcomer(), ask=world.asking("boarded")) for _ in range(3)]
    others = together([_submitting(world.BOARD[0], asked), _submitting(world.BOARD[1], asked[::-1])])
    assert all(isinstance(made, DecisionSubmission) for made in others), others
    assert Approval.objects.filter(request__in=asked).count() == len(asked)
    stored = SubmittedVerdict.objects.filter(request__in=asked)
    stand = [one for one in stored if one.outcome == VerdictOutcome.STANDS]
    refused = [one for one in stored if one.outcome == VerdictOutcome.REFUSED]
    assert (len(stand), len(refused)) == (len(asked), len(asked))
    assert all("was faster" in one.sentence for one in refused), [one.sentence for one in refused]


def _submitting(who: str, asked: list[AccessRequest]) -> Act:
    """One form: what several clicks on it send is the same."""
    token = uuid4()
    seen = [AccessRequest.objects.select_related("current", "renewal_of").get(pk=one.pk) for one in asked]
    wishes = [Wish(one, Verdict.APPROVE, decisions.seen_digest(one), minutes=one.minutes) for one in seen]

    def click() -> DecisionSubmission:
        actor = world.person(who)
        submission = submissions.submit(actor=actor, token=token, wishes=wishes)
        return submissions.finish(actor=actor, submission=submission)

    return click


OF_SUBMISSIONS = [eight_clicks_on_one_submission, two_approvers_of_the_same_requests]

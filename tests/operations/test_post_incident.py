"""The post-incident review: opened with the activation, stated, determined, returned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jitportal.audit.system import system
from jitportal.models import PostIncidentReview, ReviewDraft, ReviewVersion
from jitportal.operations import (
    clock,
    delegations,
    people,
    post_incident,
    post_incident_steps,
    post_incident_versions,
)
from jitportal.operations.post_incident_facts import facts_of
from jitportal.operations.post_incident_people import reviewers
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed
from jitportal.rules.post_incident_words import (
    Classification,
    CriterionMet,
    Determination,
    RecordingFound,
    Remediation,
    Statement,
    Step,
)
from jitportal.rules.vocabulary import ReviewStatus
from tests.operations import world
from tests.operations.incidents import (
    FOUND,
    SAID,
    activated,
    determine,
    ended,
    stated,
    told,
    use_of,
    used,
    verbs,
)
from tests.operations.world import person

pytestmark = pytest.mark.usefixtures("small_portal")

DAY = timedelta(days=1)


# opened


def test_it_opens_with_the_activation_and_is_due_a_day_after_the_access_ended() -> None:
    opened = activated()
    review = opened.review
    assert (review.status, review.responder, review.due_at) == (ReviewStatus.STATEMENT, person("rita"), None)
    review = ended(opened)
    assert review.access_ended_at == opened.stopped_at
    assert review.access_ended_at is not None
    assert review.due_at == review.access_ended_at + DAY
    assert told("review.statement") == ["rita"]
    assert verbs(review) == ["incident_review.opened"]


def test_the_end_is_noted_once() -> None:
    review = used()
    with operation(system()):
        post_incident.access_ended(
            activation=use_of(review), actor=system(), now=clock.now() + timedelta(hours=1)
        )
    again = PostIncidentReview.objects.get(pk=review.pk)
    assert (again.due_at, again.access_ended_at) == (review.due_at, review.access_ended_at)


# the statement


def test_a_statement_waits_for_the_end_and_can_be_drafted_before() -> None:
    review = activated().review
    typed = {"broken": "The provider", "done": ""}
    post_incident_versions.save_draft(actor=person("rita"), review=review, step=Step.STATEMENT, typed=typed)
    with pytest.raises(Conflict, match="hasn't ended yet"):
        post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
    assert ReviewDraft.objects.get().typed == typed
    review = ended(use_of(review))
    post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
    assert post_incident_versions.draft_of(review, person("rita"), Step.STATEMENT) is None


def test_the_responder_alone_states_and_says_all_of_it() -> None:
    review = used()
    for username in ("mona", "otto", "sven", "carl", "dora"):
        with pytest.raises(NotAllowed):
            post_incident_steps.state(actor=person(username), review=review, said=SAID)
    with pytest.raises(InvalidInput) as refused:
        post_incident_steps.state(actor=person("rita"), review=review, said=Statement(done="Restarted."))
    assert len(refused.value.problems) == 7
    review = post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
    assert review.status == ReviewStatus.DETERMINATION
    assert told("review.determine") == ["mona", "otto", "sven"]
    version = ReviewVersion.objects.get()
    assert (version.step, version.document["done"]) == (Step.STATEMENT, SAID.done)


@pytest.mark.parametrize("text", ["x" * 4001, "\x00", "\ud800"])
def test_what_is_no_text_is_refused_in_statements_and_drafts(text: str) -> None:
    review = used()
    with pytest.raises(Invalid):
        post_incident_steps.state(actor=person("rita"), review=review, said=replace(SAID, done=text))
    with pytest.raises(Invalid):
        post_incident_versions.save_draft(
            actor=person("rita"), review=review, step=Step.STATEMENT, typed={"done": text}
        )
    assert not ReviewVersion.objects.exists()


def test_a_draft_is_its_authors_alone() -> None:
    review = stated()
    for username in ("otto", "sven"):
        post_incident_versions.save_draft(
            actor=person(username), review=review, step=Step.DETERMINATION, typed={"finding": username}
        )
    found = post_incident_versions.draft_of(review, person("sven"), Step.DETERMINATION)
    assert found is not None
    assert found.typed == {"finding": "sven"}
    with pytest.raises(NotAllowed):
        post_incident_versions.save_draft(
            actor=person("rita"), review=review, step=Step.DETERMINATION, typed={"finding": "Mine."}
        )


# handed back


def test_it_is_returned_for_more_and_both_versions_are_kept() -> None:
    review = stated()
    with pytest.raises(NotAllowed):
        post_incident_steps.return_to_responder(actor=person("rita"), review=review, note="More.")
    with pytest.raises(Invalid):
        post_incident_steps.return_to_responder(actor=person("sven"), review=review, note=" ")
    review = post_incident_steps.return_to_responder(actor=person("sven"), review=review, note="Which host?")
    assert (review.status, review.returned_note) == (ReviewStatus.RETURNED, "Which host?")
    assert told("review.returned") == ["rita"]
    with pytest.raises(Conflict):
        determine("sven", review)
    more = replace(SAID, done="Restarted idp-2.")
    review = post_incident_steps.state(actor=person("rita"), review=review, said=more)
    documents = list(ReviewVersion.objects.values_list("document__done", flat=True))
    assert documents == [SAID.done, "Restarted idp-2."]
    assert determine("sven", review).status == ReviewStatus.REMEDIATION


# the determination


def test_nobody_reviews_their_own_or_what_they_took_part_in() -> None:
    world.joins("rita", "security")
    first = activated(incident="INC-9")
    remy = activated("remy", incident="INC-9")
    review = post_incident_steps.state(actor=person("rita"), review=ended(first), said=SAID)
    people.set_manager(actor=system(), person=person("rita"), manager=person("remy"))
    world.empower("rita", "administrator")
    for username in ("rita", "remy"):
        with pytest.raises(NotAllowed):
            determine(username, review)
    assert "remy" in facts_of(review).document["took_part"]  # type: ignore[operator]
    assert remy.review.status == ReviewStatus.STATEMENT
    assert determine("sven", review).reviewer == person("sven")


@pytest.mark.parametrize(("one", "other"), [("INC-9", " inc-9 "), ("INC 9", "inc9")])
def test_the_same_incident_is_the_same_however_it_was_typed(one: str, other: str) -> None:
    first = activated(incident=one)
    activated("sven", incident=other)
    review = post_incident_steps.state(actor=person("rita"), review=ended(first), said=SAID)
    with pytest.raises(NotAllowed, match="took part"):
        determine("sven", review)


def test_whoever_wrote_a_use_down_afterwards_does_not_review_it() -> None:
    review = stated(after_the_fact=True, recorded_by=person("sven"))
    with pytest.raises(NotAllowed, match="wrote this use down"):
        determine("sven", review)
    assert person("sven") not in reviewers(review, clock.now())


def test_nobody_reviews_by_whom_the_responder_lets_decide() -> None:
    review = stated()
    delegations.delegate(
        actor=person("rita"),
        to=person("sven"),
        ends_at=clock.now() + timedelta(days=1),
        reason="On leave.",
    )
    with pytest.raises(NotAllowed, match="decide for the responder"):
        determine("sven", review)


def test_whoever_made_the_responders_account_is_no_second_person() -> None:
    world.empower("sven", "administrator")
    people.create_person(
        actor=person("sven"), username="alias", name="Alias", email="", manager=person("mona")
    )
    review = stated(who="alias")
    with pytest.raises(NotAllowed, match="two people"):
        determine("sven", review)
    assert determine("otto", review).reviewer == person("otto")


def test_a_determination_needs_all_its_parts_and_agrees_with_the_facts() -> None:
    review = stated()
    with pytest.raises(InvalidInput) as refused:
        determine("otto", review, Determination())
    assert {problem.field for problem in refused.value.problems} == {
        "classification",
        "criterion",
        "fit",
        "could_jit",
        "recording",
        "finding",
    }
    for found, field in (
        (replace(FOUND, classification=Classification.DRILL), "classification"),
        (replace(FOUND, recording=RecordingFound.COMPLETE), "recording"),
        (replace(FOUND, recording_reason=""), "recording_reason"),
    ):
        with pytest.raises(InvalidInput) as refused:
            determine("otto", review, found)
        assert [problem.field for problem in refused.value.problems] == [field]
    review.refresh_from_db()
    assert (review.status, review.reviewer) == (ReviewStatus.DETERMINATION, None)


def test_a_determination_binds_to_what_the_reviewer_saw() -> None:
    review = stated()
    seen = facts_of(review).digest
    alert = use_of(review).alerts.get()
    alert.acknowledged_at = clock.now()
    alert.save()
    with pytest.raises(Conflict, match="changed since you looked"):
        post_incident_steps.determine(actor=person("otto"), review=review, found=FOUND, marks={}, seen=seen)
    review = determine("otto", review)
    assert review.facts_digest != seen
    assert review.facts["alerts"][0]["acknowledged_at"]
    assert review.facts["responder"] == "rita"


def test_an_escalated_gap_reaches_others() -> None:
    world.empower("sara", "administrator")
    determine("otto", stated(), replace(FOUND, recording=RecordingFound.GAP_ESCALATED))
    assert told("review.gap") == ["sara", "sven"]


def test_the_steps_are_not_taken_out_of_turn() -> None:
    review = used()
    early: list[Callable[[], object]] = [
        lambda: determine("otto", review),
        lambda: post_incident_steps.remediate(actor=person("otto"), review=review, done=Remediation()),
        lambda: post_incident_steps.send_back(actor=person("otto"), review=review, note="Anew."),
    ]
    late: list[Callable[[], object]] = [
        lambda: determine("sven", review),
        lambda: post_incident_steps.state(actor=person("rita"), review=review, said=SAID),
        lambda: post_incident_steps.return_to_responder(actor=person("sven"), review=review, note="?"),
    ]
    for step in early:
        with pytest.raises(Conflict):
            step()
    post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
    determine("otto", review)
    for step in late:
        with pytest.raises(Conflict):
            step()


def test_it_is_determined_anew_where_somebody_finds_it_wrong() -> None:
    review = determine("otto", stated())
    with pytest.raises(Invalid):
        post_incident_steps.send_back(actor=person("sven"), review=review, note="")
    review = post_incident_steps.send_back(
        actor=person("sven"), review=review, note="The probe says otherwise."
    )
    assert review.status == ReviewStatus.DETERMINATION
    review = determine("sven", review, replace(FOUND, criterion=CriterionMet.NO))
    assert (review.reviewer, review.criterion) == (person("sven"), CriterionMet.NO)

"""The post-incident review: opened with the activation, stated, determined, returned, overdue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jitportal.audit.system import system
from jitportal.models import Event, Notice, PostIncidentReview, ReviewDraft, ReviewVersion
from jitportal.operations import (
    clock,
    delegations,
    due,
    follow_ups,
    people,
    post_incident,
    post_incident_overdue,
    post_incident_steps,
    post_incident_versions,
)
from jitportal.operations.post_incident_facts import facts_of, timeline_of
from jitportal.operations.post_incident_people import reviewers
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed, PolicyRefuses
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
from tests.operations.incidents import FOUND, SAID, activated, determine, ended, stated, use_of, used
from tests.operations.world import person

pytestmark = pytest.mark.usefixtures("small_portal")

DAY = timedelta(days=1)


def told(kind: str) -> list[str]:
    rows = Notice.objects.filter(kind=kind).order_by("recipient__username")
    return list(rows.values_list("recipient__username", flat=True))


def verbs(review: PostIncidentReview) -> list[str]:
    return [event.verb for event in timeline_of(review)]


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


# late


def test_a_late_statement_blocks_the_routine_pathways_and_says_what_to_do() -> None:
    review = used()
    with world.later(hours=23):
        world.ask("rita", "door")
    with world.later(hours=25):
        with pytest.raises(PolicyRefuses, match=rf"/emergency/reviews/{review.pk}/"):
            world.ask("rita", "writer", scope="left")
        world.ask("remy", "writer", scope="left")
        assert activated("rita").review.status == ReviewStatus.STATEMENT
        post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
        world.ask("rita", "writer", scope="left")


def test_reviewers_who_are_late_block_nobody() -> None:
    stated()
    with world.later(days=20):
        world.ask("rita", "door")


def test_two_people_lift_the_block_for_a_day() -> None:
    review = used()
    with world.later(hours=25):
        for username in ("rita", "dora"):
            with pytest.raises(NotAllowed):
                post_incident_overdue.ask_override(
                    actor=person(username), review=review, reason="It can't wait."
                )
        with pytest.raises(Conflict):
            post_incident_overdue.grant_override(actor=person("mona"), review=review)
        post_incident_overdue.ask_override(actor=person("mona"), review=review, reason="It can't wait.")
        with pytest.raises(Conflict, match="already"):
            post_incident_overdue.ask_override(actor=person("otto"), review=review, reason="Now.")
        with pytest.raises(NotAllowed, match="second person"):
            post_incident_overdue.grant_override(actor=person("mona"), review=review)
        with pytest.raises(PolicyRefuses):
            world.ask("rita", "door")
        post_incident_overdue.grant_override(actor=person("otto"), review=review)
        world.ask("rita", "door")
        assert told("review.overridden") == ["rita"]
    with world.later(hours=50), pytest.raises(PolicyRefuses):
        world.ask("rita", "writer", scope="left")
    lifted = Event.objects.get(verb="incident_review.overridden")
    assert lifted.sentence == "Mona and Otto lifted the block on Rita: It can't wait."


def test_the_worker_reminds_then_escalates_each_day() -> None:
    world.empower("sara", "administrator")
    review = used()
    assert post_incident_overdue.nudge_due() == 0
    with world.later(hours=21):
        assert due.work_due(clock.now()).timely
        assert post_incident_overdue.nudge_due() == 1
        assert post_incident_overdue.nudge_due() == 0
        assert told("review.reminder") == ["rita"]
        assert not due.work_due(clock.now()).timely
    with world.later(hours=25):
        world.empower("sara", "administrator")
        assert post_incident_overdue.nudge_due() == 1
        assert post_incident_overdue.nudge_due() == 0
        assert told("review.late") == ["rita"]
        assert told("review.escalated") == ["mona", "otto", "sara", "sven"]
    with world.later(hours=49):
        assert post_incident_overdue.nudge_due() == 1
        assert told("review.late") == ["rita", "rita"]
    assert verbs(review)[1:] == [
        "incident_review.reminded",
        "incident_review.escalated",
        "incident_review.escalated",
    ]


def test_an_emergency_is_never_blocked_but_warned_of() -> None:
    used()
    with world.later(hours=25):
        second = activated("rita")
        with operation(second.person):
            assert post_incident_overdue.warn_of_late(
                second.person, second.review, second.person, clock.now()
            )
        assert told("review.owing") == ["sven"]
        third = activated("remy")
        with operation(third.person):
            assert not post_incident_overdue.warn_of_late(
                third.person, third.review, third.person, clock.now()
            )


# follow-ups


def test_a_follow_up_has_an_owner_who_is_reminded_and_says_that_it_is_done() -> None:
    review = determine("otto", stated())
    day = clock.now() + 3 * DAY
    with pytest.raises(NotAllowed):
        follow_ups.add(actor=person("rita"), review=review, what="Sleep.", owner=person("dora"), due_at=day)
    with pytest.raises(Invalid):
        follow_ups.add(
            actor=person("otto"),
            review=review,
            what="Mend it.",
            owner=person("dora"),
            due_at=clock.now() - DAY,
        )
    made = follow_ups.add(
        actor=person("otto"),
        review=review,
        what="Mend the runbook.",
        owner=person("dora"),
        due_at=day,
        ticket="T-1",
    )
    assert told("review.follow_up") == ["dora"]
    with world.later(days=2.5):
        assert follow_ups.remind_due() == 1
        assert follow_ups.remind_due() == 0
    with world.later(days=3.5):
        assert follow_ups.remind_due() == 1
        with pytest.raises(NotAllowed):
            follow_ups.complete(actor=person("rita"), follow_up=made, note="Done.")
        made = follow_ups.complete(actor=person("dora"), follow_up=made, note="The runbook names idp-2.")
        assert made.done_by == person("dora")
        with pytest.raises(Conflict):
            follow_ups.complete(actor=person("otto"), follow_up=made, note="Again.")
    with world.later(days=9):
        assert follow_ups.remind_due() == 0

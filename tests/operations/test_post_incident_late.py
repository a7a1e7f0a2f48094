"""The post-incident review when somebody is late, and what outlives it: reminders, blocks, follow-ups."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from jitportal.models import Event
from jitportal.operations import (
    clock,
    due,
    follow_ups,
    post_incident_overdue,
    post_incident_steps,
    requests,
)
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, Invalid, NotAllowed, PolicyRefuses
from jitportal.rules.vocabulary import ReviewStatus
from tests.operations import world
from tests.operations.incidents import SAID, activated, determine, stated, told, used, verbs
from tests.operations.world import person

pytestmark = pytest.mark.usefixtures("small_portal")

DAY = timedelta(days=1)


def test_a_late_statement_blocks_the_routine_pathways_and_says_what_to_do() -> None:
    review = used()
    with world.later(hours=23):
        world.ask("rita", "door")
        waiting = world.ask("rita", "writer", scope="right")
    with world.later(hours=25):
        with pytest.raises(PolicyRefuses, match=rf"/emergency/reviews/{review.pk}/"):
            world.ask("rita", "writer", scope="left")
        with pytest.raises(PolicyRefuses, match=rf"/emergency/reviews/{review.pk}/"):
            requests.edit(
                actor=person("rita"), request=waiting, ask=world.asking("writer", scope="left"), revision=1
            )
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
    day = (clock.now() + 3 * DAY).astimezone(ZoneInfo("Asia/Kolkata"))
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
    said = f"due {day.astimezone(UTC):%-d %B, %H:%M} UTC: Mend the runbook."
    assert Event.objects.filter(sentence__endswith=said).exists()
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

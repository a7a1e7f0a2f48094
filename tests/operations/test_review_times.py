"""The deadlines of post-incident reviews are the policy's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django.plugin import DjangoDbBlocker

from jitportal.models import PostIncidentReview
from jitportal.operations import post_incident_overdue
from jitportal.rules.policy_document import load
from jitportal.rules.post_incident import USUAL, Deadlines
from jitportal.rules.vocabulary import Pathway
from tests.operations import world
from tests.operations.incidents import activated, ended
from tests.undone import undone

TIMES = "    review_times: {statement_hours: 2, determination_days: 1, escalate_every_hours: 6, override_hours: 3}\n"
POLICY = world.changed(("post_incident_review]\n", f"post_incident_review]\n{TIMES}"))


@pytest.fixture(scope="module")
def settled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), undone():
        world.settle(POLICY)
        yield


def test_they_are_those_of_today_where_nothing_is_said() -> None:
    emergency = load(world.POLICY).pathways[Pathway.BREAK_GLASS]
    assert emergency.review_times == USUAL == Deadlines()


@pytest.mark.usefixtures("settled", "db")
def test_each_step_is_due_as_the_policy_says() -> None:
    review = ended(activated())
    assert review.access_ended_at is not None
    assert review.due_at == review.access_ended_at + timedelta(hours=2)
    with world.later(hours=3):
        post_incident_overdue.nudge_due()
        late = PostIncidentReview.objects.get(pk=review.pk)
        assert late.due_at is not None
        assert late.escalate_at == late.due_at + timedelta(hours=6)
        post_incident_overdue.ask_override(actor=world.person("sven"), review=late, reason="On call.")
        asked = post_incident_overdue.grant_override(actor=world.person("otto"), review=late)
        assert asked.until is not None
        assert asked.granted_at is not None
        assert asked.until - asked.granted_at == timedelta(hours=3)

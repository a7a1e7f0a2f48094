"""Sign-ins of emergency accounts: those with an activation are its use, and the others open a review."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jitportal.audit.system import system
from jitportal.models import EmergencyAccount, EmergencySignIn, Event, Notice, PostIncidentReview
from jitportal.operations import clock, people, post_incident_closing, post_incident_steps, sign_ins
from jitportal.operations.post_incident_facts import facts_of
from jitportal.operations.sign_ins import Seen
from jitportal.rules.errors import Conflict, Invalid, NotAllowed
from jitportal.rules.notices import URGENT, topic_of
from jitportal.rules.post_incident_words import Classification, CriterionMet, RecordingFound
from jitportal.rules.vocabulary import ReviewStatus
from tests.models import rows
from tests.operations import world
from tests.operations.incidents import (
    DONE,
    FOUND,
    SAID,
    activated,
    determine,
    ended,
    sign,
    sign_second,
)
from tests.operations.world import person

pytestmark = pytest.mark.usefixtures("small_portal")


def account() -> EmergencyAccount:
    """One that Carl keeps, of a target whose break-glass role is Otto's."""
    role = rows.role(pathway="break_glass", owner=person("otto"))
    return rows.emergency_account(target=role.target, custodians=["carl"])


def seen(**said: Any) -> Seen:
    at = clock.now() - timedelta(seconds=1)
    return replace(Seen("root", at, "session-1", "192.0.2.7", "by password"), **said)


def orphan() -> PostIncidentReview:
    return sign_ins.report(source="report", account=account(), seen=seen()).review


def test_a_sign_in_with_an_activation_is_its_use() -> None:
    used = activated()
    for number in range(2):
        sign_ins.report(source="ssh", account=used.account, seen=seen(reference=f"s{number}"))
    facts = facts_of(used.review).document
    assert facts["first_use"] is not None
    assert PostIncidentReview.objects.count() == 1
    assert Event.objects.filter(verb="emergency.signed_in", activation=used).count() == 2


def test_one_without_opens_a_review_and_pages_once() -> None:
    world.empower("sara", "administrator")
    kept = account()
    first = sign_ins.report(source="report", account=kept, seen=seen())
    again = sign_ins.report(source="report", account=kept, seen=seen(detail="told again"))
    assert first == again == EmergencySignIn.objects.get()
    review = first.review
    assert (review.status, review.responder, review.activation) == (ReviewStatus.STATEMENT, None, None)
    assert review.due_at is not None
    told = Notice.objects.filter(kind="review.orphan").values_list("recipient__username", flat=True)
    assert sorted(told) == ["carl", "otto", "sara"]
    assert topic_of("review.orphan") in URGENT  # it waits for no digest


def test_one_after_the_end_is_an_orphan() -> None:
    used = activated()
    ended(used)
    with world.later(minutes=5):
        later = sign_ins.report(source="ssh", account=used.account, seen=seen())
    assert later.activation is None
    assert later.review.sign_in == later


@pytest.mark.parametrize(
    "said",
    [
        {"login": ""},
        {"reference": ""},
        {"login": "\x00"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"at": datetime(2090, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_what_can_not_be_true_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        sign_ins.report(source="report", account=account(), seen=seen(**said))
    assert not EmergencySignIn.objects.exists()


def test_somebody_is_named_states_and_is_reviewed() -> None:
    review = orphan()
    with pytest.raises(NotAllowed):
        post_incident_steps.name_responder(actor=person("dora"), review=review, person=person("rita"))
    review = post_incident_steps.name_responder(actor=person("carl"), review=review, person=person("rita"))
    with pytest.raises(Conflict):
        post_incident_steps.name_responder(actor=person("carl"), review=review, person=person("remy"))
    assert Notice.objects.get(kind="review.statement").recipient == person("rita")
    review = post_incident_steps.state(actor=person("rita"), review=review, said=SAID)
    with pytest.raises(NotAllowed):
        determine("rita", review)
    people.set_manager(actor=system(), person=person("rita"), manager=person("carl"))
    with pytest.raises(NotAllowed, match="You said who it was"):
        determine("carl", review)
    people.set_manager(actor=system(), person=person("rita"), manager=person("mona"))
    assert determine("mona", review).status == ReviewStatus.REMEDIATION


def test_nobody_is_found_and_it_closes_with_two_signatures() -> None:
    review = orphan()
    with pytest.raises(NotAllowed):
        post_incident_steps.go_on_without_statement(actor=person("rita"), review=review, reason="Who?")
    with pytest.raises(Invalid):
        post_incident_steps.go_on_without_statement(actor=person("carl"), review=review, reason="")
    review = post_incident_steps.go_on_without_statement(
        actor=person("carl"), review=review, reason="Asked everybody on call, read the door's log."
    )
    found = replace(
        FOUND,
        classification=Classification.MISUSE,
        criterion=CriterionMet.CANNOT_VERIFY,
        recording=RecordingFound.GAP_ESCALATED,
    )
    review = determine("otto", review, found)
    post_incident_closing.confirm_rotation(actor=person("carl"), review=review, evidence="Vault version 13.")
    done = replace(DONE, outcome_note="Nobody is known.")
    review = post_incident_steps.remediate(actor=person("otto"), review=review, done=done)
    review = sign("otto", review)
    assert review.status == ReviewStatus.SECOND_SIGNOFF
    world.empower("sara", "administrator")
    with pytest.raises(NotAllowed):
        sign_second("otto", review)
    assert sign_second("sara", review).status == ReviewStatus.CLOSED


def test_whoever_says_that_nobody_was_found_does_not_review_that() -> None:
    review = post_incident_steps.go_on_without_statement(
        actor=person("otto"), review=orphan(), reason="Asked everybody on call."
    )
    with pytest.raises(NotAllowed, match="You wrote what is stated"):
        determine("otto", review)


def test_nobody_vouches_alone_for_a_sign_in_that_nobody_announced() -> None:
    """The reviewer may be who it was: somebody else signs too, however harmless it is found to be."""
    review = post_incident_steps.go_on_without_statement(
        actor=person("carl"), review=orphan(), reason="Asked everybody on call."
    )
    review = determine("otto", review, replace(FOUND, recording=RecordingFound.GAP_ESCALATED))
    post_incident_closing.confirm_rotation(actor=person("carl"), review=review, evidence="Vault version 13.")
    done = replace(DONE, outcome_note="Nobody is known.")
    review = post_incident_steps.remediate(actor=person("otto"), review=review, done=done)
    assert sign("otto", review).status == ReviewStatus.SECOND_SIGNOFF

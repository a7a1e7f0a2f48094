"""The end of a review: rotation, sign-off by one or two people, and what a drill adds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import override_settings

from jitportal.models import Event, Notice, ReviewVersion
from jitportal.operations import (
    clock,
    follow_ups,
    post_incident_closing,
    post_incident_drills,
    post_incident_steps,
    problems,
    proving,
    step_up,
)
from jitportal.operations.step_up import EnrolmentNeeded, StepUpNeeded
from jitportal.rules.errors import Conflict, Invalid, InvalidInput, NotAllowed
from jitportal.rules.post_incident_words import (
    Classification,
    CriterionMet,
    ModelOutcome,
    PersonOutcome,
    Remediation,
    Step,
)
from jitportal.rules.vocabulary import ReviewStatus
from tests.models import rows
from tests.operations import world
from tests.operations.incidents import (
    DONE,
    FOUND,
    activated,
    determine,
    ended,
    remediated,
    sign,
    sign_second,
    stated,
    use_of,
    used,
)
from tests.operations.world import person
from tests.web.second_factors import App

pytestmark = pytest.mark.usefixtures("small_portal")


def lacking(who: str, review: object) -> set[str | None]:
    with pytest.raises(InvalidInput) as refused:
        sign(who, review)  # type: ignore[arg-type]
    return {problem.field for problem in refused.value.problems}


def test_an_emergency_as_declared_closes_with_one_signature() -> None:
    review = sign("otto", remediated())
    assert (review.status, review.due_at, review.remind_at) == (ReviewStatus.CLOSED, None, None)
    assert review.closed_at == review.signed_at
    assert [one.step for one in ReviewVersion.objects.all()] == [
        Step.STATEMENT,
        Step.DETERMINATION,
        Step.REMEDIATION,
        Step.SIGN_OFF,
    ]
    verbs = Event.objects.filter(activation=review.activation).order_by("pk").values_list("verb", flat=True)
    assert [verb.removeprefix("incident_review.") for verb in verbs] == [
        "opened",
        "stated",
        "determined",
        "rotated",
        "remediated",
        "signed",
        "closed",
    ]


def test_it_can_not_close_without_rotation_and_all_that_is_put_right() -> None:
    review = determine("otto", stated())
    wanted = {"rotation", "sessions_ended", "reverted", "person_outcome", "model_outcome", "reportable"}
    assert lacking("otto", review) == wanted
    post_incident_steps.remediate(actor=person("otto"), review=review, done=DONE)
    assert lacking("otto", review) == {"rotation"}
    with pytest.raises(Invalid):
        post_incident_closing.confirm_rotation(actor=person("carl"), review=review, evidence=" ")
    post_incident_closing.confirm_rotation(actor=person("carl"), review=review, evidence="Vault version 12.")
    review = sign("otto", review)
    assert (review.status, review.rotated_by) == (ReviewStatus.CLOSED, person("carl"))
    assert review.account.last_rotated_at == review.rotated_at


def test_the_responder_rotates_nothing_and_nothing_is_rotated_twice() -> None:
    opened = activated()
    with pytest.raises(Conflict, match="hasn't ended"):
        post_incident_closing.confirm_rotation(actor=person("carl"), review=opened.review, evidence="Done.")
    review = ended(opened)
    for username in ("rita", "dora"):
        with pytest.raises(NotAllowed):
            post_incident_closing.confirm_rotation(actor=person(username), review=review, evidence="Done.")
    with pytest.raises(Conflict, match="outlives its use"):
        post_incident_closing.rotate(actor=person("carl"), review=review)
    post_incident_closing.confirm_rotation(actor=person("carl"), review=review, evidence="Done.")
    with pytest.raises(Conflict, match="already"):
        post_incident_closing.confirm_rotation(actor=person("otto"), review=review, evidence="Again.")


@pytest.mark.parametrize(
    "found",
    [
        replace(FOUND, classification=Classification.MISUSE),
        replace(FOUND, criterion=CriterionMet.CANNOT_VERIFY),
    ],
    ids=["misuse", "cannot verify"],
)
def test_misuse_and_what_can_not_be_verified_want_a_second_person(found: object) -> None:
    done = replace(DONE, person_outcome=PersonOutcome.REMOVED)
    review = remediated(found, done)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        sign_second("sven", review)
    review = sign("otto", review)
    assert (review.status, review.closed_at) == (ReviewStatus.SECOND_SIGNOFF, None)
    assert review.due_at is not None
    for username in ("rita", "otto", "dora"):
        with pytest.raises(NotAllowed):
            sign_second(username, review)
    with pytest.raises(Conflict):
        sign("otto", review)
    review = sign_second("sven", review)
    assert (review.status, review.second_reviewer) == (ReviewStatus.CLOSED, person("sven"))
    with pytest.raises(Conflict):
        sign_second("mona", review)


def test_a_second_person_may_find_the_determination_wrong() -> None:
    misuse = replace(FOUND, classification=Classification.MISUSE)
    review = sign("otto", remediated(misuse, replace(DONE, person_outcome=PersonOutcome.TRAINING)))
    review = post_incident_steps.send_back(actor=person("sven"), review=review, note="It was an emergency.")
    assert (review.status, review.signed_at) == (ReviewStatus.DETERMINATION, None)
    review = sign("sven", determine("sven", review))
    assert review.status == ReviewStatus.SECOND_SIGNOFF  # whoever found misuse, or a third, agrees
    review = sign_second("otto", review)
    assert (review.status, review.reviewer) == (ReviewStatus.CLOSED, person("sven"))


def test_nobody_takes_their_own_finding_back_once_a_second_person_is_asked() -> None:
    misuse = replace(FOUND, classification=Classification.MISUSE)
    review = sign("otto", remediated(misuse, replace(DONE, person_outcome=PersonOutcome.TRAINING)))
    with pytest.raises(NotAllowed, match="second person is asked"):
        post_incident_steps.send_back(actor=person("otto"), review=review, note="It wasn't after all.")


def test_a_finding_that_is_softened_wants_a_second_person_all_the_same() -> None:
    misuse = replace(FOUND, classification=Classification.MISUSE)
    review = remediated(misuse, replace(DONE, person_outcome=PersonOutcome.TRAINING))
    review = post_incident_steps.send_back(actor=person("otto"), review=review, note="On second thoughts.")
    review = sign("otto", determine("otto", review))
    assert (review.classification, review.status) == ("emergency", ReviewStatus.SECOND_SIGNOFF)


def test_misuse_without_consequence_is_explained() -> None:
    review = remediated(replace(FOUND, classification=Classification.MISUSE))
    assert lacking("otto", review) == {"outcome_note"}


def test_whoever_determined_signs() -> None:
    review = remediated()
    for username in ("sven", "rita"):
        with pytest.raises(NotAllowed):
            sign(username, review)


def test_what_follows_for_roles_needs_an_owner() -> None:
    review = remediated(done=replace(DONE, model_outcome=ModelOutcome.NEW_JIT_ROLE))
    assert lacking("otto", review) == {"follow_ups"}
    follow_ups.add(
        actor=person("otto"),
        review=review,
        what="Make a role for restarts.",
        owner=person("dora"),
        due_at=clock.now() + timedelta(days=7),
    )
    assert sign("otto", review).status == ReviewStatus.CLOSED


def test_a_signature_takes_a_second_factor() -> None:
    review = remediated()
    with override_settings(STEP_UP=True), pytest.raises(EnrolmentNeeded):
        sign("otto", review)
    review.refresh_from_db()
    assert (review.status, review.signed_at) == (ReviewStatus.REMEDIATION, None)


def test_a_signature_is_for_the_remediation_that_was_read() -> None:
    review = remediated()
    otto, app = person("otto"), App(person("otto"))
    with override_settings(STEP_UP=True):
        with pytest.raises(StepUpNeeded) as needed:
            sign("otto", review)
        for said in (DONE.reverted, DONE.sessions_ended, FOUND.finding):
            assert said in needed.value.sentence
        asked = step_up.ask(otto, needed.value.act, needed.value.about, needed.value.sentence)
        proof = proving.prove_by_code(actor=otto, asked=asked, code=app.code())
        done = replace(DONE, reverted="Nothing at all.")
        review = post_incident_steps.remediate(actor=otto, review=review, done=done)
        with pytest.raises(StepUpNeeded, match="isn't what is being decided now"):
            post_incident_closing.sign(actor=otto, review=review, proof=proof)
    review.refresh_from_db()
    assert review.signed_at is None


def test_a_closed_review_takes_nothing_more() -> None:
    review = sign("otto", remediated())
    for act in (
        lambda: post_incident_steps.remediate(actor=person("otto"), review=review, done=Remediation()),
        lambda: post_incident_steps.send_back(actor=person("sven"), review=review, note="No."),
        lambda: follow_ups.add(
            actor=person("otto"), review=review, what="More.", owner=person("dora"), due_at=clock.now()
        ),
    ):
        with pytest.raises(Conflict):
            act()


# drills


def test_a_drill_is_the_whole_path_with_its_latency_custody_and_seal() -> None:
    found = replace(FOUND, classification=Classification.DRILL)
    review = remediated(found, drill=True)
    assert lacking("otto", review) == {"scenario", "custody_checked", "alert_seconds", "resealed"}
    said = {"scenario": "The provider is down.", "custody_note": "", "resealed": False}
    with pytest.raises(NotAllowed):
        post_incident_drills.note(actor=person("rita"), review=review, custody_checked=True, **said)  # type: ignore[arg-type]
    post_incident_drills.note(actor=person("carl"), review=review, custody_checked=True, **said)  # type: ignore[arg-type]
    post_incident_drills.note(
        actor=person("carl"),
        review=review,
        custody_checked=False,  # what was checked stays checked
        scenario="The provider is down.",
        custody_note="Seal 7 was whole.",
        resealed=True,
    )
    assert lacking("otto", review) == {"alert_seconds"}
    alert = use_of(review).alerts.get()
    alert.acknowledged_at = use_of(review).opened_at + timedelta(seconds=42)
    alert.save()
    review = sign("otto", review)
    assert (review.status, review.alert_seconds) == (ReviewStatus.CLOSED, 42.0)
    assert review.account.last_drilled_at == review.access_ended_at
    assert post_incident_drills.due_at(review.account) - timedelta(days=90) == review.access_ended_at


def test_a_real_use_is_no_drill() -> None:
    review = used()
    with pytest.raises(Conflict, match="no drill"):
        post_incident_drills.note(
            actor=person("carl"),
            review=review,
            scenario="",
            custody_checked=True,
            custody_note="",
            resealed=True,
        )


def test_custodians_are_reminded_of_drills_once_a_week() -> None:
    account = rows.emergency_account(custodians=["carl"], created_at=clock.now())
    assert post_incident_drills.remind_due() == 0
    with world.at(post_incident_drills.due_at(account) - timedelta(days=6)):
        assert post_incident_drills.remind_due() == 1
        assert post_incident_drills.remind_due() == 0
    with world.at(post_incident_drills.due_at(account) + timedelta(days=1)):
        assert post_incident_drills.remind_due() == 1
        assert post_incident_drills.remind_due() == 0


def test_a_drill_of_what_nobody_keeps_is_told_to_those_who_operate() -> None:
    account = rows.emergency_account(custodians=["long-gone"], created_at=clock.now())
    with world.at(post_incident_drills.due_at(account) + timedelta(days=1)):
        assert post_incident_drills.remind_due() == 1
        operators = {one.username for one in problems.operators(clock.now())}
    told = Notice.objects.filter(kind="review.drill_due")
    assert {one.recipient.username for one in told if one.recipient} == operators != set()
    assert all("Nobody who is here keeps it" in one.body for one in told)

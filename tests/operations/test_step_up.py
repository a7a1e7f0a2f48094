"""Proofs of a second factor under load: each passes once, however many come at the same moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.conf import LazySettings

from jitportal.audit.system import system
from jitportal.models import Person, StepUpProof
from jitportal.operations import clock, factors, one_time_codes, people, proving, step_up
from jitportal.operations.step_up import StepUpNeeded
from jitportal.operations.transaction import operation
from jitportal.rules.step_up import Act
from tests.operations.racing import together

ABOUT = {"grant": 1}


@pytest.fixture
def ann(transactional_db: None, settings: LazySettings) -> Person:
    settings.STEP_UP = True
    return people.create_person(actor=system(), username="ann", name="Ann Test")


def app_of(person: Person) -> str:
    secret = one_time_codes.new_secret()
    earlier = one_time_codes.code_at(secret, clock.now() - timedelta(seconds=30))
    factors.add_codes(actor=person, secret=secret, code=earlier)
    return secret


def refused(outcomes: list[object]) -> list[str]:
    return [str(one) for one in outcomes if isinstance(one, StepUpNeeded)]


def test_one_proof_passes_one_of_many_at_the_same_moment(ann: Person) -> None:
    secret = app_of(ann)
    asked = step_up.ask(ann, Act.START, ABOUT, "Start it.")
    proof = proving.prove_by_code(actor=ann, asked=asked, code=one_time_codes.code_at(secret, clock.now()))

    def take() -> StepUpProof | None:
        with operation(ann):
            return step_up.require(actor=ann, act=Act.START, about=ABOUT, sentence="Start it.", proof=proof)

    outcomes = together([take] * 4)
    assert sum(isinstance(one, StepUpProof) for one in outcomes) == 1
    assert refused(outcomes) == [step_up.USED] * 3


def test_one_code_proves_one_of_many_at_the_same_moment(ann: Person) -> None:
    secret = app_of(ann)
    code = one_time_codes.code_at(secret, clock.now())

    def prove() -> StepUpProof:
        asked = step_up.ask(ann, Act.START, ABOUT, "Start it.")
        return proving.prove_by_code(actor=ann, asked=asked, code=code)

    outcomes = together([prove] * 4)
    assert sum(isinstance(one, StepUpProof) for one in outcomes) == 1
    assert all("used already" in one for one in refused(outcomes))
    assert StepUpProof.objects.count() == 1


def test_one_recovery_code_counts_once_at_the_same_moment(ann: Person) -> None:
    app_of(ann)
    code = one_time_codes.recovery_codes(ann)[0]

    def prove() -> StepUpProof:
        asked = step_up.ask(ann, Act.START, ABOUT, "Start it.")
        return proving.prove_by_code(actor=ann, asked=asked, code=code)

    outcomes = together([prove] * 4)
    assert sum(isinstance(one, StepUpProof) for one in outcomes) == 1
    assert one_time_codes.recovery_codes_left(Authenticator.objects.get(type="recovery_codes")) == 9


def test_a_proof_that_failed_with_its_act_is_used_by_no_other(ann: Person) -> None:
    secret = app_of(ann)
    asked = step_up.ask(ann, Act.START, ABOUT, "Start it.")
    proof = proving.prove_by_code(actor=ann, asked=asked, code=one_time_codes.code_at(secret, clock.now()))
    with pytest.raises(StepUpNeeded, match="isn't what is being decided"), operation(ann):
        step_up.require(actor=ann, act=Act.START, about={"grant": 2}, sentence="Start it.", proof=proof)
    with pytest.raises(StepUpNeeded, match="isn't what is being decided"), operation(ann):
        step_up.require(actor=ann, act=Act.BREAK_GLASS, about=ABOUT, sentence="Break it.", proof=proof)
    with clock.moved(by=timedelta(minutes=6)), pytest.raises(StepUpNeeded, match="too long"), operation(ann):
        step_up.require(actor=ann, act=Act.START, about=ABOUT, sentence="Start it.", proof=proof)
    proof.refresh_from_db()
    assert proof.used_at is None
    with operation(ann):
        assert step_up.require(actor=ann, act=Act.START, about=ABOUT, sentence="Start it.", proof=proof)


def test_nothing_is_told_as_a_story_in_production(settings: LazySettings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(RuntimeError, match="production"), step_up.told_as_a_story():
        pass

"""The post-incident review's rules: what is needed, who reviews, what being late does."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules import post_incident as rules
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Determination,
    DrillResult,
    Fit,
    Known,
    Missing,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
    Remediation,
    Statement,
    Step,
    spoken,
)
from jitportal.rules.vocabulary import Pathway, ReviewStatus

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # a Friday
SAID = Statement(**{field.name: "None." for field in fields(Statement)})
FOUND = Determination(
    Classification.EMERGENCY,
    CriterionMet.YES,
    Fit.RIGHT,
    CouldJit.NO,
    RecordingFound.COMPLETE,
    finding="As declared.",
)
KNOWN = Known(drill=False, ended=True, recordings=1)
DONE = Remediation(
    rotated_at=NOW,
    sessions_ended="The target shows none.",
    reverted="None were left.",
    person_outcome=PersonOutcome.NONE,
    model_outcome=ModelOutcome.NONE,
    reportable=False,
)
DRILLED = DrillResult("Provider down", custody_checked=True, alert_seconds=4.2, resealed=True)
OPEN = [status for status in ReviewStatus if status is not ReviewStatus.CLOSED]
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(), timedelta(days=4000)).map(lambda later: EPOCH + later)


def named(missing: list[Missing]) -> set[str]:
    return {one.field for one in missing}


def test_every_answer_has_words() -> None:
    for enum in (Classification, CriterionMet, Fit, CouldJit, RecordingFound, PersonOutcome, ModelOutcome):
        assert len({spoken(member) for member in enum}) == len(enum)
    assert spoken(CriterionMet.YES) != spoken(CouldJit.YES)


# due


def test_a_statement_is_due_a_day_after_the_access_ended_and_not_before() -> None:
    assert rules.due(ReviewStatus.STATEMENT, None) is None
    assert rules.due(ReviewStatus.STATEMENT, NOW) == NOW + timedelta(hours=24)


def test_a_determination_is_due_two_business_days_after_the_statement() -> None:
    assert rules.due(ReviewStatus.DETERMINATION, NOW) == NOW + timedelta(days=4)  # over the weekend


def test_the_policy_may_set_other_times() -> None:
    brisk = rules.Deadlines(statement_hours=2, determination_days=1)
    assert rules.due(ReviewStatus.RETURNED, NOW, brisk) == NOW + timedelta(hours=2)
    assert rules.due(ReviewStatus.DETERMINATION, NOW, brisk) == NOW + timedelta(days=3)


@pytest.mark.parametrize("status", OPEN)
def test_each_open_step_is_due_at_some_time(status: ReviewStatus) -> None:
    due = rules.due(status, NOW)
    assert due is not None
    assert due > NOW
    assert rules.due(ReviewStatus.CLOSED, NOW) is None


@given(since=MOMENTS, status=st.sampled_from(OPEN), later=st.timedeltas(timedelta(), timedelta(days=40)))
def test_reminders_come_before_and_escalations_again_and_again(
    since: datetime, status: ReviewStatus, later: timedelta
) -> None:
    due = rules.due(status, since)
    assert due is not None
    reminder = rules.remind_at(due, since)
    assert reminder is not None
    assert since <= reminder <= due
    now = since + later
    again = rules.next_escalation(due, now)
    assert again > now or again == due > now
    assert again >= due
    assert again - max(now, due) <= timedelta(hours=rules.USUAL.escalate_every_hours)


# late


@given(
    status=st.sampled_from(list(ReviewStatus)),
    pathway=st.sampled_from(list(Pathway)),
    due=st.none() | MOMENTS,
    lifted=st.none() | MOMENTS,
    now=MOMENTS,
)
def test_only_a_late_statement_blocks_and_never_an_emergency(
    status: ReviewStatus,
    pathway: Pathway,
    due: datetime | None,
    lifted: datetime | None,
    now: datetime,
) -> None:
    blocked = rules.blocks(status, due, lifted, pathway, now)
    late = due is not None and due <= now
    waits_for_responder = status in {ReviewStatus.STATEMENT, ReviewStatus.RETURNED}
    free = lifted is not None and now < lifted
    assert blocked == (pathway is not Pathway.BREAK_GLASS and waits_for_responder and late and not free)


def test_two_people_lift_a_block_for_a_while() -> None:
    asked = (ReviewStatus.STATEMENT, NOW, NOW + timedelta(hours=5), Pathway.JIT)
    assert not rules.blocks(*asked, NOW + timedelta(hours=4))
    assert rules.blocks(*asked, NOW + timedelta(hours=5))


# who


people = st.sampled_from(["rita", "sam", "vera"])
nobody_or_somebody = st.sampled_from(["", "rita", "sam", "vera"])


@given(
    who=people,
    parts=st.builds(
        rules.Parts,
        responder=nobody_or_somebody,
        took_part=st.frozensets(people),
        recorded_by=nobody_or_somebody,
        named_by=nobody_or_somebody,
        stated_by=nobody_or_somebody,
        delegates=st.frozensets(people),
    ),
    hands=st.frozensets(people),
)
def test_nobody_reviews_what_they_had_a_part_in(who: str, parts: rules.Parts, hands: frozenset[str]) -> None:
    why = rules.why_not_reviewer(who, parts, same_hands=hands)
    had_a_part = who in {parts.responder, parts.recorded_by, parts.named_by, parts.stated_by}
    assert bool(why) == (had_a_part or who in {*parts.took_part, *parts.delegates, *hands})
    assert not why or why.endswith(".")


def test_the_second_sign_off_is_another_persons() -> None:
    assert rules.why_not_second("vera", reviewer="vera", same_hands=())
    assert rules.why_not_second("sam", reviewer="vera", same_hands={"sam"})
    assert not rules.why_not_second("sam", reviewer="vera", same_hands=())


@pytest.mark.parametrize("classification", Classification)
@pytest.mark.parametrize("criterion", CriterionMet)
def test_misuse_and_what_cannot_be_verified_want_a_second_sign_off(
    classification: Classification, criterion: CriterionMet
) -> None:
    found = replace(FOUND, classification=classification, criterion=criterion)
    wanted = classification is Classification.MISUSE or criterion is CriterionMet.CANNOT_VERIFY
    assert rules.wants_second(found) == wanted


# what is needed


def test_a_statement_needs_every_answer_and_none_is_one() -> None:
    assert rules.statement_missing(SAID) == []
    every = {field.name for field in fields(Statement)}
    assert named(rules.statement_missing(Statement())) == every
    for name in every:
        assert named(rules.statement_missing(replace(SAID, **{name: " "}))) == {name}


def test_a_determination_needs_every_answer() -> None:
    assert rules.determination_missing(FOUND, KNOWN) == []
    needed = {"classification", "criterion", "fit", "could_jit", "recording", "finding"}
    assert named(rules.determination_missing(Determination(), KNOWN)) == needed


def test_a_determination_waits_for_the_end_of_the_access() -> None:
    missing = rules.determination_missing(FOUND, replace(KNOWN, ended=False))
    assert [one.sentence for one in missing] == ["The access hasn't ended yet. Determine when it has."]


@pytest.mark.parametrize("drill", [True, False])
@pytest.mark.parametrize("classification", Classification)
def test_a_drill_is_no_emergency_and_the_real_thing_no_drill(
    drill: bool, classification: Classification
) -> None:
    missing = rules.determination_missing(
        replace(FOUND, classification=classification), replace(KNOWN, drill=drill)
    )
    contradicts = classification is (Classification.EMERGENCY if drill else Classification.DRILL)
    assert named(missing) == ({"classification"} if contradicts else set())


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (replace(KNOWN, gaps=1), "There is a gap"),
        (replace(KNOWN, gaps=2), "There are 2 gaps"),
        (replace(KNOWN, recordings=0), "no recording at all"),
    ],
)
def test_what_has_a_gap_is_not_complete(known: Known, says: str) -> None:
    (missing,) = rules.determination_missing(FOUND, known)
    assert missing.field == "recording"
    assert says in missing.sentence
    accepted = replace(FOUND, recording=RecordingFound.GAP_ACCEPTED)
    assert named(rules.determination_missing(accepted, known)) == {"recording_reason"}
    accepted = replace(accepted, recording_reason="The host lost power.")
    assert rules.determination_missing(accepted, known) == []
    assert rules.determination_missing(replace(FOUND, recording=RecordingFound.GAP_ESCALATED), known) == []


def test_every_line_of_the_action_log_is_marked() -> None:
    (missing,) = rules.determination_missing(FOUND, replace(KNOWN, unmarked=2))
    assert missing.field == "lines"
    assert "2 lines" in missing.sentence


def test_rotation_is_needed_to_close() -> None:
    assert rules.remediation_missing(DONE, FOUND, SAID) == []
    (missing,) = rules.remediation_missing(replace(DONE, rotated_at=None), FOUND, SAID)
    assert missing.step is Step.REMEDIATION
    assert missing.field == "rotation"


def test_remediation_needs_every_answer() -> None:
    needed = {"rotation", "sessions_ended", "reverted", "person_outcome", "model_outcome", "reportable"}
    assert named(rules.remediation_missing(Remediation(), FOUND, SAID)) == needed


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("None.", "Say that nothing had to be reverted, or what was after all."),
        ("Two rows.", "Say how this was reverted, or why not: Two rows."),
    ],
)
def test_what_had_to_be_reverted_is_asked_for_in_its_own_words(said: str, asked: str) -> None:
    (missing,) = rules.remediation_missing(
        replace(DONE, reverted=""), FOUND, replace(SAID, changes_to_revert=said)
    )
    assert missing.sentence == asked


def test_what_follows_has_an_owner_and_what_is_reported_a_receiver() -> None:
    changed = replace(DONE, model_outcome=ModelOutcome.NEW_JIT_ROLE, reportable=True)
    assert named(rules.remediation_missing(changed, FOUND, SAID)) == {"follow_ups", "reportable_note"}
    mended = replace(changed, follow_ups=1, reportable_note="The regulator, by Monday.")
    assert rules.remediation_missing(mended, FOUND, SAID) == []


def test_misuse_without_consequence_is_explained() -> None:
    misuse = replace(FOUND, classification=Classification.MISUSE)
    assert named(rules.remediation_missing(DONE, misuse, SAID)) == {"outcome_note"}
    assert rules.remediation_missing(replace(DONE, person_outcome=PersonOutcome.REMOVED), misuse, SAID) == []


def test_a_drill_shows_what_it_was_for() -> None:
    assert rules.drill_missing(DRILLED) == []
    needed = {"scenario", "custody_checked", "alert_seconds", "resealed"}
    assert named(rules.drill_missing(DrillResult())) == needed

"""Reminders, escalations and channels in the policy document: what counts, and what is refused."""

from __future__ import annotations

import pytest

from jitportal.rules.nudges import NotifyRules, NudgeRules, Told, ToldRules
from jitportal.rules.policy_document import unknown_channels, unknown_names
from tests.rules.documents import line_of, problems, small, text_of

CAP = "      max_minutes: 30\n"  # of role writer, which has two stages of its own
FIRST = "{name: first, decides: manager}"
CRITERIA = "  criteria:"
JIT = "    allowed_for: [reader, writer]\n"
ALL = "escalate_to: [manager, role_owner, role_owner_manager, team: dba, person: lena]"


def test_without_a_word_nobody_is_reminded_and_no_channel_told() -> None:
    writer = small().roles["writer"]
    assert {stage.nudges for stage in writer.stages} == {NudgeRules()}
    assert writer.notify == NotifyRules()


def test_a_stages_own_words_come_before_its_roles_and_those_before_the_defaults() -> None:
    document = small(
        (CRITERIA, "  defaults: {remind_after_hours: 1, escalate_after_hours: 3, escalate_to: role_owner}\n" + CRITERIA),
        (CAP, CAP + "      remind_after_minutes: 40\n"),
        (FIRST, FIRST[:-1] + ", remind_after_minutes: 5, escalate_to: [team: dba]}"),
    )  # fmt: skip
    first, second = document.roles["writer"].stages
    dba, owner = ToldRules(Told.TEAM, "dba"), ToldRules(Told.ROLE_OWNER)
    assert first.nudges == NudgeRules(5, 180, (dba,))
    assert second.nudges == NudgeRules(40, 180, (owner,))
    (manager,) = document.roles["reader"].stages
    assert manager.nudges == NudgeRules(60, 180, (owner,)), "also a stage that the pathway requires"


def test_everybody_who_can_be_told() -> None:
    document = small((CAP, CAP + f"      escalate_after_minutes: 90\n      {ALL}\n"))
    told = document.roles["writer"].stages[0].nudges.escalate_to
    assert [str(one) for one in told] == [
        "the requester's manager", "the role's owner", "the manager of the role's owner", "team dba", "lena",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("remind_after_minutes: 0", "remind_after_minutes: 0 isn't between 1 and 1,000,000."),
        ("remind_after_minuts: 5", "remind_after_minuts: `remind_after_minuts` isn't a key that belongs here. Did you mean `remind_after_minutes`?"),
        ("escalate_after_hours: 1", "escalate_after_hours: This says when, and nothing says who is told then: add `escalate_to` beside it."),
        ("escalate_to: manager", "escalate_to: This says who is told, and nothing says when: add `escalate_after_minutes` (or hours, or days)."),
        ("escalate_to: []", "escalate_to: This list is empty: nobody would be told. Name somebody, or take it out."),
        ("escalate_to: owner", "escalate_to: `owner` isn't one who can be told."),
        ("escalate_to: team dba", "escalate_to: `team dba` isn't one who can be told."),
        ("escalate_to: {group: dba}", "escalate_to: This should be `team:` and the team's key, or `person:` and a username."),
        ("escalate_to: {person: system}", "escalate_to: `system` is the portal itself, not a person. Name a person."),
        ("escalate_to: [manager, manager]", "escalate_to: `the requester's manager` stands in this list twice. Keep one."),
        ("notify: {grant: [room]}", "notify.grant: `grant` isn't a key that belongs here. Did you mean `grants`?"),
        ("notify: {grants: room}", "notify.grants: This should be a list."),
        ("notify: {grants: [The Room]}", "notify.grants[0]: `The Room` can't be a key"),
    ],
)  # fmt: skip
def test_each_mistake_is_said_at_its_line(written: str, says: str) -> None:
    found = problems(text_of((CAP, f"{CAP}      {written}\n")))
    assert any(one.startswith(f"line {line_of(CAP) + 1}, roles.writer.{says}") for one in found), found


def test_a_duration_is_given_once() -> None:
    (found,) = problems(text_of((CAP, CAP + "      remind_after_minutes: 5\n      remind_after_hours: 1\n")))
    assert "say the same thing. Keep one." in found


def test_nobody_waits_for_a_decision_on_break_glass() -> None:
    text = text_of(
        ("eligible: {people: [ravi]}", "eligible: {people: [ravi]}\n      remind_after_minutes: 5")
    )
    (found,) = problems(text)
    assert "roles.rescue.remind_after_minutes: Nobody decides on a break-glass role before its use" in found


def test_what_comes_after_the_request_has_lapsed_is_a_warning() -> None:
    document = small((CAP, CAP + "      lapse_after_minutes: 20\n      remind_after_minutes: 20\n"))
    assert [one.sentence for one in document.warnings if "lapses" in one.sentence] == [
        "A request lapses after 20 minutes, so nobody is ever reminded after 20 minutes."
    ]


def test_those_who_are_told_are_compared_with_the_directory() -> None:
    document = small(
        (CAP, CAP + "      escalate_after_minutes: 90\n      escalate_to: [team: t-role, person: p-role]\n"),
        (FIRST, FIRST[:-1] + ", escalate_after_minutes: 9, escalate_to: {team: t-stage}}"),
        (CRITERIA, "  defaults: {escalate_after_hours: 3, escalate_to: {person: p-default}}\n" + CRITERIA),
    )
    named = {one.sentence.split("`")[1] for one in unknown_names(document, people=set(), teams=set())}
    assert {"t-role", "p-role", "t-stage", "p-default"} <= named


def test_a_roles_channels_stand_in_the_place_of_its_pathways() -> None:
    document = small(
        (JIT, JIT + "    notify: {requests: [room], grants: [room, watch], ends: [watch]}\n"),
        (CAP, CAP + "      notify: {grants: [dba-room], ends: []}\n"),
    )
    assert document.roles["reader"].notify == NotifyRules(("room",), ("room", "watch"), ("watch",))
    assert document.roles["writer"].notify == NotifyRules(("room",), ("dba-room",), ())
    assert document.roles["migration"].notify == NotifyRules()


def test_channels_are_compared_with_the_operators() -> None:
    document = small(
        (JIT, JIT + "    notify: {requests: [rom]}\n"),
        (CAP, CAP + "      notify: {ends: [watch, nowhere]}\n"),
    )
    assert [str(one) for one in unknown_channels(document, {"room", "watch"})] == [
        "line 4, jit_access.notify.requests[0]: The operator has set up no channel `rom` for teams. Did you mean `room`?",
        f"line {line_of(CAP) + 2}, roles.writer.notify.ends[1]: The operator has set up no channel `nowhere` for teams."
        " Known here: `room`, `watch`.",
    ]

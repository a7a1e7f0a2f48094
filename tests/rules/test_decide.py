"""What policy says of one request: refuse unless everything holds, and the system only by a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.deciders import DeciderRules, PersonFacts
from jitportal.rules.policy import (
    LONGEST_JUSTIFICATION,
    LONGEST_TICKET,
    Outcome,
    StageRules,
    SystemRules,
)
from jitportal.rules.vocabulary import Decider, Pathway, StartMode
from jitportal.rules.windows import Window
from tests.rules.asking import DIRECTORY, LENA, NOW, READER, WRITER, answer, refused
from tests.rules.documents import small


def test_no_rule_refuses() -> None:
    assert refused(None) == [("role", "The policy in force doesn't offer this role. Choose another role.")]


def test_people_are_asked_and_the_reasons_say_so() -> None:
    decision = answer()
    assert decision.outcome is Outcome.ASK
    assert [(stage.name, stage.eligible, stage.system_rule) for stage in decision.stages] == [
        ("manager", frozenset({"maya"}), "")
    ]
    assert decision.reasons == (
        "lena is a member of team platform.",
        "Stage manager: the requester's manager approves.",
    )


def test_several_stages_are_asked_in_order() -> None:
    decision = answer(WRITER, scope="orders")
    assert [(stage.index, stage.name, stage.people, stage.eligible) for stage in decision.stages] == [
        (0, "first", 1, frozenset({"maya"})),
        (1, "second", 2, frozenset({"dana", "ravi"})),
    ]
    assert decision.reasons[0] == "lena is named in the policy."


# The system


def test_the_system_approves_where_its_rule_matches() -> None:
    decision = answer(minutes=15, ticket="INC-1")
    assert decision.outcome is Outcome.SYSTEM_APPROVES
    assert decision.stages[0].system_rule == "short"
    assert decision.reasons[1] == "Stage manager: the system approves under rule short."


@pytest.mark.parametrize(
    "changes",
    [
        {"minutes": 16, "ticket": "INC-1"},
        {"minutes": 15, "ticket": ""},
        {"minutes": 15, "ticket": "CHG-1"},
        {"minutes": 15, "ticket": "INC-1; and more"},
    ],
)
def test_the_system_approves_nothing_by_default(changes: dict[str, Any]) -> None:
    assert answer(**changes).outcome is Outcome.ASK


def test_space_around_a_ticket_is_no_part_of_it() -> None:
    assert answer(minutes=15, ticket="  INC-1\n").outcome is Outcome.SYSTEM_APPROVES


def test_a_rule_for_one_stage_leaves_the_others_to_people() -> None:
    rule = SystemRules("team", teams=frozenset({"platform"}))
    first, second = WRITER.stages
    decision = answer(replace(WRITER, stages=(replace(first, system_when=(rule,)), second)), scope="orders")
    assert decision.outcome is Outcome.ASK
    assert [stage.system_rule for stage in decision.stages] == ["team", ""]


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (SystemRules("r", teams=frozenset({"platform", "x"})), True),
        (SystemRules("r", teams=frozenset({"x"})), False),
        (SystemRules("r", scopes=frozenset({"all"})), True),
        (SystemRules("r", scopes=frozenset({"orders"})), False),
        (SystemRules("r", max_minutes=30), True),
        (SystemRules("r", max_minutes=29), False),
        (SystemRules("r", max_minutes=30, teams=frozenset({"x"})), False),
    ],
)
def test_every_condition_of_a_rule_must_hold(rule: SystemRules, matches: bool) -> None:
    stage = replace(READER.stages[0], system_when=(rule,))
    outcome = answer(replace(READER, stages=(stage,))).outcome
    assert (outcome is Outcome.SYSTEM_APPROVES) == matches


def test_a_stage_that_the_system_approves_needs_no_people() -> None:
    alone = replace(LENA, manager=None)
    assert answer(minutes=15, ticket="INC-1", requester=alone).outcome is Outcome.SYSTEM_APPROVES


def test_a_matching_rule_makes_nobody_eligible() -> None:
    stranger = PersonFacts("eve", active=True, manager="maya")
    assert refused(minutes=15, ticket="INC-1", requester=stranger)[0][0] == "role"


# Who may ask


@pytest.mark.parametrize(
    ("requester", "sentence"),
    [
        (
            replace(LENA, active=False),
            "This account is deactivated, so it can't ask for access.",
        ),
        (
            replace(LENA, teams=frozenset({"dba"})),
            "You aren't eligible for reader. Ask its owner, dana, to add you.",
        ),
    ],
)
def test_who_isnt_eligible_is_refused(requester: PersonFacts, sentence: str) -> None:
    assert refused(requester=requester) == [("role", sentence)]


def test_a_role_cant_be_asked_for_on_another_pathway() -> None:
    assert refused(pathway=Pathway.TEMPORARY) == [
        ("role", "reader isn't on this pathway. Use the form for its own pathway.")
    ]


@pytest.mark.parametrize("pathway", list(Pathway))
def test_a_break_glass_role_is_never_offered_as_a_shortcut(pathway: Pathway) -> None:
    ravi = PersonFacts("ravi", active=True, manager="maya")
    assert refused(small().roles["rescue"], requester=ravi, pathway=pathway)


def test_a_forged_scope_is_refused_with_those_there_are() -> None:
    assert refused(WRITER, scope="payroll") == [
        ("scope", "writer has no such scope. Choose one of: billing, orders.")
    ]


# Who may decide


def test_no_approver_at_all_is_refused() -> None:
    """An empty set of approvers must not let anyone approve, as in k8s-breakglass #1212."""
    (problem,) = refused(requester=replace(LENA, manager=None))
    assert problem == (
        "role",
        "Stage manager needs 1 decided by the requester's manager, and nobody other than you can. "
        "Ask the role's owner to mend the rule.",
    )
    assert refused(replace(READER, stages=())) == [
        ("role", "The policy names nobody who could approve this role. Tell its owner.")
    ]


def test_a_deactivated_approver_counts_for_nobody() -> None:
    gone = replace(DIRECTORY, active=DIRECTORY.active - {"maya"})
    assert refused(directory=gone)[0][0] == "role"


def test_the_requester_counts_for_nobody() -> None:
    """Sole approver, owner and manager of oneself: nobody decides on their own request."""
    dana = PersonFacts("dana", active=True, teams=frozenset({"platform"}), manager="dana")
    stages = (StageRules("own", (DeciderRules(Decider.ROLE_OWNER), DeciderRules(Decider.MANAGER))),)
    assert refused(replace(READER, stages=stages), requester=dana)[0][0] == "role"


def test_stages_that_too_few_different_people_could_fill_are_refused() -> None:
    """One person in two groups of reviewers counts once, unlike in hoop."""
    dba = DeciderRules(Decider.TEAM, "dba")
    rules = replace(READER, stages=(StageRules("a", (dba,), people=2), StageRules("b", (dba,))))
    assert refused(rules) == [
        (
            "role",
            "The stages need 3 different people, and those who can decide are too few, because one person "
            "counts once. Ask the role's owner to mend the rule.",
        )
    ]


# For how long


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [
        (0, "Ask for at least one minute."),
        (-5, "Ask for at least one minute."),
        (61, "reader lasts 1 hour at most. Ask for less."),
        (10**9, "reader lasts 1 hour at most. Ask for less."),
    ],
)
def test_minutes_outside_the_cap_are_refused(minutes: int, sentence: str) -> None:
    assert refused(minutes=minutes) == [("minutes", sentence)]


@pytest.mark.parametrize("minutes", [1, 60])
def test_the_bounds_of_the_cap_are_allowed(minutes: int) -> None:
    assert answer(minutes=minutes).outcome is Outcome.ASK


def test_the_cap_is_that_of_the_role_asked_for() -> None:
    """AWS TEAM tests the duration against any policy instead of the one that matched."""
    assert READER.max_minutes == 60
    assert refused(WRITER, scope="orders", minutes=45) == [
        ("minutes", "writer lasts 30 minutes at most. Ask for less.")
    ]


RENEWAL = Window(StartMode.RENEWAL)


@pytest.mark.parametrize(
    ("earlier", "minutes", "sentence"),
    [
        (
            200,
            41,
            "reader may be held for 4 hours in one stretch, and 3 hours 20 minutes of it are used right before or "
            "after. Ask for 40 minutes or less, or for a time after a break of 1 hour.",
        ),
        (
            240,
            1,
            "reader may be held for 4 hours in one stretch, renewals and requests one after another included, and "
            "that is used up. Ask for a time after a break of 1 hour.",
        ),
    ],
)
@pytest.mark.parametrize("window", [RENEWAL, Window(StartMode.AT_ONCE)], ids=["renewal", "new request"])
def test_a_stretch_is_capped_in_total(window: Window, earlier: int, minutes: int, sentence: str) -> None:
    found = refused(window=window, minutes=minutes, earlier_minutes=earlier)
    assert found == [("minutes", sentence)]


def test_the_last_minutes_of_a_chain_can_be_had() -> None:
    assert answer(window=RENEWAL, minutes=40, earlier_minutes=200).outcome is Outcome.ASK


def test_a_window_is_checked_with_the_roles_own_limits() -> None:
    ahead = NOW + timedelta(minutes=READER.horizon_minutes)
    assert answer(window=Window(StartMode.SCHEDULED, ahead)).outcome is Outcome.ASK
    assert refused(window=Window(StartMode.SCHEDULED, ahead + timedelta(seconds=1))) == [
        ("opens_at", "Access can be planned 14 days ahead at most.")
    ]


# Words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "Say why in at least 10 characters (now 0)."),
        ("  too few   ", "Say why in at least 10 characters (now 7)."),
        (
            "x" * (LONGEST_JUSTIFICATION + 1),
            f"Keep the reason under {LONGEST_JUSTIFICATION} characters (now {LONGEST_JUSTIFICATION + 1}).",
        ),
        (
            "evil \u202etxt.exe\u202c",
            "The text holds a hidden character that reverses what stands after it. Type it again.",
        ),
        ("binary \x00 text", "The text holds characters that aren't text. Type it again."),
    ],
)
def test_a_justification_that_isnt_one_is_refused(words: str, sentence: str) -> None:
    assert refused(justification=words) == [("justification", sentence)]


TICKETED = replace(READER, ticket_required=True, ticket_pattern="CHG-[0-9]+", ticket_hint="Such as CHG-1.")


@pytest.mark.parametrize(
    ("ticket", "sentence"),
    [
        ("", "reader needs a ticket. Such as CHG-1."),
        ("  ", "reader needs a ticket. Such as CHG-1."),
        ("INC-1", "This doesn't look like a ticket for reader. Such as CHG-1."),
        ("CHG-1x", "This doesn't look like a ticket for reader. Such as CHG-1."),
        ("CHG-" + "1" * LONGEST_TICKET, f"A ticket has at most {LONGEST_TICKET} characters."),
        (
            "CHG-\u202d1",
            "The ticket holds a hidden character that reverses what stands after it. Type it again.",
        ),
        ("CHG-1\x00", "The ticket holds characters that aren't text. Type it again."),
    ],
)
def test_a_ticket_that_isnt_one_is_refused(ticket: str, sentence: str) -> None:
    assert refused(TICKETED, ticket=ticket) == [("ticket", sentence)]


def test_a_ticket_that_nobody_asks_for_may_be_anything_short() -> None:
    assert answer(ticket="see chat").outcome is Outcome.ASK
    assert answer(TICKETED, ticket="CHG-1").outcome is Outcome.ASK
    assert answer(ticket="x" * LONGEST_TICKET).outcome is Outcome.ASK


def test_a_long_ticket_never_meets_a_systems_pattern() -> None:
    assert refused(minutes=15, ticket="INC-" + "1" * 200_000)[0][0] == "ticket"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    found = refused(
        TICKETED, scope="x", minutes=0, justification="", ticket="", requester=replace(LENA, manager=None)
    )
    assert [field for field, _ in found] == ["scope", "minutes", "justification", "ticket", "role"]


# Whatever is asked


_PEOPLE = st.sampled_from(["lena", "omar", "maya", "dana", "ravi"])
_DECIDERS = st.lists(
    st.sampled_from(
        [
            DeciderRules(Decider.MANAGER),
            DeciderRules(Decider.ROLE_OWNER),
            DeciderRules(Decider.TEAM, "dba"),
            DeciderRules(Decider.TEAM, "platform"),
        ]
    ),
    max_size=2,
    unique=True,
).map(tuple)
_RULES = st.lists(st.builds(SystemRules, st.just("r"), max_minutes=st.integers(1, 60)), max_size=1).map(tuple)
_STAGES = st.lists(st.builds(StageRules, st.just("s"), _DECIDERS, st.integers(1, 2), _RULES), max_size=3).map(
    tuple
)


@given(stages=_STAGES, person=_PEOPLE, manager=_PEOPLE, owner=_PEOPLE, minutes=st.integers(-1, 70))
def test_nothing_passes_but_what_other_people_or_a_rule_can_approve(
    stages: tuple[StageRules, ...], person: str, manager: str, owner: str, minutes: int
) -> None:
    requester = PersonFacts(person, active=True, teams=frozenset({"platform"}), manager=manager)
    rules = replace(READER, stages=stages, owner=owner)
    decision = answer(rules, requester=requester, minutes=minutes)
    if decision.outcome is Outcome.REFUSE:
        assert decision.reasons
        return
    assert 1 <= minutes <= rules.max_minutes
    assert decision.stages
    for stage, rule in zip(decision.stages, stages, strict=True):
        assert person not in stage.eligible
        if stage.system_rule:
            assert any(minutes <= (one.max_minutes or 0) for one in rule.system_when)
        else:
            assert len(stage.eligible) >= stage.people
    approved = all(stage.system_rule for stage in decision.stages)
    assert (decision.outcome is Outcome.SYSTEM_APPROVES) == approved

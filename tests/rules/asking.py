"""A request to test with, and what policy answers to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from jitportal.rules.deciders import Directory, PersonFacts
from jitportal.rules.policy import Decision, Outcome, RequestFacts, RoleRules, decide
from jitportal.rules.vocabulary import Pathway, StartMode
from jitportal.rules.windows import Window
from tests.rules.documents import small

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
READER = small().roles["reader"]  # the manager, or the system up to 15 minutes with a ticket INC-
WRITER = small().roles["writer"]  # the manager, then two of team dba
LENA = PersonFacts("lena", active=True, teams=frozenset({"platform"}), manager="maya")
DIRECTORY = Directory(
    {"dba": frozenset({"dana", "ravi"}), "platform": frozenset({"lena", "omar"})},
    frozenset({"lena", "omar", "maya", "dana", "ravi"}),
)
FACTS = RequestFacts(
    requester=LENA,
    pathway=Pathway.JIT,
    scope="all",
    window=Window(StartMode.AT_ONCE),
    minutes=30,
    justification="Orders hang since noon",
    ticket="",
    directory=DIRECTORY,
)


def answer(rules: RoleRules | None = READER, **changes: Any) -> Decision:
    return decide(replace(FACTS, **changes), rules, NOW)


def refused(rules: RoleRules | None = READER, **changes: Any) -> list[tuple[str, str]]:
    """The problems, as (field, sentence); the decision must be a refusal that says no more."""
    decision = answer(rules, **changes)
    assert decision.outcome is Outcome.REFUSE
    assert decision.stages == ()
    assert decision.reasons == tuple(problem.sentence for problem in decision.problems)
    return [(problem.field, problem.sentence) for problem in decision.problems]

"""A status changes by the steps of the transition tables alone, and a row begins in its first state."""

from __future__ import annotations

import pytest

from jitportal.audit.guards.steps import MODELS
from jitportal.rules.lifecycle import TABLES
from tests.audit.lives import MAKERS, in_state, put, take
from tests.models.refusals import refused_by_guard

pytestmark = pytest.mark.django_db

PAIRS = [
    (noun, str(before), str(after), after in table[before])
    for noun, table in TABLES.items()
    for before in table
    for after in table
    if before != after
]


def test_every_table_is_guarded() -> None:
    assert set(MODELS) == set(TABLES) == set(MAKERS)


@pytest.mark.parametrize(("noun", "before", "after"), [pair[:3] for pair in PAIRS if not pair[3]])
def test_a_step_that_the_table_lacks_is_refused(noun: str, before: str, after: str) -> None:
    row = in_state(noun, before)
    with refused_by_guard(f"{MODELS[noun]._meta.model_name}_steps"):
        put(row, status=after)


@pytest.mark.parametrize(("noun", "before", "after"), [pair[:3] for pair in PAIRS if pair[3]])
def test_each_step_of_the_table_passes_every_guard(noun: str, before: str, after: str) -> None:
    row = in_state(noun, before)
    take(row, after)
    assert getattr(row, "status") == after  # noqa: B009 - four models have one


@pytest.mark.parametrize(
    ("noun", "state"), [(noun, str(state)) for noun, table in TABLES.items() for state in list(table)[1:]]
)
def test_a_row_begins_in_its_first_state(noun: str, state: str) -> None:
    with refused_by_guard(f"{MODELS[noun]._meta.model_name}_begins"):
        MAKERS[noun](status=state)  # type: ignore[call-arg]

"""The transition tables: every state is in them, every way leads to an end, and no step is made up."""

from __future__ import annotations

from enum import StrEnum

import pytest

from jitportal.rules.errors import Conflict, TransitionError
from jitportal.rules.lifecycle import TABLES, check_transition, is_terminal, spoken_state
from jitportal.rules.vocabulary import (
    ActivationStatus,
    GrantStatus,
    PolicyStatus,
    RequestStatus,
    ReviewStatus,
)

STATES: dict[str, set[StrEnum]] = {
    "request": set(RequestStatus),
    "grant": set(GrantStatus),
    "after-use review": {
        ReviewStatus.STATEMENT,
        ReviewStatus.DETERMINATION,
        ReviewStatus.RETURNED,
        ReviewStatus.CLOSED,
    },
    "activation": set(ActivationStatus),
    "post-incident review": set(ReviewStatus),
    "policy version": set(PolicyStatus),
}
START: dict[str, StrEnum] = {
    "request": RequestStatus.PENDING,
    "grant": GrantStatus.READY,
    "after-use review": ReviewStatus.STATEMENT,
    "activation": ActivationStatus.OPEN,
    "post-incident review": ReviewStatus.STATEMENT,
    "policy version": PolicyStatus.PROPOSED,
}
ENDS: dict[str, set[StrEnum]] = {
    "request": {
        RequestStatus.APPROVED,
        RequestStatus.DENIED,
        RequestStatus.WITHDRAWN,
        RequestStatus.LAPSED,
    },
    "grant": {GrantStatus.ENDED},
    "after-use review": {ReviewStatus.CLOSED},
    "activation": {ActivationStatus.ENDED},
    "post-incident review": {ReviewStatus.CLOSED},
    "policy version": {PolicyStatus.SUPERSEDED, PolicyStatus.REJECTED},
}


def reached(noun: str, start: StrEnum) -> set[StrEnum]:
    """Every state that some steps lead to."""
    seen: set[StrEnum] = set()
    ahead = [start]
    while ahead:
        state = ahead.pop()
        if state not in seen:
            seen.add(state)
            ahead += TABLES[noun][state]
    return seen


@pytest.mark.parametrize("noun", TABLES)
def test_every_state_is_in_its_table_and_can_be_reached(noun: str) -> None:
    assert set(TABLES[noun]) == STATES[noun] == reached(noun, START[noun])


@pytest.mark.parametrize("noun", TABLES)
def test_every_way_leads_to_an_end_that_nothing_follows(noun: str) -> None:
    assert {state for state in STATES[noun] if is_terminal(noun, state)} == ENDS[noun]
    assert all(reached(noun, state) & ENDS[noun] for state in STATES[noun])


@pytest.mark.parametrize("noun", TABLES)
def test_a_step_is_in_the_table_or_refused(noun: str) -> None:
    for before in STATES[noun]:
        for after in STATES[noun]:
            if after in TABLES[noun][before]:
                check_transition(noun, before, after)
                check_transition(noun, str(before), str(after))
            else:
                with pytest.raises(TransitionError):
                    check_transition(noun, before, after)


def test_a_grant_takes_its_steps_one_after_another() -> None:
    steps = [GrantStatus.READY, GrantStatus.PROVISIONING, GrantStatus.ACTIVE, GrantStatus.REMOVING]
    for before, after in zip(steps, [*steps[1:], GrantStatus.ENDED], strict=True):
        check_transition("grant", before, after)
    for early in (GrantStatus.PROVISIONING, GrantStatus.ACTIVE):
        with pytest.raises(TransitionError):
            check_transition("grant", early, GrantStatus.ENDED)


def test_a_refusal_is_a_conflict_in_words() -> None:
    with pytest.raises(Conflict) as caught:
        check_transition("request", RequestStatus.WITHDRAWN, RequestStatus.SENT_BACK)
    assert str(caught.value) == (
        "This request is withdrawn and can't become sent back. "
        "Somebody may have been faster: reload the page to see what happened."
    )
    assert spoken_state(RequestStatus.SENT_BACK) == "sent back"

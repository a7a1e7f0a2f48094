"""Transition tables, and ``check_transition`` that refuses every step not in them.

``docs/states.md`` is generated from these tables by ``manage.py states``; its drift fails the check.
Terminal states have no way out, and a timestamp once set is never cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from jitportal.rules.errors import TransitionError
from jitportal.rules.vocabulary import (
    ActivationStatus,
    GrantStatus,
    PolicyStatus,
    RequestStatus,
    ReviewStatus,
)

REQUEST: Mapping[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PENDING: frozenset(
        {
            RequestStatus.PENDING,  # an edit: a new revision
            RequestStatus.APPROVED,
            RequestStatus.DENIED,
            RequestStatus.SENT_BACK,
            RequestStatus.WITHDRAWN,
            RequestStatus.LAPSED,
        }
    ),
    RequestStatus.SENT_BACK: frozenset(
        {RequestStatus.PENDING, RequestStatus.WITHDRAWN, RequestStatus.LAPSED}
    ),
    RequestStatus.APPROVED: frozenset(),
    RequestStatus.DENIED: frozenset(),
    RequestStatus.WITHDRAWN: frozenset(),
    RequestStatus.LAPSED: frozenset(),
}

GRANT: Mapping[GrantStatus, frozenset[GrantStatus]] = {
    GrantStatus.READY: frozenset({GrantStatus.PROVISIONING, GrantStatus.ENDED}),
    GrantStatus.PROVISIONING: frozenset({GrantStatus.ACTIVE, GrantStatus.REMOVING}),
    GrantStatus.ACTIVE: frozenset({GrantStatus.REMOVING}),
    GrantStatus.REMOVING: frozenset({GrantStatus.ENDED}),
    GrantStatus.ENDED: frozenset(),
}

AFTER_USE_REVIEW: Mapping[ReviewStatus, frozenset[ReviewStatus]] = {
    ReviewStatus.STATEMENT: frozenset({ReviewStatus.DETERMINATION}),
    ReviewStatus.DETERMINATION: frozenset({ReviewStatus.RETURNED, ReviewStatus.CLOSED}),
    ReviewStatus.RETURNED: frozenset({ReviewStatus.DETERMINATION}),
    ReviewStatus.CLOSED: frozenset(),
}

ACTIVATION: Mapping[ActivationStatus, frozenset[ActivationStatus]] = {
    ActivationStatus.OPEN: frozenset({ActivationStatus.ENDING}),
    ActivationStatus.ENDING: frozenset({ActivationStatus.ENDED}),
    ActivationStatus.ENDED: frozenset(),
}

POST_INCIDENT_REVIEW: Mapping[ReviewStatus, frozenset[ReviewStatus]] = {
    ReviewStatus.STATEMENT: frozenset({ReviewStatus.DETERMINATION}),
    ReviewStatus.DETERMINATION: frozenset({ReviewStatus.RETURNED, ReviewStatus.REMEDIATION}),
    ReviewStatus.RETURNED: frozenset({ReviewStatus.DETERMINATION}),
    # Back to the determination: whoever remediates, or signs second, finds it wrong.
    ReviewStatus.REMEDIATION: frozenset(
        {ReviewStatus.DETERMINATION, ReviewStatus.SECOND_SIGNOFF, ReviewStatus.CLOSED}
    ),
    ReviewStatus.SECOND_SIGNOFF: frozenset({ReviewStatus.DETERMINATION, ReviewStatus.CLOSED}),
    ReviewStatus.CLOSED: frozenset(),
}

POLICY: Mapping[PolicyStatus, frozenset[PolicyStatus]] = {
    PolicyStatus.PROPOSED: frozenset({PolicyStatus.APPROVED, PolicyStatus.REJECTED}),
    PolicyStatus.APPROVED: frozenset({PolicyStatus.IN_FORCE, PolicyStatus.REJECTED}),
    PolicyStatus.IN_FORCE: frozenset({PolicyStatus.SUPERSEDED}),
    PolicyStatus.SUPERSEDED: frozenset(),
    PolicyStatus.REJECTED: frozenset(),
}

#: What each table is of, for messages and for the generated page.
TABLES: Mapping[str, Mapping[StrEnum, frozenset[StrEnum]]] = {
    "request": REQUEST,  # type: ignore[dict-item]  # Mapping is invariant in its key
    "grant": GRANT,  # type: ignore[dict-item]
    "after-use review": AFTER_USE_REVIEW,  # type: ignore[dict-item]
    "activation": ACTIVATION,  # type: ignore[dict-item]
    "post-incident review": POST_INCIDENT_REVIEW,  # type: ignore[dict-item]
    "policy version": POLICY,  # type: ignore[dict-item]
}


def check_transition(noun: str, before: StrEnum | str, after: StrEnum | str) -> None:
    """Let the step pass, or raise ``TransitionError`` with a sentence.

    ``noun`` is a key of ``TABLES``.
    """
    table = TABLES[noun]
    allowed = {
        str(state)
        for state in next((steps for state, steps in table.items() if state == before), frozenset())
    }
    if str(after) not in allowed:
        raise TransitionError(
            f"This {noun} is {spoken_state(before)} and can't become {spoken_state(after)}. "
            "Somebody may have been faster: reload the page to see what happened."
        )


def is_terminal(noun: str, state: StrEnum | str) -> bool:
    """Whether nothing can follow this state."""
    return not next(steps for known, steps in TABLES[noun].items() if known == state)


def spoken_state(state: StrEnum | str) -> str:
    """A state as a person says it: ``sent_back`` is "sent back"."""
    return str(state).replace("_", " ")

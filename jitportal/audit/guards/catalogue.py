"""Every guard there is."""

from __future__ import annotations

from functools import cache

from jitportal.audit.guards import emergencies, fixed, grants, record, requests, reviews, steps
from jitportal.audit.guards.definitions import Guard


@cache
def catalogue() -> tuple[Guard, ...]:
    """All guards of both databases; a guard says itself which databases it is for."""
    return (
        *record.guards(),
        *fixed.guards(),
        *steps.guards(),
        *requests.guards(),
        *grants.guards(),
        *reviews.guards(),
        *emergencies.guards(),
    )

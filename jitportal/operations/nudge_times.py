"""When the open stage of a request is to be reminded of, and when others are to be told."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.models import AccessRequest
from jitportal.operations import policies
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.nudges import NO_NUDGES, NudgeRules

FIELDS = ("remind_at", "escalate_at")


def rules_of(request: AccessRequest) -> NudgeRules:
    """What the policy that the request is pinned to says of its open stage."""
    try:
        stages = policies.pinned_rules(request).stages
    except PolicyRefuses:
        return NO_NUDGES
    return stages[request.stage].nudges if request.stage < len(stages) else NO_NUDGES


def set_times(request: AccessRequest, now: datetime) -> None:
    """The open stage begins to wait now. What would come only after the request lapses doesn't come."""
    rules = rules_of(request)
    _store(request, _at(request, rules.remind_after, now), _at(request, rules.escalate_after, now))


def stop(request: AccessRequest) -> None:
    """Nobody waits any more."""
    _store(request, None, None)


def _at(request: AccessRequest, minutes: int | None, now: datetime) -> datetime | None:
    if minutes is None:
        return None
    moment = now + timedelta(minutes=minutes)
    return moment if moment < request.lapses_at else None


def _store(request: AccessRequest, remind_at: datetime | None, escalate_at: datetime | None) -> None:
    if (request.remind_at, request.escalate_at) != (remind_at, escalate_at):
        request.remind_at, request.escalate_at = remind_at, escalate_at
        request.save(update_fields=FIELDS)

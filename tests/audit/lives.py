"""Rows brought to a state by the steps of the transition tables, past every guard on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Model

from jitportal.models import (
    AccessRequest,
    Activation,
    AfterUseReview,
    Grant,
    PolicyVersion,
    PostIncidentReview,
)
from jitportal.rules.lifecycle import TABLES
from tests.models import rows
from tests.models.rows import NOW

LATER = NOW + timedelta(minutes=1)

MAKERS: Mapping[str, Callable[[], Model]] = {
    "request": rows.request,
    "grant": rows.grant,
    "after-use review": rows.review,
    "activation": rows.activation,
    "post-incident review": rows.incident_review,
    "policy version": rows.policy_version,
}


def put(row: Model, **values: object) -> None:
    """Write the values in one UPDATE, past ``save()`` and the record."""
    type(row)._base_manager.filter(pk=row.pk).update(**values)


def in_state(noun: str, state: str) -> Model:
    """A row of this noun in this state, reached by a shortest path of steps."""
    row = MAKERS[noun]()
    for step in _path(noun, state):
        take(row, step)
    return row


def take(row: Model, step: str) -> None:
    """Set the status, with the columns that the models' constraints want beside it."""
    row.refresh_from_db()
    if isinstance(row, AccessRequest) and step == "approved":
        rows.approval(request=row)
    put(row, status=step, **_beside(row, step))
    row.refresh_from_db()


def _path(noun: str, state: str) -> list[str]:
    """The steps from the first state to this one: a breadth-first search."""
    table = {str(before): sorted(map(str, after)) for before, after in TABLES[noun].items()}
    first = next(iter(table))
    paths = {first: list[str]()}
    queue = [first]
    while queue:
        before = queue.pop(0)
        for after in table[before]:
            if after not in paths:
                paths[after] = [*paths[before], after]
                queue.append(after)
    return paths[state]


def _beside(row: Model, step: str) -> dict[str, Any]:
    if isinstance(row, AccessRequest):
        return {} if step in ("pending", "sent_back") else {"closed_at": LATER}
    if isinstance(row, Grant):
        return _beside_grant(row, step)
    if isinstance(row, Activation):
        stopped = {"stopped_at": LATER, "stopped_by": row.person_id, "end_reason": "handed_back"}
        return {"ended_at": LATER} | ({} if row.stopped_at else stopped) if step == "ended" else stopped
    if isinstance(row, PolicyVersion):
        return _beside_policy(step)
    if isinstance(row, PostIncidentReview):
        whole = {**rows.WHOLE, "reviewer": rows.person(), "rotated_by": rows.person()}
        return whole if step == "closed" else {}
    assert isinstance(row, AfterUseReview)
    return _beside_review(step)


def _beside_grant(grant: Grant, step: str) -> dict[str, Any]:
    stopped = {"stopped_at": LATER, "end_reason": "revoked", "stopped_by": grant.person_id}
    if step == "provisioning":
        lease = rows.lease(target=grant.role.target)
        return {"lease": lease, "starts_at": NOW, "ends_at": NOW + timedelta(minutes=grant.minutes)}
    if step == "active":
        return {"live_at": LATER}
    if step == "removing":
        return stopped
    ended = {"ended_at": LATER}
    return ended | ({"verified_absent_at": LATER} if grant.stopped_at else stopped)


def _beside_policy(step: str) -> dict[str, Any]:
    if step == "approved":
        return {"approved_by": rows.person(), "approved_at": LATER}
    if step == "in_force":
        return {"applied_by": rows.person(), "applied_at": LATER}
    return {"superseded_at": LATER} if step == "superseded" else {}


def _beside_review(step: str) -> dict[str, Any]:
    if step == "determination":
        return {"statement": "I rebuilt the index.", "stated_at": LATER}
    if step == "closed":
        return {"reviewer": rows.person(), "determination": "As asked.", "closed_at": LATER}
    return {}

"""Carries the audit context through django-q2's queue, from who enqueued a task to what it writes.

``async_task`` sends ``pre_enqueue`` with the task's package before it is signed; keys that the
package doesn't know travel with it to ``worker``, which sends ``pre_execute`` just before the
function and ``post_execute_in_worker`` after it, whether it raised or ran out of time. An exception in
a receiver would end the worker's process, so these raise none.
"""

from __future__ import annotations

from typing import Any

from django_q.signals import post_execute_in_worker, pre_enqueue, pre_execute

from jitportal.audit import context
from jitportal.audit.context import AuditContext

_KEY = "jitportal_audit_context"
_OUTER_KEY = "jitportal_audit_context_outside"


def connect() -> None:
    """Connect the three hooks, for good."""
    pre_enqueue.connect(_store, dispatch_uid="jitportal.audit.tasks")
    pre_execute.connect(_restore, dispatch_uid="jitportal.audit.tasks")
    post_execute_in_worker.connect(_reset, dispatch_uid="jitportal.audit.tasks")


def _store(task: dict[str, Any], **_signal: Any) -> None:
    task[_KEY] = _packed(context.current())


def _restore(task: dict[str, Any], **_signal: Any) -> None:
    """A task that nobody's context enqueued (the schedule's) belongs together under its own id."""
    task[_OUTER_KEY] = _packed(context.current())
    bound = _unpacked(task.pop(_KEY, None))
    context.put(bound if bound.correlation_id else _named(bound, task))


def _reset(task: dict[str, Any], **_signal: Any) -> None:
    """Put back what held outside: nothing in a worker, the caller's own where tasks run at once."""
    context.put(_unpacked(task.pop(_OUTER_KEY, None)))


def _packed(bound: AuditContext) -> dict[str, Any]:
    return {
        "actor_id": bound.actor_id,
        "correlation_id": bound.correlation_id,
        "address": bound.address,
    }


def _unpacked(packed: object) -> AuditContext:
    if not isinstance(packed, dict):
        return AuditContext()
    actor_id, correlation_id, address = (packed.get(key) for key in ("actor_id", "correlation_id", "address"))
    return AuditContext(
        actor_id=actor_id if isinstance(actor_id, int) else None,
        correlation_id=correlation_id if isinstance(correlation_id, str) else "",
        address=address if isinstance(address, str) else None,
    )


def _named(bound: AuditContext, task: dict[str, Any]) -> AuditContext:
    return AuditContext(bound.actor_id, str(task.get("id", "")), bound.address)

"""Manual work on targets: confirmed by whoever carried it out."""

from __future__ import annotations

from jitportal.audit.events import record
from jitportal.models import Lease, ManualTask, Person
from jitportal.operations import clock, wants
from jitportal.operations.facts import require
from jitportal.operations.transaction import operation
from jitportal.operations.wording import words
from jitportal.rules.errors import Conflict
from jitportal.rules.permissions import Verb


def confirm(*, actor: Person, task: ManualTask, note: str = "") -> ManualTask:
    """Say that the work is done. Raises ``Conflict`` where it is done, or not wanted any more."""
    with operation(actor):
        lease = (
            Lease.objects.select_for_update(of=("self",), no_key=True)
            .select_related("target")
            .get(pk=task.lease_id)
        )
        task = ManualTask.objects.select_for_update(of=("self",)).get(pk=task.pk)
        task.lease = lease
        now = clock.now()
        require(Verb.MANUAL_TASK_CONFIRM, actor, task, now)
        note = words(note, "note")
        if task.dropped_at is not None:
            raise Conflict("This isn't wanted any more: what was asked has changed. Look at the list again.")
        if task.done_at is not None:
            raise Conflict(f"{task.done_by} has confirmed this already.")
        task.done_at, task.done_by, task.note = now, actor, note
        task.save(update_fields=["done_at", "done_by", "note"])
        done = "gave" if task.wanted else "took away"
        for grant in lease.grants.unfinished().select_related("person", "role", "request"):
            record(
                verb="manual_task.confirmed",
                actor=actor,
                sentence=f"{actor} {done} {lease.entitlement} on {lease.target.name} for {lease.account}.",
                now=now,
                person=grant.person,
                request=grant.request,
                grant=grant,
                lease=lease,
                role=grant.role,
                target=lease.target,
                data={"note": task.note},
            )
        wants.attend(lease, now)
        return task

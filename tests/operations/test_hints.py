"""Hints to the worker: they may be lost, and must never be in the way."""

from __future__ import annotations

import pytest
from django_q.models import OrmQ

from jitportal.models import Grant
from jitportal.operations import clock, leases, wants
from tests.operations import world

pytestmark = pytest.mark.usefixtures("shared_portal")


def test_a_commit_tells_the_worker() -> None:
    grant = world.granted("rita", "operator")
    told = [row.task for row in OrmQ.objects.order_by("pk")]
    assert {task["func"] for task in told} == {"jitportal.worker.tasks.converge"}
    assert {tuple(task["args"]) for task in told} == {
        (grant.role.target_id, "removal"),
        (grant.role.target_id, "grant"),
    }


def test_hints_do_not_pile_up_while_no_worker_takes_them() -> None:
    """A thousand of them once held up a thousand removals: each is a task that finds nothing to do."""
    for who in ("rita", "remy", "rosa"):
        for role in ("operator", "auditor"):
            world.granted(who, role)
    assert OrmQ.objects.count() == wants.BUSY
    assert Grant.objects.count() == 6
    assert leases.due_targets(clock.now()) == [Grant.objects.first().role.target_id]  # type: ignore[union-attr]

"""Manual work: what a person is to carry out on a target, and then confirm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from jitportal.models import Grant, ManualTask, Person, Target
from jitportal.operations.directory import actor_facts
from jitportal.rules.vocabulary import Power

MOST_TASKS = 100
MOST_DONE = 20
_OPERATES = frozenset({Power.OPERATOR, Power.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Task:
    """``own``: it is about the viewer's own access, so somebody else has to confirm it."""

    task: ManualTask
    grants: Sequence[Grant]
    own: bool


@dataclass(frozen=True, slots=True)
class Tasks:
    """What waits, removals first, and what was done lately."""

    removals: Sequence[Task]
    others: Sequence[Task]
    done: Sequence[ManualTask]
    more: bool


def tasks_for(person: Person, now: datetime) -> Tasks:
    theirs = _theirs(person, now)
    waiting = theirs.filter(done_at__isnull=True, dropped_at__isnull=True)
    rows = list(_with_grants(waiting).order_by("wanted", "asked_at", "pk")[: MOST_TASKS + 1])
    shown = [_task(row, person) for row in rows[:MOST_TASKS]]
    done = theirs.filter(done_at__isnull=False).select_related("lease__target", "done_by")
    return Tasks(
        removals=[one for one in shown if not one.task.wanted],
        others=[one for one in shown if one.task.wanted],
        done=list(done.order_by("-done_at", "-pk")[:MOST_DONE]),
        more=len(rows) > MOST_TASKS,
    )


def task_of(task: ManualTask, person: Person) -> Task:
    """One task with the grants behind it."""
    return _task(_with_grants(ManualTask.objects.filter(pk=task.pk)).get(), person)


def _theirs(person: Person, now: datetime) -> QuerySet[ManualTask]:
    """The tasks that the person may confirm: as operator, as a role's owner, or named by the policy."""
    if actor_facts(person, now).powers & _OPERATES:
        return ManualTask.objects.all()
    carried = [
        target.pk
        for target in Target.objects.filter(connector="manual")
        if person.username in str(target.settings.get("carriers", "")).replace(",", " ").split()
    ]
    owned = Grant.objects.filter(role__owner=person, role__target__connector="manual").values("lease")
    return ManualTask.objects.filter(Q(lease__target__in=carried) | Q(lease__in=owned))


def _with_grants(tasks: QuerySet[ManualTask]) -> QuerySet[ManualTask]:
    grants = Grant.objects.unfinished().select_related("person", "role", "scope", "request__current")
    return tasks.select_related("lease__target").prefetch_related(
        Prefetch("lease__grants", queryset=grants, to_attr="unfinished_grants")
    )


def _task(row: ManualTask, person: Person) -> Task:
    grants: list[Grant] = getattr(row.lease, "unfinished_grants", [])
    return Task(row, grants, own=any(grant.person_id == person.pk for grant in grants))

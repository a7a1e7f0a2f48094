"""An approver's queue: each row says all that most decisions need, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from jitportal.models import AccessRequest, Approval, Grant, Person, RequestRevision
from jitportal.operations import queue, targets
from jitportal.rules.vocabulary import EnforcementPlan, Verdict
from jitportal.web.paging import Page, Position, newer

REQUESTS_A_PAGE = 25


@dataclass(frozen=True, slots=True)
class QueueRow:
    """``missing`` more people have to approve the open stage; ``number`` of ``of`` stages is open."""

    access_request: AccessRequest
    revision: RequestRevision
    number: int
    of: int
    missing: int
    used_before: int
    holders: int
    plan: EnforcementPlan


def queue_page(person: Person, now: datetime, *, after: Position | None) -> Page[QueueRow]:
    """A page of what waits for this person, the oldest first."""
    waiting = queue.queue_for(person, now).select_related(
        "requester__manager", "role__target", "role__owner", "scope__entitlement", "current"
    )
    page = newer(waiting, "created_at", after=after, size=REQUESTS_A_PAGE)
    return Page(_rows(page.rows, now), page.following, page.first)


def _rows(requests: Sequence[AccessRequest], now: datetime) -> list[QueueRow]:
    used, held, given = _used(requests), _held(requests, now), _given(requests)
    plans: dict[tuple[int, int], EnforcementPlan] = {}
    rows = []
    for request in requests:
        revision = request.current
        if revision is None:
            continue
        place = (request.role_id, request.scope_id)
        if place not in plans:
            plans[place] = targets.plan_for(request.role, request.scope)
        stage = revision.stages[request.stage]
        rows.append(
            QueueRow(
                access_request=request,
                revision=revision,
                number=request.stage + 1,
                of=len(revision.stages),
                missing=max(0, int(stage["people"]) - given.get((revision.pk, request.stage), 0)),
                used_before=used.get((request.requester_id, request.role_id), 0),
                holders=held.get(place, 0),
                plan=plans[place],
            )
        )
    return rows


def _used(requests: Sequence[AccessRequest]) -> dict[tuple[int, int], int]:
    """How often each requester has held each role before."""
    started = Grant.objects.filter(
        person__in={request.requester_id for request in requests},
        role__in={request.role_id for request in requests},
        starts_at__isnull=False,
    )
    counted = started.values_list("person_id", "role_id").annotate(times=Count("pk")).order_by()
    return {(person, role): times for person, role, times in counted}


def _held(requests: Sequence[AccessRequest], now: datetime) -> dict[tuple[int, int], int]:
    """How many people hold each role and scope by the clock."""
    held = Grant.objects.entitling(now).filter(role__in={request.role_id for request in requests})
    counted = held.values_list("role_id", "scope_id").annotate(people=Count("person", distinct=True))
    return {(role, scope): people for role, scope, people in counted.order_by()}


def _given(requests: Sequence[AccessRequest]) -> dict[tuple[int, int], int]:
    """How many people have approved each revision's stages."""
    given = Approval.objects.filter(
        revision__in={request.current_id for request in requests}, verdict=Verdict.APPROVE
    )
    counted = given.values_list("revision_id", "stage").annotate(people=Count("person", distinct=True))
    return {(revision, stage): people for revision, stage, people in counted.order_by()}

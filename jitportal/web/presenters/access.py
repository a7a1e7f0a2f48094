"""One person's access: in force, ready, waiting, and what was before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from jitportal.models import AccessRequest, Approval, Grant, PostIncidentReview
from jitportal.operations import connecting, targets
from jitportal.operations.waits import usual_waits
from jitportal.rules.permissions import Relation, Subject
from jitportal.rules.vocabulary import EnforcementPlan, GrantStatus, RequestStatus
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.live import AT_WORK, RUNNING, SETTLED, Live, live
from jitportal.web.presenters import acts, decision, incident_lists, states
from jitportal.web.presenters.acts import Act
from jitportal.web.presenters.deciding import waiting_rows, who_decides
from jitportal.web.presenters.waits import usually

#: On the first page; the rest is under history.
LATEST = 8
#: One person's open requests and grants are few; a page must stay readable whatever happens.
MOST = 100
_OWN = Subject(frozenset({Relation.HOLDER}))


@dataclass(frozen=True, slots=True)
class Held:
    """A grant on the page of its holder."""

    grant: Grant
    plan: EnforcementPlan
    instructions: str
    acts: list[Act]


@dataclass(frozen=True, slots=True)
class Waiting:
    access_request: AccessRequest
    deciders: str  # names; empty: nobody can at present, or it is with the requester
    wait: str  # how long it usually takes; empty where nobody is asked to decide
    late: bool  # by the clock, before the worker has written it down
    sent_back: Approval | None  # by whom, and what they want changed
    acts: list[Act]


@dataclass(frozen=True, slots=True)
class MyAccess:
    owed: list[PostIncidentReview]  # statements about one's use of break-glass
    in_force: list[Held]
    ready: list[Held]
    waiting: list[Waiting]
    removing: list[Held]
    history: list[AccessRequest]


def of_person(request: PortalRequest) -> MyAccess:
    now = now_of(request)
    held = [_held(request, grant) for grant in _unfinished(request)]
    return MyAccess(
        owed=incident_lists.owed_by(request.user),
        in_force=sorted(
            (one for one in held if _running(one.grant, now)), key=lambda one: one.grant.ends_at or now
        ),
        ready=sorted(
            (one for one in held if one.grant.status == GrantStatus.READY), key=lambda one: one.grant.opens_at
        ),
        waiting=_waiting(request),
        removing=[
            one for one in held if one.grant.status != GrantStatus.READY and not _running(one.grant, now)
        ],
        history=list(past(request).order_by("-created_at", "-pk")[:LATEST]),
    )


def live_of(request: PortalRequest, access: MyAccess) -> Live:
    """What the page shows that can change by itself."""
    now = now_of(request)
    held = [*access.in_force, *access.ready, *access.removing]
    grants = [
        (one.grant.pk, states.of_grant(one.grant, now).text, one.instructions, one.acts) for one in held
    ]
    waiting = [
        (one.access_request.pk, one.access_request.minutes, one.deciders, one.late, one.acts)
        for one in access.waiting
    ]
    unsettled = access.removing or any(one.grant.live_at is None for one in access.in_force)
    seconds = AT_WORK if unsettled else RUNNING if held or waiting else SETTLED
    return live(seconds, grants, waiting, [one.pk for one in access.history])


def past(request: PortalRequest) -> QuerySet[AccessRequest]:
    """One's own requests that came to nothing, or whose grant has ended."""
    over = Q(status__in=[RequestStatus.DENIED, RequestStatus.WITHDRAWN, RequestStatus.LAPSED])
    ended = Q(grant__status=GrantStatus.ENDED)
    return AccessRequest.objects.filter(over | ended, requester=request.user).select_related(
        "role", "scope", "grant"
    )


def _running(grant: Grant, now: datetime) -> bool:
    """Entitled by the clock, or about to be (a renewal begins on the target before its start)."""
    begun = grant.status in (GrantStatus.PROVISIONING, GrantStatus.ACTIVE)
    return begun and grant.ends_at is not None and now < grant.ends_at


def _unfinished(request: PortalRequest) -> list[Grant]:
    rows = Grant.objects.filter(person=request.user).unfinished().order_by("-created_at")
    beside = ("role__target", "scope__entitlement", "lease__target", "request", "renewed_by")
    return list(rows.select_related(*beside)[:MOST])


def _held(request: PortalRequest, grant: Grant) -> Held:
    return Held(
        grant=grant,
        plan=targets.plan_for(grant.role, grant.scope),
        instructions=connecting.instructions(grant),
        acts=acts.of_grant(request, grant, _OWN),
    )


def _waiting(request: PortalRequest) -> list[Waiting]:
    mine = AccessRequest.objects.open().filter(requester=request.user).order_by("-created_at")
    rows = list(waiting_rows(mine)[:MOST])
    names = who_decides(rows, request.user)
    now = now_of(request)
    waits = usual_waits({row.role_id for row in rows}, now)
    return [
        Waiting(
            row,
            names.get(row.pk, ""),
            usually(row, waits),
            row.lapses_at <= now,
            decision.sent_back(row),
            acts.of_request(request, row, _OWN),
        )
        for row in rows
    ]

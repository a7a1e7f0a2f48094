"""A past of a portal, as long as it is told to be, for benches: requests with their decisions and grants.

The rows are written past the operations, and with the guards taken off.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Subquery

from jitportal.models import (
    AccessRequest,
    Approval,
    Grant,
    Lease,
    Person,
    RequestRevision,
    RoleScope,
)
from jitportal.operations import clock
from jitportal.rules.vocabulary import EndReason, GrantStatus, Pathway, RequestStatus, StartMode, Verdict

DAYS, BATCH, DIGEST = 90, 5_000, "0" * 64


class Past:
    """Requests that were decided and ended, evenly through the days; the last ones may still wait."""

    def __init__(self, people: list[Person], scopes: list[RoleScope], stages: Sequence[object] = ()) -> None:
        """The first of the people decides what the others ask for. ``stages``: as requests store them."""
        self.now = clock.now()
        self.draw = random.Random(20)
        self.people, self.scopes, self.stages = people, scopes, list(stages)
        target = scopes[0].role.target
        leases = [
            Lease(
                target=target,
                account=one.username,
                entitlement="any",
                handle=one.username,
                created_at=self.now,
            )
            for one in people
        ]
        self.leases: list[Lease] = Lease.objects.bulk_create(leases)

    def make(self, number: int, *, waiting: int = 0) -> None:
        for start in range(0, number, BATCH):
            self._batch(range(start, min(number, start + BATCH)), number, waiting)
        newest = RequestRevision.objects.filter(request=OuterRef("pk")).values("pk")
        AccessRequest.objects.filter(current=None).update(current=Subquery(newest), stage=F("stage"))

    def _batch(self, indexes: range, number: int, waiting: int) -> None:
        requests = []
        for index in indexes:
            at = self.now - timedelta(days=DAYS) * (number - index) / number
            scope = self.scopes[min(len(self.scopes) - 1, int(self.draw.expovariate(0.1)))]
            pending = index >= number - waiting
            requests.append(
                AccessRequest(
                    requester=self.people[1 + index % (len(self.people) - 1)],
                    role=scope.role,
                    scope=scope,
                    pathway=Pathway.JIT,
                    status=RequestStatus.PENDING if pending else RequestStatus.APPROVED,
                    minutes=30,
                    created_at=at,
                    wanted_at=at,
                    lapses_at=at + timedelta(days=7),
                    closed_at=None if pending else at + timedelta(minutes=self.draw.expovariate(1 / 20)),
                )
            )
        AccessRequest.objects.bulk_create(requests)
        revisions = RequestRevision.objects.bulk_create(
            RequestRevision(
                request=one,
                number=1,
                policy_version=one.role.policy_version,
                start_mode=StartMode.AT_ONCE,
                minutes=30,
                justification="Measured.",
                stages=self.stages,
                reasons=[],
                document={},
                digest=DIGEST,
                created_at=one.created_at,
            )
            for one in requests
        )
        self._decided([one for one in revisions if one.request.closed_at])

    def _decided(self, revisions: list[RequestRevision]) -> None:
        approvals, grants = [], []
        for index, revision in enumerate(revisions):
            request, by_system = revision.request, index % 7 == 0
            began: datetime = request.closed_at or request.created_at
            ended = began + timedelta(minutes=30)
            approvals.append(
                Approval(
                    request=request,
                    revision=revision,
                    stage=0,
                    stage_name="manager",
                    person=self.people[0],
                    requester=request.requester,
                    verdict=Verdict.APPROVE,
                    minutes=30,
                    by_system=by_system,
                    document={},
                    digest=DIGEST,
                    decided_at=began,
                )
            )
            grants.append(
                Grant(
                    request=request,
                    person=request.requester,
                    role=request.role,
                    scope=request.scope,
                    pathway=request.pathway,
                    lease=self.leases[0],
                    account=request.requester.username,
                    status=GrantStatus.ENDED,
                    start_mode=StartMode.AT_ONCE,
                    opens_at=began,
                    closes_at=began,
                    minutes=30,
                    cap_minutes=60,
                    latest_end_at=ended,
                    starts_at=began,
                    ends_at=ended,
                    stopped_at=ended,
                    end_reason=EndReason.EXPIRED,
                    created_at=began,
                    verified_absent_at=ended + timedelta(seconds=self.draw.expovariate(2)),
                    ended_at=ended + timedelta(seconds=10),
                )
            )
        Approval.objects.bulk_create(approvals)
        Grant.objects.bulk_create(grants)

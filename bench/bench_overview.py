"""How soon the overview answers, where a hundred thousand requests were made in the last 90 days.

    .venv/bin/python bench/bench_overview.py [--requests 100000] [--rounds 10]
    .venv/bin/python scripts/on_private_postgres.py .venv/bin/python bench/bench_overview.py

Each figure by itself, then the whole page through the whole of Django. The rows are written past the
operations, and with the guards taken off, into a database of the bench's own.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitportal.models import Lease, Person, RequestRevision, RoleScope

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
DAYS, BATCH, DIGEST = 90, 5_000, "0" * 64


def main() -> None:
    said = arguments()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "jitportal.settings"
        os.environ["JITPORTAL_DATA_DIR"] = folder
        os.environ["JITPORTAL_LOG_LEVEL"] = "WARNING"
        # Imported late: the settings read the environment that is made here.
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        from jitportal.audit.guards import installing

        call_command("migrate", verbosity=0)
        installing.remove()
        Past().make(said.requests)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{said.requests} requests in {DAYS} days on {connection.vendor}, {said.rounds} rounds")
        for name, act in figures().items():
            timed(name, act, said.rounds)
        timed("the whole page", page(), said.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    return parser.parse_args()


def figures() -> dict[str, Callable[[], object]]:
    from zoneinfo import ZoneInfo

    from jitportal.operations import clock, overview

    zone, now = ZoneInfo("Europe/Berlin"), clock.now()
    days = overview.last_days(now, zone)
    return {
        "now": lambda: overview.standing(now),
        "decisions": lambda: overview.decisions(days, zone),
        "waits": lambda: overview.waits(days, zone),
        "removal lags": lambda: overview.removal_lags(days, zone),
        "most-requested roles": lambda: overview.most_asked(days, zone),
    }


def page() -> Callable[[], object]:
    """The page, as the first administrator gets it."""
    from django.test import Client

    from jitportal.models import Person
    from jitportal.operations import people

    people.first_administrator(username="root", name="Ruth Root", password="correct horse battery")
    client = Client()
    client.force_login(Person.objects.get(username="root"))

    def get() -> object:
        answer = client.get("/overview/")
        assert answer.status_code == 200, answer.status_code
        return answer

    return get


def timed(name: str, act: Callable[[], object], rounds: int) -> None:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    print(f"{name:24} p50 {statistics.median(taken):7.1f} ms   max {max(taken):7.1f} ms", flush=True)


class Past:
    """Requests that were decided and ended, evenly through the days; each hundredth is pending."""

    def __init__(self) -> None:
        from bench import record_events
        from jitportal.models import Entitlement, Lease, RoleScope
        from jitportal.operations import clock

        self.now = clock.now()
        self.draw = random.Random(20)
        self.people: list[Person] = record_events.people()
        self.scopes: list[RoleScope] = []
        for role in record_events.roles():
            entitlement = Entitlement.objects.create(target=role.target, name=role.key)
            self.scopes.append(
                RoleScope.objects.create(role=role, key="all", name="All", entitlement=entitlement)
            )
        target = self.scopes[0].role.target
        leases = [
            Lease(
                target=target,
                account=one.username,
                entitlement="any",
                handle=one.username,
                created_at=self.now,
            )
            for one in self.people
        ]
        self.leases: list[Lease] = Lease.objects.bulk_create(leases)

    def make(self, number: int) -> None:
        from django.db.models import F, OuterRef, Subquery

        from jitportal.models import AccessRequest, RequestRevision

        for start in range(0, number, BATCH):
            self._batch(range(start, min(number, start + BATCH)), number)
        newest = RequestRevision.objects.filter(request=OuterRef("pk")).values("pk")
        AccessRequest.objects.filter(current=None).update(current=Subquery(newest), stage=F("stage"))

    def _batch(self, indexes: range, number: int) -> None:
        from jitportal.models import AccessRequest, RequestRevision
        from jitportal.rules.vocabulary import Pathway, RequestStatus, StartMode

        requests = []
        for index in indexes:
            at = self.now - timedelta(days=DAYS) * (number - index) / number
            scope = self.scopes[min(len(self.scopes) - 1, int(self.draw.expovariate(0.1)))]
            pending = index > number * 0.99
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
                stages=[],
                reasons=[],
                document={},
                digest=DIGEST,
                created_at=one.created_at,
            )
            for one in requests
        )
        self._decided([one for one in revisions if one.request.closed_at])

    def _decided(self, revisions: list[RequestRevision]) -> None:
        from jitportal.models import Approval, Grant
        from jitportal.rules.vocabulary import EndReason, GrantStatus, StartMode, Verdict

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


if __name__ == "__main__":
    main()

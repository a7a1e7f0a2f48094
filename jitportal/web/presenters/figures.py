"""What one approver has decided, for that person alone: how much, how long it took, how it came out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from jitportal.models import Approval, DecisionSubmission, Person
from jitportal.rules.vocabulary import Verdict

#: The periods that are looked back on, in days.
PERIODS = (30, 90)
LATEST = 20
SUBMISSIONS = 10


@dataclass(frozen=True, slots=True)
class Decided:
    """One verdict, and how long the stage had been open for it."""

    verdict: str
    at: datetime
    took: timedelta
    role: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Some verdicts counted. ``took`` is the median from the opening of the stage; None: there are none."""

    name: str
    decided: int
    approved: int
    sent_back: int
    denied: int
    took: timedelta | None

    @property
    def share(self) -> int | None:
        """How many in a hundred were approved."""
        return round(100 * self.approved / self.decided) if self.decided else None


@dataclass(frozen=True, slots=True)
class OwnDecisions:
    periods: Sequence[Figures]
    roles: Sequence[Figures]  # over the longest period, the most decided first
    latest: Sequence[Approval]
    submissions: Sequence[DecisionSubmission]


def own_decisions(person: Person, now: datetime) -> OwnDecisions:
    """This person's own figures: there is no way to ask for another's."""
    given = Approval.objects.filter(person=person, by_system=False)
    decided = _decided(given.filter(decided_at__gt=now - timedelta(days=max(PERIODS))))
    by_role: dict[str, list[Decided]] = defaultdict(list)
    for one in decided:
        by_role[one.role].append(one)
    latest = given.select_related("request__requester", "request__role", "request__scope")
    return OwnDecisions(
        periods=[
            _figures(f"The last {days} days", [one for one in decided if one.at > now - timedelta(days=days)])
            for days in PERIODS
        ],
        roles=sorted(
            (_figures(role, several) for role, several in by_role.items()),
            key=lambda figures: (-figures.decided, figures.name.casefold()),
        ),
        latest=list(latest.order_by("-decided_at", "-pk")[:LATEST]),
        submissions=list(
            DecisionSubmission.objects.filter(approver=person).order_by("-created_at", "-pk")[:SUBMISSIONS]
        ),
    )


def _decided(given: QuerySet[Approval]) -> list[Decided]:
    """The verdicts, each timed from when its stage opened: at its revision, or with the stage before."""
    before = Approval.objects.filter(revision=OuterRef("revision"), stage__lt=OuterRef("stage")).order_by()
    opened = before.values("revision").annotate(last=Max("decided_at")).values("last")
    rows = given.annotate(opened=Coalesce(Subquery(opened), "revision__created_at")).order_by()
    found = rows.values_list("verdict", "decided_at", "opened", "request__role__name")
    return [Decided(verdict, at, max(at - opened, timedelta()), role) for verdict, at, opened, role in found]


def _figures(name: str, decided: Iterable[Decided]) -> Figures:
    several = list(decided)
    counts = {verdict: sum(1 for one in several if one.verdict == verdict) for verdict in Verdict}
    return Figures(
        name=name,
        decided=len(several),
        approved=counts[Verdict.APPROVE],
        sent_back=counts[Verdict.SEND_BACK],
        denied=counts[Verdict.DENY],
        took=_median([one.took for one in several]) if several else None,
    )


def _median(lengths: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=median(one.total_seconds() for one in lengths))

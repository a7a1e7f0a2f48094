"""What an approver must see: the open stage, what came before, who else holds it, how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jitportal.models import AccessRequest, Approval, Grant, Person, RequestRevision
from jitportal.operations import decisions, targets
from jitportal.rules.lifecycle import spoken_state
from jitportal.rules.permissions import Denied
from jitportal.rules.vocabulary import EndReason, EnforcementPlan, RequestStatus, Verdict
from jitportal.web.presenters.times import precise_words

#: So many names, earlier uses and holders are shown; more are counted.
MOST_NAMES = 5
MOST_GRANTS = 5
LONGEST_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """The open stage: what is given, what is missing, who can give it. ``number`` counts from 1.

    ``deciders`` are named without the viewer.
    """

    number: int
    of: int
    name: str
    given: Sequence[Approval]
    missing: int
    deciders: Sequence[Person]
    more_deciders: int


@dataclass(frozen=True, slots=True)
class Some:
    """Some grants of a list, and how many there are in all."""

    shown: Sequence[Grant]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.shown)


@dataclass(frozen=True, slots=True)
class DecisionBox:
    """``why_not`` is empty where the viewer can decide; ``stage`` is None once all are passed."""

    access_request: AccessRequest
    stage: Stage | None
    why_not: str
    plan: EnforcementPlan
    before: Some
    holders: Some
    renews: Sequence[Grant]


def decision_box(access_request: AccessRequest, viewer: Person, now: datetime) -> DecisionBox:
    answer = decisions.why_not(viewer, access_request, now)
    return DecisionBox(
        access_request=access_request,
        stage=_open_stage(access_request, viewer),
        why_not=answer.reason if isinstance(answer, Denied) else "",
        plan=targets.plan_for(access_request.role, access_request.scope),
        before=_before(access_request),
        holders=_holders(access_request, now),
        renews=chain(access_request.renewal_of),
    )


def chain(grant: Grant | None) -> list[Grant]:
    """The grants that a renewal goes on from, the latest first."""
    found: list[Grant] = []
    while grant is not None and len(found) < LONGEST_CHAIN:
        found.append(grant)
        grant = grant.renewal_of
    return found


def _open_stage(access_request: AccessRequest, viewer: Person) -> Stage | None:
    revision = access_request.current
    if access_request.status != RequestStatus.PENDING or revision is None:
        return None
    if access_request.stage >= len(revision.stages):
        return None
    stage = revision.stages[access_request.stage]
    given = revision.approvals.filter(stage=access_request.stage, verdict=Verdict.APPROVE)
    approvals = list(given.select_related("person"))
    people = [one for one in decisions.deciders(access_request) if one != viewer]
    return Stage(
        number=access_request.stage + 1,
        of=len(revision.stages),
        name=stage["name"],
        given=approvals,
        missing=max(0, int(stage["people"]) - len(approvals)),
        deciders=people[:MOST_NAMES],
        more_deciders=max(0, len(people) - MOST_NAMES),
    )


def _before(access_request: AccessRequest) -> Some:
    """The requester's started grants of the role, the latest first."""
    earlier = Grant.objects.filter(
        person=access_request.requester, role=access_request.role, starts_at__isnull=False
    )
    latest = earlier.select_related("scope").order_by("-starts_at")[:MOST_GRANTS]
    return Some(list(latest), earlier.count())


def _holders(access_request: AccessRequest, now: datetime) -> Some:
    """Others who hold the role in this scope by the clock."""
    held = (
        Grant.objects.entitling(now)
        .filter(role=access_request.role, scope=access_request.scope)
        .exclude(person=access_request.requester)
    )
    return Some(list(held.select_related("person").order_by("ends_at")[:MOST_GRANTS]), held.count())


# What changed while somebody was deciding


@dataclass(frozen=True, slots=True)
class Rewritten:
    """One part of the request that reads otherwise in a later revision."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class News:
    """What happened to the request since a form was shown."""

    rewritten: Sequence[Rewritten]
    approvals: Sequence[Approval]
    settled: str
    revoked: Grant | None  # what it renews, if that was revoked


_ASKED = {
    "scope": "Scope",
    "start": "Start",
    "opens_at": "From",
    "closes_at": "Until",
    "minutes": "Minutes",
    "justification": "Why",
    "ticket": "Ticket",
    "policy_version": "Policy version",
}
_MOMENTS = frozenset({"opens_at", "closes_at"})


def rewritten(before: RequestRevision, after: RequestRevision) -> list[Rewritten]:
    """How two revisions differ in what is asked."""
    return [
        Rewritten(words, _said(key, before.document.get(key)), _said(key, after.document.get(key)))
        for key, words in _ASKED.items()
        if before.document.get(key) != after.document.get(key)
    ]


def news(access_request: AccessRequest, seen: str) -> News:
    """What has changed since the form said ``seen`` (revision, stage, minutes), in order."""
    revision, current = _seen_revision(access_request, seen), access_request.current
    stage = _seen_stage(seen) if revision == current else 0
    since = access_request.approvals.filter(revision=current, stage__gte=stage).select_related("person")
    closed = access_request.status != RequestStatus.PENDING
    earlier = access_request.renewal_of
    return News(
        rewritten=rewritten(revision, current) if revision and current else [],
        approvals=list(since),
        settled=f"It is {spoken_state(access_request.status)} now." if closed else "",
        revoked=earlier if earlier is not None and earlier.end_reason == EndReason.REVOKED else None,
    )


def _seen_revision(access_request: AccessRequest, seen: str) -> RequestRevision | None:
    number = seen.partition("-")[0]
    return access_request.revisions.filter(number=int(number)).first() if _small(number) else None


def _seen_stage(seen: str) -> int:
    stage = seen.split("-")[1] if seen.count("-") else ""
    return int(stage) if _small(stage) else 0


def _small(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


def _said(key: str, value: object) -> str:
    if value in (None, ""):
        return "nothing"
    if key in _MOMENTS:
        return precise_words(datetime.fromisoformat(str(value)))
    return spoken_state(str(value)) if key == "start" else str(value)

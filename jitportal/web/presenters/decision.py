"""What an approver must see: the open stage, what came before, who else holds it, how it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jitportal.models import AccessRequest, Approval, Grant, Person, RequestRevision
from jitportal.operations import targets
from jitportal.operations.decisions import seen_digest
from jitportal.operations.standing import Standing, standing_of, why_not
from jitportal.rules.durations import spoken
from jitportal.rules.lifecycle import spoken_state
from jitportal.rules.permissions import Denied
from jitportal.rules.vocabulary import EndReason, EnforcementPlan, RequestStatus, Verdict
from jitportal.web.presenters.beforehand import Beforehand, of_approval
from jitportal.web.presenters.times import precise_words

#: So many names, earlier uses and holders are shown; more are counted.
MOST_NAMES = 5
MOST_GRANTS = 5
LONGEST_CHAIN = 20
#: Lengths, in minutes, that an approver may want instead of the one that is asked for; the longest few
#: that are shorter are offered.
LENGTHS = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320, 7200, 10080)
OFFERED = 3


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
    """``why_not`` is empty where the viewer can decide; ``stage`` is None once all are passed.

    ``on_behalf_of`` is the approver for whom the viewer would decide; None: in their own right.
    """

    access_request: AccessRequest
    viewer: Person
    stage: Stage | None
    why_not: str
    plan: EnforcementPlan
    before: Some
    holders: Some
    renews: Sequence[Grant]
    on_behalf_of: Person | None = None

    @property
    def factor(self) -> Beforehand | None:
        """What approving takes; asked for by its form alone."""
        return of_approval(self.viewer, self.access_request)

    @property
    def shorter(self) -> list[int]:
        """A few shorter lengths to choose from, in minutes."""
        return [minutes for minutes in LENGTHS if minutes < self.access_request.minutes][-OFFERED:]


def decision_box(
    access_request: AccessRequest, viewer: Person, now: datetime, plan: EnforcementPlan | None = None
) -> DecisionBox:
    """``plan``: how the access ends, where the caller knows it already."""
    standing = standing_of(access_request)
    answer = why_not(viewer, access_request, now, standing)
    return DecisionBox(
        access_request=access_request,
        viewer=viewer,
        stage=_open_stage(access_request, viewer, standing),
        why_not=answer.reason if isinstance(answer, Denied) else "",
        plan=plan or targets.plan_for(access_request.role, access_request.scope),
        before=_before(access_request),
        holders=_holders(access_request, now),
        renews=chain(access_request.renewal_of),
        on_behalf_of=standing.standing_in.get(viewer.username),
    )


def chain(grant: Grant | None) -> list[Grant]:
    """The grants that a renewal goes on from, the latest first, each with why it was asked for."""
    if grant is None:
        return []
    earlier = Grant.objects.filter(person=grant.person_id, role=grant.role_id, pk__lte=grant.pk)
    rows = earlier.select_related("request__current", "stopped_by").order_by("-pk")
    known = {one.pk: one for one in rows[: 10 * LONGEST_CHAIN]}
    found: list[Grant] = []
    following = known.get(grant.pk)
    while following is not None and len(found) < LONGEST_CHAIN:
        found.append(following)
        following = known.get(following.renewal_of_id or 0)
    return found


def _open_stage(access_request: AccessRequest, viewer: Person, standing: Standing) -> Stage | None:
    revision = access_request.current
    if access_request.status != RequestStatus.PENDING or revision is None:
        return None
    if access_request.stage >= len(revision.stages):
        return None
    stage = revision.stages[access_request.stage]
    given = [
        one
        for one in standing.approvals
        if one.stage == access_request.stage and one.verdict == Verdict.APPROVE
    ]
    people = [one for one in standing.deciders if one != viewer]
    return Stage(
        number=access_request.stage + 1,
        of=len(revision.stages),
        name=stage["name"],
        given=given,
        missing=max(0, int(stage["people"]) - len(given)),
        deciders=people[:MOST_NAMES],
        more_deciders=max(0, len(people) - MOST_NAMES),
    )


def _before(access_request: AccessRequest) -> Some:
    """The requester's grants of the role, used or not, the latest first."""
    earlier = Grant.objects.filter(person=access_request.requester_id, role=access_request.role_id)
    rows = earlier.select_related("scope", "stopped_by", "after_use_review").order_by("-created_at", "-pk")
    return _some(list(rows[: MOST_GRANTS + 1]), earlier.count)


def _holders(access_request: AccessRequest, now: datetime) -> Some:
    """Others who hold the role in this scope by the clock."""
    held = (
        Grant.objects.in_force(now)
        .filter(role=access_request.role_id, scope=access_request.scope_id)
        .exclude(person=access_request.requester_id)
    )
    return _some(list(held.select_related("person").order_by("ends_at")[: MOST_GRANTS + 1]), held.count)


def _some(found: Sequence[Grant], count: Callable[[], int]) -> Some:
    """Counted only where there are more than are shown."""
    return Some(found[:MOST_GRANTS], len(found) if len(found) <= MOST_GRANTS else count())


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
    revoked: Grant | None  # what it renews, if that was revoked meanwhile

    def __bool__(self) -> bool:
        return bool(self.rewritten or self.approvals or self.settled or self.revoked)


_ASKED = {
    "scope": "Scope",
    "start": "Start",
    "opens_at": "From",
    "closes_at": "Until",
    "minutes": "How long",
    "justification": "Why",
    "ticket": "Ticket",
    "policy_version": "Policy version",
}
#: A form says what it was shown with as revision, stage, minutes and latest verdict: "2-0-30-17".
SEEN_PARTS = 4
MOST_DIGITS = 19
_MOMENTS = frozenset({"opens_at", "closes_at"})


def rewritten(before: RequestRevision, after: RequestRevision) -> list[Rewritten]:
    """How two revisions differ in what is asked."""
    return [
        Rewritten(words, _said(key, before.document.get(key)), _said(key, after.document.get(key)))
        for key, words in _ASKED.items()
        if before.document.get(key) != after.document.get(key)
    ]


def sent_back(access_request: AccessRequest) -> Approval | None:
    """Who sent it back to its requester, and what they want changed; None where it isn't sent back."""
    if access_request.status != RequestStatus.SENT_BACK:
        return None
    verdicts = access_request.approvals.filter(verdict=Verdict.SEND_BACK)
    return verdicts.select_related("person", "on_behalf_of").last()


def news(access_request: AccessRequest, seen: str, digest: str) -> News:
    """What has changed since a form was shown, which says ``seen`` (``forms.decisions.seen_of``)."""
    revision, current = _seen_revision(access_request, seen), access_request.current
    since = access_request.approvals.filter(pk__gt=_last_approval(seen))
    closed = access_request.status != RequestStatus.PENDING
    earlier = access_request.renewal_of
    revoked = earlier is not None and earlier.end_reason == EndReason.REVOKED
    return News(
        rewritten=rewritten(revision, current) if revision and current else [],
        approvals=list(since.select_related("person", "on_behalf_of")),
        settled=f"It is {spoken_state(access_request.status)} now." if closed else "",
        revoked=earlier if earlier and revoked and digest != seen_digest(access_request) else None,
    )


def _seen_revision(access_request: AccessRequest, seen: str) -> RequestRevision | None:
    number = seen.partition("-")[0]
    return access_request.revisions.filter(number=int(number)).first() if _small(number) else None


def _last_approval(seen: str) -> int:
    """The latest verdict that stood when the form was shown; 0 for a forged form, so that all are told."""
    last = seen.rpartition("-")[2] if seen.count("-") == SEEN_PARTS - 1 else ""
    return int(last) if last.isascii() and last.isdecimal() and len(last) < MOST_DIGITS else 0


def _small(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 5


def _said(key: str, value: object) -> str:
    if value in (None, ""):
        return "nothing"
    if key in _MOMENTS:
        return precise_words(datetime.fromisoformat(str(value)))
    if key == "minutes":
        return spoken(int(str(value)))
    return spoken_state(str(value)) if key == "start" else str(value)

"""The story of a request and of its grant: what happened, in sentences, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Q, QuerySet

from jitportal.models import AccessRequest, Event, Grant, Recording, RequestRevision
from jitportal.operations import connecting, facts, targets
from jitportal.operations.emergency_people import own_roles
from jitportal.operations.waits import usual_waits
from jitportal.rules.permissions import Verb, allowed
from jitportal.rules.vocabulary import EnforcementPlan, GrantStatus, Pathway, Presence, RequestStatus
from jitportal.web.http import PortalRequest, actor_of, now_of
from jitportal.web.live import AT_WORK, DECIDING, RUNNING, SETTLED, Live, live
from jitportal.web.presenters import acts, recordings, states
from jitportal.web.presenters.acts import Act
from jitportal.web.presenters.decision import DecisionBox, Rewritten, chain, decision_box, rewritten
from jitportal.web.presenters.waits import usually

#: More than any request gathers by itself; a page must stay readable.
LONGEST_STORY = 500

_MARKS = {
    "request.submitted": "accent",
    "request.approved": "accent",
    "request.sent_back": "waiting",
    "grant.started": "accent",
    "grant.live": "force",
    "grant.failed": "failed",
    "grant.troubled": "failed",
    "grant.late": "failed",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One event on the line. ``mark``: its colour, beside the words."""

    event: Event
    mark: str


@dataclass(frozen=True, slots=True)
class Revised:
    """What one revision changed of the one before it."""

    revision: RequestRevision
    changes: Sequence[Rewritten]


@dataclass(frozen=True, slots=True)
class RequestStory:
    steps: list[Step]
    revised: list[Revised]
    grant: Grant | None
    acts: list[Act]
    plan: EnforcementPlan
    box: DecisionBox
    emergency: bool  # whether the viewer may activate break-glass in its place
    usually: str  # how long a decision on this path takes


@dataclass(frozen=True, slots=True)
class GrantStory:
    steps: list[Step]
    acts: list[Act]
    plan: EnforcementPlan
    instructions: str
    earlier: list[Grant]
    removal_lag: timedelta | None
    presence: str
    recordings: list[Recording]


def of_request(request: PortalRequest, found: AccessRequest) -> RequestStory:
    subject = facts.relations(request.user, found)
    revisions = list(found.revisions.all())
    return RequestStory(
        steps=steps_of(Event.objects.filter(Q(request=found) | Q(grant__request=found))),
        revised=[Revised(after, rewritten(before, after)) for before, after in pairwise(revisions)][::-1],
        grant=Grant.objects.filter(request=found).select_related("role__target", "scope", "lease").first(),
        acts=acts.of_request(request, found, subject),
        plan=targets.plan_for(found.role, found.scope),
        box=decision_box(found, request.user, now_of(request)),
        emergency=_could_break_glass(request, found),
        usually=usually(found, usual_waits({found.role_id}, now_of(request))),
    )


def _could_break_glass(request: PortalRequest, found: AccessRequest) -> bool:
    """The requester of just-in-time access that still waits, if they are in a population."""
    own = found.requester_id == request.user.pk and found.status == RequestStatus.PENDING
    return own and found.pathway == Pathway.JIT and bool(own_roles(request.user))


def of_grant(request: PortalRequest, grant: Grant) -> GrantStory:
    subject = facts.relations(request.user, grant)
    holder = bool(allowed(Verb.GRANT_REVEAL, actor_of(request), subject))
    return GrantStory(
        steps=steps_of(Event.objects.filter(grant=grant)),
        acts=acts.of_grant(request, grant, subject),
        plan=targets.plan_for(grant.role, grant.scope),
        instructions=connecting.instructions(grant) if holder else "",
        earlier=chain(grant.renewal_of),
        removal_lag=removal_lag(grant),
        presence=presence_words(grant, now_of(request)),
        recordings=recordings.of_grant(request, grant),
    )


def live_request(request: PortalRequest, found: AccessRequest, told: RequestStory) -> Live:
    """What the request's page shows that can change by itself."""
    badges = [states.of_request(found, now_of(request)).text]
    badges += [states.of_grant(told.grant, now_of(request)).text] if told.grant else []
    open_ = found.status in (RequestStatus.PENDING, RequestStatus.SENT_BACK)
    seconds = DECIDING if open_ else _seconds(told.grant)
    return live(seconds, badges, len(told.steps), len(told.revised), told.acts, told.box.why_not)


def live_grant(request: PortalRequest, grant: Grant, told: GrantStory) -> Live:
    """What the grant's page shows that can change by itself."""
    badge = states.of_grant(grant, now_of(request)).text
    sessions = grant.lease.open_sessions if grant.lease else 0
    seen = (badge, len(told.steps), told.acts, told.presence, told.instructions, sessions)
    return live(_seconds(grant), *seen)


def _seconds(grant: Grant | None) -> int:
    if grant is None or grant.status == GrantStatus.ENDED:
        return SETTLED
    return AT_WORK if grant.status in (GrantStatus.PROVISIONING, GrantStatus.REMOVING) else RUNNING


def steps_of(events: QuerySet[Event]) -> list[Step]:
    """The events in the order in which they happened."""
    rows = events.select_related("actor").order_by("at", "id")[:LONGEST_STORY]
    return [Step(event, _MARKS.get(event.verb, "")) for event in rows]


def removal_lag(grant: Grant) -> timedelta | None:
    """From the end of entitlement to the target's own word that nothing is left, on one clock."""
    if grant.stopped_at is None or grant.verified_absent_at is None:
        return None
    return grant.verified_absent_at - grant.stopped_at


def presence_words(grant: Grant, now: datetime) -> str:
    """What the target was last seen to hold, and what is being done about it."""
    lease = grant.lease
    if lease is None:
        never = grant.status == GrantStatus.ENDED
        return "Nothing was given." if never else "The target holds nothing of it yet."
    if grant.status == GrantStatus.ENDED and grant.verified_absent_at:
        return "The target was asked after the end and holds nothing of it."
    seen = {
        Presence.UNKNOWN: "What the target holds isn't known: the last call ended without an answer.",
        Presence.ABSENT: "The target doesn't hold it.",
        Presence.PRESENT: "The target holds it.",
        Presence.WAITING: "A person has yet to carry it out on the target.",
    }[Presence(lease.presence)]
    if lease.failing_since is not None:
        times = "once" if lease.attempts == 1 else f"{lease.attempts} times"
        return f"{seen} It has failed {times}; the portal tries again by itself."
    if grant.status == GrantStatus.REMOVING and not grant.entitles(now):
        return f"{seen} It is being removed."
    return seen

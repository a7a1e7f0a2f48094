"""Requests whose deciders change while they wait: asked of those who can decide now, or said to be stuck."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from jitportal.audit.events import record
from jitportal.models import AccessRequest, Membership, Person, StageDecider
from jitportal.operations import notices, telling
from jitportal.operations.facts import open_deciders
from jitportal.operations.problems import operators
from jitportal.operations.seats import Stuck, stuck
from jitportal.operations.transaction import lock_request
from jitportal.rules.vocabulary import Decider, RequestStatus

#: A request that nobody can decide is told once for each stage, however many people leave.
NOBODY_DECIDES = "request.nobody_decides"


def decided_by(person: Person) -> list[AccessRequest]:
    """Pending requests of others that this person may decide, in the open stage or a later one."""
    teams = Membership.objects.current().filter(person=person).values("team_id")
    named = StageDecider.objects.filter(
        Q(person=person)
        | Q(team__in=teams)
        | Q(kind=Decider.MANAGER, revision__request__requester__manager=person),
        revision=OuterRef("current"),
        stage__gte=OuterRef("stage"),
    )
    return list(
        AccessRequest.objects.pending().exclude(requester=person).filter(Exists(named)).order_by("pk")
    )


def waiting_for_manager_of(person: Person) -> list[AccessRequest]:
    """This person's own pending requests that their manager decides, now or in a later stage."""
    managers = StageDecider.objects.filter(
        kind=Decider.MANAGER, revision=OuterRef("current"), stage__gte=OuterRef("stage")
    )
    return list(AccessRequest.objects.pending().filter(Exists(managers), requester=person).order_by("pk"))


def reroute(requests: Iterable[AccessRequest], actor: Person, why: str, now: datetime) -> None:
    """Ask those who can decide each request now (nobody hears of it twice), and say which nobody can."""
    for waiting in requests:
        request = lock_request(waiting)
        if request.status != RequestStatus.PENDING or now >= request.lapses_at:
            continue
        asked = Person.objects.active().filter(username__in=open_deciders(request)).order_by("name")
        telling.ask_deciders(request, asked, actor, now)
        for left in stuck([request]):
            _say_stuck(left, actor, why, now)


def say_if_stuck(request: AccessRequest, actor: Person, now: datetime) -> None:
    """A request that has just been made, and that too few people can decide, is said at once."""
    if request.status == RequestStatus.PENDING:
        for left in stuck([request]):
            _say_stuck(left, actor, f"{actor} asked for {request.role}", now)


def undecidable(now: datetime, limit: int = 200) -> list[Stuck]:
    """Pending requests whose stages can't all be filled any more, the oldest first."""
    pending = AccessRequest.objects.pending().filter(lapses_at__gt=now)
    rows = pending.select_related("current", "role", "requester__manager").order_by(F("created_at"), "pk")
    return stuck(rows[:limit])


def _say_stuck(left: Stuck, actor: Person, why: str, now: datetime) -> None:
    request = left.request
    sentence = f"{why}, and too few others can decide stage {left.stage}: as it is, the request will lapse."
    if left.barred:
        sentence += (
            " Others could, but one of them and the requester made the other's account, or put either in "
            f"place, within the last {settings.OWN_ACTS_DAYS} days."
        )
    record(
        verb=NOBODY_DECIDES,
        actor=actor,
        sentence=sentence,
        now=now,
        person=request.requester,
        request=request,
        role=request.role,
        target=request.role.target,
        data={"stage": left.index},
    )
    told = {person.pk: person for person in [request.requester, *operators(now)]}
    notices.notify(
        recipients=told.values(),
        kind=NOBODY_DECIDES,
        key=notices.asked_key(request, left.index),
        subject=f"{request.role}: too few people can decide",
        body=f"{sentence} It goes on once the policy, the team or the manager names somebody else.",
        path=telling.path_of(request),
        now=now,
        actor=actor,
        request=request,
    )

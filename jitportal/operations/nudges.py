"""Reminds those who decide, and tells others, when a stage waits for long: each once.

Two workers never do the same: the request's row is locked, and its time is taken away with what was
done. A decision waits for the same lock, so nothing is written once somebody has decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from jitportal.audit.bulk import change_many
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import AccessRequest, Membership, Person
from jitportal.operations import clock, decisions, notices
from jitportal.operations.notice_details import isolated, of_request
from jitportal.operations.nudge_times import rules_of
from jitportal.operations.telling import path_of
from jitportal.operations.transaction import operation
from jitportal.rules.durations import spoken
from jitportal.rules.notices import ESCALATED, REMINDER
from jitportal.rules.nudges import Told, ToldRules

BATCH = 100
#: More people than this are counted in a sentence, and no longer named.
MOST_NAMED = 5


def nudge_due() -> int:
    """Remind and tell where a stage's time has come, a batch in one transaction; returns for how many."""
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = list(
            AccessRequest.objects.pending()
            .filter(Q(remind_at__lte=now) | Q(escalate_at__lte=now), lapses_at__gt=now)
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
            .select_related("requester", "requester__manager", "role__target", "role__owner", "scope")
            .select_related("current__policy_version")
            .order_by("pk")[:BATCH]
        )
        for request in rows:
            deciders = decisions.deciders(request)
            changes: dict[str, None] = {}
            if request.remind_at is not None and request.remind_at <= now:
                _remind(request, deciders, actor, now)
                changes["remind_at"] = None
            if request.escalate_at is not None and request.escalate_at <= now:
                _escalate(request, deciders, actor, now)
                changes["escalate_at"] = None
            change_many([(request, changes)], actor)
        return len(rows)


def told_by(rules: Iterable[ToldRules], request: AccessRequest) -> list[Person]:
    """Whom an escalation of this request reaches now; its requester never."""
    people = {person.pk: person for rule in rules for person in _named(rule, request) if person is not None}
    people.pop(request.requester_id, None)
    return sorted((person for person in people.values() if person.is_active), key=lambda one: one.name)


def _named(rule: ToldRules, request: AccessRequest) -> Iterable[Person | None]:
    owner = request.role.owner
    match rule.kind:
        case Told.MANAGER:
            return [request.requester.manager]
        case Told.ROLE_OWNER:
            return [owner]
        case Told.OWNERS_MANAGER:
            return [owner.manager if owner else None]
        case Told.TEAM:
            return _members(rule.name)
        case Told.PERSON:
            return Person.objects.filter(username=rule.name)


def _members(team: str) -> list[Person]:
    rows = Membership.objects.current().filter(team__key=team).select_related("person")
    return [row.person for row in rows]


def _remind(request: AccessRequest, deciders: Sequence[Person], actor: Person, now: datetime) -> None:
    waited = _waited(request, rules_of(request).remind_after)
    who = _names(deciders) or "nobody, because nobody can decide it now"
    _say(request, "reminded", f"{waited}: reminded {who}.", deciders, actor, now)
    _notify(
        request,
        REMINDER,
        deciders,
        subject=f"Still waiting: {isolated(request.requester)} asks for {request.role}",
        body=f"{waited}, and is yours to decide.",
        actor=actor,
        now=now,
    )


def _escalate(request: AccessRequest, deciders: Sequence[Person], actor: Person, now: datetime) -> None:
    rules = rules_of(request)
    waited = _waited(request, rules.escalate_after)
    told = told_by(rules.escalate_to, request)
    who = _names(told) or "nobody, because the policy names nobody who is here now"
    _say(request, "escalated", f"{waited}: told {who}.", told, actor, now)
    can = {person.pk for person in deciders}
    others = _names(deciders) or "nobody"
    subject = f"Waits for long: {isolated(request.requester)} asks for {request.role}"
    for people, means in (
        ([person for person in told if person.pk in can], "You can decide it."),
        (
            [person for person in told if person.pk not in can],
            f"You are told because the policy says so. It can be decided by {others}.",
        ),
    ):
        _notify(request, ESCALATED, people, subject=subject, body=f"{waited}. {means}", actor=actor, now=now)


def _waited(request: AccessRequest, minutes: int | None) -> str:
    stage = request.asked.stages[request.stage]["name"]
    return f"Stage {stage} has waited for {spoken(minutes)}" if minutes else f"Stage {stage} waits"


def _names(people: Sequence[Person]) -> str:
    if len(people) > MOST_NAMED:
        return f"{len(people)} people"
    *first, last = [str(person) for person in people] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _say(
    request: AccessRequest,
    what: str,
    sentence: str,
    people: Iterable[Person],
    actor: Person,
    now: datetime,
) -> None:
    record(
        verb=f"request.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=request.requester,
        request=request,
        role=request.role,
        target=request.role.target,
        data={"stage": request.stage, "people": [person.username for person in people]},
    )


def _notify(
    request: AccessRequest,
    kind: str,
    people: Iterable[Person],
    *,
    subject: str,
    body: str,
    actor: Person,
    now: datetime,
) -> None:
    notices.notify(
        recipients=people,
        kind=kind,
        key=notices.asked_key(request, request.stage),
        subject=subject,
        body=body,
        path=path_of(request),
        now=now,
        actor=actor,
        request=request,
        details=of_request(request),
        until=request.lapses_at,
    )

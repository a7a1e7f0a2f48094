"""What would become of an ask, for the page beside its form. Reads alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from jitportal.models import AccessRequest, Grant, Person, Role
from jitportal.operations import policies
from jitportal.operations.asking import Ask, consider, request_facts
from jitportal.operations.overlap import held_span, wished_span
from jitportal.operations.waits import usual_waits
from jitportal.rules.policy import Decision, Outcome, RoleRules
from jitportal.rules.vocabulary import GrantStatus, StartMode
from jitportal.rules.waiting import UsualWait, path_of_decision, path_of_rules
from jitportal.rules.without_wait import AtOnce, at_once

#: More ways to go than this only confuse; so many are looked at to find them.
MOST_WAYS, TRIED = 3, 8


@dataclass(frozen=True, slots=True)
class Closed:
    """A scope that can't be asked for at this time: there is an open request, or a grant covers it."""

    scope: str
    request: AccessRequest | None = None
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Ahead:
    """``wait`` is None where nobody has to decide."""

    decision: Decision
    closed: Sequence[Closed]
    ways: Sequence[AtOnce]
    wait: UsualWait | None


def look_ahead(
    person: Person,
    role: Role,
    rules: RoleRules,
    ask: Ask,
    now: datetime,
    *,
    editing: AccessRequest | None = None,
) -> Ahead:
    """What the policy says of the ask, what else stands in its way, and what would need no wait."""
    decision = consider(person, ask, now)[2]
    by_system = decision.outcome is Outcome.SYSTEM_APPROVES
    if any(problem.field == "role" for problem in decision.problems):
        return Ahead(decision, [], [], None)
    return Ahead(
        decision=decision,
        closed=closed_scopes(person, role, ask, now, editing=editing),
        ways=[] if by_system else ways_without_wait(person, rules, ask, now, editing=editing),
        wait=None if by_system else _usual_wait(role, rules, decision, now),
    )


def closed_scopes(
    person: Person, role: Role, ask: Ask, now: datetime, *, editing: AccessRequest | None = None
) -> list[Closed]:
    """The scopes of the role that this person can't ask for at the time that the ask names."""
    if ask.start_mode is StartMode.RENEWAL:
        return []
    open_ = AccessRequest.objects.open().filter(requester=person, role=role).select_related("scope")
    asked = {row.scope.key: Closed(row.scope.key, request=row) for row in open_ if row != editing}
    span = wished_span(ask.window, ask.minutes, now)
    held = Grant.objects.filter(person=person, role=role).exclude(
        status__in=[GrantStatus.REMOVING, GrantStatus.ENDED]
    )
    covered = {
        grant.scope.key: Closed(grant.scope.key, grant=grant)
        for grant in held.select_related("scope").order_by("-opens_at")
        if held_span(grant).overlaps(span)
    }
    return sorted({**covered, **asked}.values(), key=lambda closed: closed.scope)


def ways_without_wait(
    person: Person, rules: RoleRules, ask: Ask, now: datetime, *, editing: AccessRequest | None = None
) -> list[AtOnce]:
    """What is narrower and would be approved at once, each checked as if it were asked for."""
    version = policies.current_version()
    fixed = ask.start_mode is StartMode.RENEWAL
    others = policies.document_of(version).roles.values() if version and not fixed else []
    found = at_once(request_facts(person, ask, rules, now), rules, others, now)
    kept = (way for way in found if not fixed or way.scope == ask.scope)
    return list(islice(_checked(person, ask, kept, now, editing), MOST_WAYS))


def _checked(
    person: Person, ask: Ask, ways: Iterable[AtOnce], now: datetime, editing: AccessRequest | None
) -> Iterable[AtOnce]:
    """Those that nothing else stands in the way of: the total cap, an open request, a grant in force."""
    shown: set[tuple[str, str]] = set()
    for way in islice(ways, TRIED):
        wish = replace(
            ask,
            role_key=way.rules.key,
            scope=way.scope,
            minutes=way.minutes,
            justification="·" * max(1, way.rules.least_justification),
        )
        if (way.rules.key, way.scope) in shown or not _stands(person, wish, way, now, editing):
            continue
        shown.add((way.rules.key, way.scope))
        yield way


def _stands(person: Person, wish: Ask, way: AtOnce, now: datetime, editing: AccessRequest | None) -> bool:
    decision = consider(person, wish, now)[2]
    wanting = {"ticket"} if way.ticket_for else set()
    if {problem.field for problem in decision.problems} - wanting:
        return False
    role = Role.objects.get(key=wish.role_key)
    closed = closed_scopes(person, role, wish, now, editing=editing)
    return all(one.scope != wish.scope for one in closed)


def _usual_wait(role: Role, rules: RoleRules, decision: Decision, now: datetime) -> UsualWait:
    asked = decision.outcome is Outcome.ASK
    path = path_of_decision(decision.stages) if asked else path_of_rules(rules.stages)
    return usual_waits([role.pk], now).get((role.pk, path), UsualWait(0))

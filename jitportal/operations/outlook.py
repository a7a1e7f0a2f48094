"""What would become of an ask, for the page beside its form. Reads alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from jitportal.models import AccessRequest, Grant, Person, Role
from jitportal.operations import policies
from jitportal.operations.asking import Ask, request_facts
from jitportal.operations.overlap import held_span, wished_span
from jitportal.operations.waits import usual_waits
from jitportal.rules.deciders import PersonFacts
from jitportal.rules.policy import Decision, Outcome, RequestFacts, RoleRules, decide
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


@dataclass(frozen=True, slots=True)
class _Theirs:
    """What one person has asked for and holds, of any role, read once for all that is looked at."""

    requests: Sequence[AccessRequest]
    grants: Sequence[Grant]

    def closed(self, role_key: str, ask: Ask, now: datetime) -> list[Closed]:
        """The scopes of the role that can't be asked for at the time that the ask names."""
        if ask.start_mode is StartMode.RENEWAL:
            return []
        span = wished_span(ask.window, ask.minutes, now)
        covered = {
            grant.scope.key: Closed(grant.scope.key, grant=grant)
            for grant in self.grants
            if grant.role.key == role_key and held_span(grant).overlaps(span)
        }
        asked = {
            request.scope.key: Closed(request.scope.key, request=request)
            for request in self.requests
            if request.role.key == role_key
        }
        return sorted({**covered, **asked}.values(), key=lambda closed: closed.scope)


def look_ahead(
    person: Person,
    role: Role,
    rules: RoleRules,
    ask: Ask,
    now: datetime,
    *,
    editing: AccessRequest | None = None,
) -> Ahead:
    """What the policy says of the ask, what else stands in its way, and what would need no wait.

    ``rules`` are the role's in the policy in force.
    """
    facts = request_facts(person, ask, rules, now)
    decision = decide(facts, rules, now)
    by_system = decision.outcome is Outcome.SYSTEM_APPROVES
    if any(problem.field == "role" for problem in decision.problems):
        return Ahead(decision, [], [], None)
    theirs = _theirs_of(person, editing)
    return Ahead(
        decision=decision,
        closed=theirs.closed(role.key, ask, now),
        ways=[] if by_system else _ways_without_wait(person, rules, ask, facts, theirs, now),
        wait=None if by_system else _usual_wait(role, rules, decision, now),
    )


def closed_scopes(person: Person, role: Role, ask: Ask, now: datetime) -> list[Closed]:
    """The scopes of the role that this person can't ask for at the time that the ask names."""
    return _theirs_of(person, None).closed(role.key, ask, now)


def _theirs_of(person: Person, editing: AccessRequest | None) -> _Theirs:
    asked = AccessRequest.objects.open().filter(requester=person).select_related("role", "scope")
    held = Grant.objects.filter(person=person).exclude(status__in=[GrantStatus.REMOVING, GrantStatus.ENDED])
    return _Theirs(
        [row for row in asked if row != editing],
        list(held.select_related("role", "scope").order_by("-opens_at")),
    )


def _ways_without_wait(
    person: Person, rules: RoleRules, ask: Ask, facts: RequestFacts, theirs: _Theirs, now: datetime
) -> list[AtOnce]:
    """What is narrower and would be approved at once, each checked as if it were asked for."""
    version = policies.current_version()
    fixed = ask.start_mode is StartMode.RENEWAL
    others = policies.document_of(version).roles.values() if version and not fixed else []
    found = at_once(facts, rules, others, now)
    kept = (way for way in found if not fixed or way.scope == ask.scope)
    return list(islice(_checked(person, ask, kept, facts.requester, theirs, now), MOST_WAYS))


def _checked(
    person: Person, ask: Ask, ways: Iterable[AtOnce], known: PersonFacts, theirs: _Theirs, now: datetime
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
        place = (way.rules.key, way.scope)
        if place in shown or any(one.scope == way.scope for one in theirs.closed(wish.role_key, wish, now)):
            continue
        if _stands(decide(request_facts(person, wish, way.rules, now, known), way.rules, now), way):
            shown.add(place)
            yield way


def _stands(decision: Decision, way: AtOnce) -> bool:
    wanting = {"ticket"} if way.ticket_for else set()
    return not {problem.field for problem in decision.problems} - wanting


def _usual_wait(role: Role, rules: RoleRules, decision: Decision, now: datetime) -> UsualWait:
    asked = decision.outcome is Outcome.ASK
    path = path_of_decision(decision.stages) if asked else path_of_rules(rules.stages)
    return usual_waits([role.pk], now).get((role.pk, path), UsualWait(0))

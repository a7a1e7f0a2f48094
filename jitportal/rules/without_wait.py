"""What the system would approve at once for somebody who asks for something that people decide.

Only what is narrower counts: fewer minutes, another scope of the same role, or a role on the same target and
pathway that has a lower risk, or some of the same privileges and no others. Nothing here is decided:
``rules.policy.decide`` says the same of the request when it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from jitportal.rules.deciders import PersonFacts
from jitportal.rules.policy import (
    Outcome,
    RequestFacts,
    RoleRules,
    StageRules,
    SystemRules,
    decide,
    eligibility_reason,
)
from jitportal.rules.vocabulary import Risk

#: Of other roles, and of each one's scopes, so many are looked at: the page beside a form must not wait.
MOST_ROLES, MOST_SCOPES = 20, 5

_RISKS = [Risk.LOW, Risk.MEDIUM, Risk.HIGH]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A request that the system would approve. ``ticket_for``: the rule that wants a ticket which hasn't been
    given yet; empty: nothing more is needed.
    """

    rules: RoleRules
    scope: str
    minutes: int
    ticket_for: str = ""


def at_once(
    facts: RequestFacts, asked: RoleRules, others: Iterable[RoleRules], now: datetime
) -> Iterator[AtOnce]:
    """What would need no wait, the nearest to what is asked first: of the same scope, then of the role's
    other scopes, then of other roles.
    """
    elsewhere = replace(facts, earlier_minutes=0)  # those of what is asked say nothing of the rest
    for scope in [facts.scope, *sorted(key for key in asked.scopes if key != facts.scope)]:
        for found in _of_scope(facts if scope == facts.scope else elsewhere, asked, scope, now):
            if (found.scope, found.minutes) != (facts.scope, facts.minutes) or found.ticket_for:
                yield found
    requester = facts.requester
    narrower = [
        other
        for other in others
        if _system_may(other, requester)
        and is_narrower(other, asked)
        and eligibility_reason(requester, other)
    ]
    narrower.sort(key=lambda other: (_RISKS.index(other.risk), other.name.casefold()))
    for rules in narrower[:MOST_ROLES]:
        for scope in sorted(rules.scopes)[:MOST_SCOPES]:
            yield from _of_scope(elsewhere, rules, scope, now)


def is_narrower(other: RoleRules, asked: RoleRules) -> bool:
    """Whether the other role, on the same target and pathway, allows less: by its risk or its privileges."""
    if other.key == asked.key or (other.target, other.pathway) != (asked.target, asked.pathway):
        return False
    if _RISKS.index(other.risk) < _RISKS.index(asked.risk):
        return True
    return other.risk is asked.risk and _privileges(other) < _privileges(asked)


def _system_may(rules: RoleRules, requester: PersonFacts, scope: str = "") -> bool:
    """Whether each stage has a rule for this person, and for this scope where one is named: asked before
    anything is decided, because there may be thousands.
    """
    return all(any(_is_for(rule, requester, scope) for rule in stage.system_when) for stage in rules.stages)


def _is_for(rule: SystemRules, requester: PersonFacts, scope: str) -> bool:
    mine = not rule.teams or bool(rule.teams & requester.teams)
    return mine and (not scope or not rule.scopes or scope in rule.scopes)


def _privileges(rules: RoleRules) -> set[str]:
    return {scope.entitlement for scope in rules.scopes.values()}


def _of_scope(facts: RequestFacts, rules: RoleRules, scope: str, now: datetime) -> Iterator[AtOnce]:
    """The longest that the system would approve of this scope, and at most what is asked."""
    if not _system_may(rules, facts.requester, scope):
        return
    for ticketless in (False, True):
        for minutes in _lengths(facts.minutes, rules):
            wish = replace(facts, scope=scope, minutes=minutes)
            if found := _wished(wish, rules, now, ticketless=ticketless):
                yield found
                return


def _wished(wish: RequestFacts, rules: RoleRules, now: datetime, *, ticketless: bool) -> AtOnce | None:
    """``ticketless``: as if whatever ticket the rules want had been given."""
    tried = _without_tickets(rules) if ticketless else rules
    ticket = "" if ticketless else wish.ticket
    justification = "·" * max(1, rules.least_justification)
    decision = decide(replace(wish, ticket=ticket, justification=justification), tried, now)
    if decision.outcome is not Outcome.SYSTEM_APPROVES:
        return None
    wanted = _wanting_tickets(rules, [stage.system_rule for stage in decision.stages]) if ticketless else []
    if len(wanted) > 1:
        return None  # one ticket would have to fit several rules, and who knows whether one can
    return AtOnce(rules, wish.scope, wish.minutes, wanted[0] if wanted else "")


def _lengths(asked: int, rules: RoleRules) -> list[int]:
    """The lengths at which a rule begins to match, the longest first."""
    bounds = {rule.max_minutes for stage in rules.stages for rule in stage.system_when}
    shorter = {minutes for minutes in (*bounds, rules.max_minutes) if minutes and minutes < asked}
    return sorted({asked, *shorter}, reverse=True)


def _without_tickets(rules: RoleRules) -> RoleRules:
    stages = tuple(_stage_without_tickets(stage) for stage in rules.stages)
    return replace(rules, ticket_required=False, ticket_pattern="", stages=stages)


def _stage_without_tickets(stage: StageRules) -> StageRules:
    return replace(stage, system_when=tuple(replace(rule, ticket_pattern="") for rule in stage.system_when))


def _wanting_tickets(rules: RoleRules, matched: list[str]) -> list[str]:
    """The names of those rules that want a ticket, each pattern once."""
    by_pattern: dict[str, str] = {}
    for stage, name in zip(rules.stages, matched, strict=True):
        rule = next(rule for rule in stage.system_when if rule.name == name)
        if rule.ticket_pattern:
            by_pattern.setdefault(rule.ticket_pattern, rule.name)
    return list(by_pattern.values())

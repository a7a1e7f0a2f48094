"""What policy says of one request: ``decide`` is pure, and refuses where no rule matches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jitportal.rules.deciders import DeciderRules, Directory, PersonFacts, deciders_of, enough_people
from jitportal.rules.durations import spoken
from jitportal.rules.nudges import NO_CHANNELS, NO_NUDGES, NotifyRules, NudgeRules
from jitportal.rules.plain_text import LONGEST_WORDS, text_problem
from jitportal.rules.vocabulary import Pathway, Risk
from jitportal.rules.windows import Window, window_problems

LONGEST_JUSTIFICATION = LONGEST_WORDS
LONGEST_TICKET = 100
#: Access that goes on after a shorter break than this, or than the role's longest grant, is one stretch.
LONGEST_REST = 60


@dataclass(frozen=True, slots=True)
class SystemRules:
    """One explicit rule under which the system approves a stage: every condition given must hold."""

    name: str
    max_minutes: int | None = None
    ticket_pattern: str = ""
    teams: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StageRules:
    """One stage of the approval rule: any of ``deciders``, ``people`` distinct persons."""

    name: str
    deciders: tuple[DeciderRules, ...]
    people: int = 1
    system_when: tuple[SystemRules, ...] = ()
    nudges: NudgeRules = NO_NUDGES


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """A narrow part of the role's target, and the entitlement that stands for it there."""

    key: str
    name: str
    entitlement: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleRules:
    """All that a policy says of one role; durations in minutes."""

    key: str
    name: str
    description: str
    pathway: Pathway
    target: str
    scopes: Mapping[str, ScopeRules]
    owner: str
    eligible_people: frozenset[str]
    eligible_teams: frozenset[str]
    stages: tuple[StageRules, ...]
    max_minutes: int
    recommended_minutes: int
    max_total_minutes: int
    lapse_after_minutes: int
    longest_window_minutes: int
    horizon_minutes: int
    least_justification: int
    ticket_required: bool
    ticket_pattern: str
    ticket_hint: str
    risk: Risk
    revokers: tuple[DeciderRules, ...]
    dynamic_login: bool = False
    review_after_use: bool = False
    accounts: tuple[str, ...] = ()  # the emergency accounts that break-glass may use
    notify: NotifyRules = NO_CHANNELS

    @property
    def rest_minutes(self) -> int:
        """The break that ends a stretch of access: after it, the total is counted anew."""
        return min(LONGEST_REST, self.max_minutes)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What is asked, by whom. ``earlier_minutes``: held or promised already in the stretch of access that
    this would belong to: the grants that it follows or precedes with less than a rest between.
    ``owner_name``: what people call the role's owner, where it is known.
    """

    requester: PersonFacts
    pathway: Pathway
    scope: str
    window: Window
    minutes: int
    justification: str
    ticket: str
    directory: Directory
    earlier_minutes: int = 0
    owner_name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request is refused, and the form field that it belongs to."""

    field: str
    sentence: str


class Outcome(StrEnum):
    REFUSE = "refuse"
    ASK = "ask"
    SYSTEM_APPROVES = "system_approves"


@dataclass(frozen=True, slots=True)
class DecidedStage:
    """A stage as it applies to one request: who could decide it when it was made."""

    index: int
    name: str
    deciders: tuple[DeciderRules, ...]
    people: int
    eligible: frozenset[str]
    system_rule: str = ""  # the rule under which the system approves; empty: people decide


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    stages: tuple[DecidedStage, ...]
    reasons: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def decide(facts: RequestFacts, rules: RoleRules | None, now: datetime) -> Decision:
    """Whether the request may be made, and who then decides. No rule: refuse."""
    if rules is None:
        return _refuse(Problem("role", "The policy in force doesn't offer this role. Choose another role."))
    problems = [
        *_eligibility_problems(facts, rules),
        *_duration_problems(facts, rules, now),
        *_words_problems(facts, rules),
    ]
    stages = tuple(_decided(facts, rules, index, stage) for index, stage in enumerate(rules.stages))
    problems += _approver_problems(stages)
    if problems:
        return _refuse(*problems)
    outcome = Outcome.SYSTEM_APPROVES if all(stage.system_rule for stage in stages) else Outcome.ASK
    return Decision(outcome, stages, tuple(_reasons(facts, rules, stages)))


def eligibility_reason(requester: PersonFacts, rules: RoleRules) -> str | None:
    """In words, what makes this person eligible for the role; None: nothing does."""
    if not requester.active:
        return None
    if requester.username in rules.eligible_people:
        return f"{requester.username} is named in the policy."
    shared = sorted(requester.teams & rules.eligible_teams)
    if shared:
        return f"{requester.username} is a member of team {shared[0]}."
    return None


def start_problems(
    requester: PersonFacts, scope: str, pinned: RoleRules, current: RoleRules | None
) -> list[Problem]:
    """Why a grant may not start now: a policy newer than the request may only narrow it."""
    if current is None or current.pathway is not pinned.pathway or current.target != pinned.target:
        return [Problem("role", f"The policy in force no longer offers {pinned.name}. Ask for another role.")]
    if eligibility_reason(requester, current) is None:
        return [Problem("role", f"{requester.username} is no longer eligible for {pinned.name}.")]
    offered, asked = current.scopes.get(scope), pinned.scopes.get(scope)
    if offered is None or asked is None or offered.entitlement != asked.entitlement:
        return [Problem("scope", f"The policy in force no longer offers scope {scope} of {pinned.name}.")]
    if offered.options != asked.options or current.dynamic_login is not pinned.dynamic_login:
        sentence = (
            f"The policy in force gives {pinned.name} in another way than when it was asked for. Ask again."
        )
        return [Problem("role", sentence)]
    return []


def system_rule_for(facts: RequestFacts, stage: StageRules) -> str:
    """The name of the first explicit rule under which the system approves the stage; else empty."""
    return next((rule.name for rule in stage.system_when if _system_matches(facts, rule)), "")


def _system_matches(facts: RequestFacts, rule: SystemRules) -> bool:
    return (
        (rule.max_minutes is None or facts.minutes <= rule.max_minutes)
        and (not rule.ticket_pattern or _ticket_matches(rule.ticket_pattern, facts.ticket.strip()))
        and (not rule.teams or bool(rule.teams & facts.requester.teams))
        and (not rule.scopes or facts.scope in rule.scopes)
    )


def _refuse(*problems: Problem) -> Decision:
    return Decision(Outcome.REFUSE, (), tuple(problem.sentence for problem in problems), problems)


def _eligibility_problems(facts: RequestFacts, rules: RoleRules) -> list[Problem]:
    problems = []
    if not facts.requester.active:
        problems.append(Problem("role", "This account is deactivated, so it can't ask for access."))
    elif eligibility_reason(facts.requester, rules) is None:
        owner = facts.owner_name or rules.owner
        problems.append(
            Problem("role", f"You aren't eligible for {rules.name}. Ask its owner, {owner}, to add you.")
        )
    if facts.pathway is not rules.pathway:
        problems.append(
            Problem("role", f"{rules.name} isn't on this pathway. Use the form for its own pathway.")
        )
    if facts.scope not in rules.scopes:
        offered = ", ".join(sorted(rules.scopes))
        problems.append(Problem("scope", f"{rules.name} has no such scope. Choose one of: {offered}."))
    return problems


def _duration_problems(facts: RequestFacts, rules: RoleRules, now: datetime) -> list[Problem]:
    problems = [
        Problem(where, sentence)
        for where, sentence in window_problems(
            facts.window,
            now=now,
            longest=timedelta(minutes=rules.longest_window_minutes),
            horizon=timedelta(minutes=rules.horizon_minutes),
        )
    ]
    if facts.minutes < 1:
        problems.append(Problem("minutes", "Ask for at least one minute."))
    elif facts.minutes > rules.max_minutes:
        problems.append(
            Problem("minutes", f"{rules.name} lasts {spoken(rules.max_minutes)} at most. Ask for less.")
        )
    left = rules.max_total_minutes - facts.earlier_minutes
    if facts.earlier_minutes and facts.minutes > left:
        problems.append(Problem("minutes", _total_sentence(rules, facts.earlier_minutes, left)))
    return problems


def _total_sentence(rules: RoleRules, earlier: int, left: int) -> str:
    limit, rest = spoken(rules.max_total_minutes), spoken(rules.rest_minutes)
    if left <= 0:
        return (
            f"{rules.name} may be held for {limit} in one stretch, renewals and requests one after another "
            f"included, and that is used up. Ask for a time after a break of {rest}."
        )
    return (
        f"{rules.name} may be held for {limit} in one stretch, and {spoken(earlier)} of it are used right "
        f"before or after. Ask for {spoken(left)} or less, or for a time after a break of {rest}."
    )


def _words_problems(facts: RequestFacts, rules: RoleRules) -> list[Problem]:
    problems = []
    words = facts.justification.strip()
    if len(words) < rules.least_justification:
        problems.append(
            Problem(
                "justification",
                f"Say why in at least {rules.least_justification} characters (now {len(words)}).",
            )
        )
    if len(words) > LONGEST_JUSTIFICATION:
        problems.append(
            Problem(
                "justification",
                f"Keep the reason under {LONGEST_JUSTIFICATION} characters (now {len(words)}).",
            )
        )
    if problem := text_problem(facts.justification):
        problems.append(Problem("justification", problem))
    problems += _ticket_problems(facts.ticket.strip(), rules)
    return problems


def _ticket_problems(ticket: str, rules: RoleRules) -> list[Problem]:
    if len(ticket) > LONGEST_TICKET:
        return [Problem("ticket", f"A ticket has at most {LONGEST_TICKET} characters.")]
    if problem := text_problem(ticket, "ticket"):
        return [Problem("ticket", problem)]
    if not ticket:
        return (
            [Problem("ticket", f"{rules.name} needs a ticket.{_hint(rules)}")]
            if rules.ticket_required
            else []
        )
    if rules.ticket_pattern and not _ticket_matches(rules.ticket_pattern, ticket):
        return [Problem("ticket", f"This doesn't look like a ticket for {rules.name}.{_hint(rules)}")]
    return []


def _ticket_matches(pattern: str, ticket: str) -> bool:
    """The length first: ``rules.ticket_patterns`` bounds a pattern's work for tickets up to that alone."""
    return len(ticket) <= LONGEST_TICKET and re.fullmatch(pattern, ticket) is not None


def _hint(rules: RoleRules) -> str:
    return f" {rules.ticket_hint}" if rules.ticket_hint else ""


def _decided(facts: RequestFacts, rules: RoleRules, index: int, stage: StageRules) -> DecidedStage:
    eligible = deciders_of(stage.deciders, facts.requester, rules.owner, facts.directory)
    rule = system_rule_for(facts, stage)
    return DecidedStage(index, stage.name, stage.deciders, stage.people, eligible, rule)


def _approver_problems(stages: tuple[DecidedStage, ...]) -> list[Problem]:
    """No approver at all refuses; so does a set of stages that no distinct people could fill."""
    if not stages:
        return [Problem("role", "The policy names nobody who could approve this role. Tell its owner.")]
    by_people = [stage for stage in stages if not stage.system_rule]
    for stage in by_people:
        if len(stage.eligible) < stage.people:
            who = " or ".join(str(decider) for decider in stage.deciders)
            return [
                Problem(
                    "role",
                    f"Stage {stage.name} needs {stage.people} decided by {who}, and "
                    f"{len(stage.eligible) or 'nobody'} other than you can. "
                    "Ask the role's owner to mend the rule.",
                )
            ]
    if not enough_people([(stage.eligible, stage.people) for stage in by_people]):
        needed = sum(stage.people for stage in by_people)
        return [
            Problem(
                "role",
                f"The stages need {needed} different people, and those who can decide are too few, because "
                "one person counts once. Ask the role's owner to mend the rule.",
            )
        ]
    return []


def _reasons(facts: RequestFacts, rules: RoleRules, stages: tuple[DecidedStage, ...]) -> list[str]:
    reasons = [eligibility_reason(facts.requester, rules) or ""]
    for stage in stages:
        if stage.system_rule:
            reasons.append(f"Stage {stage.name}: the system approves under rule {stage.system_rule}.")
        else:
            who = " or ".join(str(decider) for decider in stage.deciders)
            said = f"{who} approves" if stage.people == 1 else f"{stage.people} of {who} approve"
            reasons.append(f"Stage {stage.name}: {said}.")
    return reasons

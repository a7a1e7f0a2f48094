"""What stands beside a request's form: what would happen, before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jitportal.models import Grant, Person, Role, RoleScope
from jitportal.operations import requests, targets
from jitportal.operations.asking import Ask
from jitportal.rules.policy import Outcome, Problem, RoleRules
from jitportal.rules.vocabulary import EnforcementPlan, StartMode
from jitportal.web.forms.asking import AskForm
from jitportal.web.presenters.deciding import StageLine, lines_for, lines_of_decision

#: What the form's own fields say already, once it is sent.
_SAID_BESIDE_FIELDS = {"justification", "ticket"}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen to the request as it stands."""

    problems: list[str]
    hopeless: list[str]  # why this person can't ask for the role at all, whatever is typed
    stages: list[StageLine]
    exactly: bool  # the stages are those of this request, with names
    by_system: bool
    mode: StartMode
    minutes: int
    starts_at: datetime | None  # None: on the last approval
    closes_at: datetime | None
    ends_at: datetime | None  # None: the minutes after the approval
    decided_by: datetime
    plan: EnforcementPlan
    rules: RoleRules


def outlook(person: Person, role: Role, form: AskForm, renewal_of: Grant | None = None) -> Outlook:
    """From the form as far as it is filled in; nothing is written."""
    ask = _ask_so_far(form, renewal_of)
    decision = requests.preview(actor=person, ask=ask)
    refused = decision.outcome is Outcome.REFUSE
    starts_at, ends_at = _span(ask, renewal_of)
    return Outlook(
        problems=_problems(decision.problems),
        hopeless=[problem.sentence for problem in decision.problems if problem.field == "role"],
        stages=lines_for(form.rules, person) if refused else lines_of_decision(decision.stages),
        exactly=not refused,
        by_system=decision.outcome is Outcome.SYSTEM_APPROVES,
        mode=ask.start_mode,
        minutes=ask.minutes,
        starts_at=starts_at,
        closes_at=ask.window.closes_at,
        ends_at=ends_at,
        decided_by=form.now + timedelta(minutes=form.rules.lapse_after_minutes),
        plan=targets.plan_for(role, _scope(role, ask.scope)),
        rules=form.rules,
    )


def complain_at_once(person: Person, form: AskForm, renewal_of: Grant | None = None) -> None:
    """Where some fields can't even be read, say also what the policy refuses of the others."""
    if form.status == 200 or form.refused:
        return
    words = str(form.read.get("justification", ""))
    decision = requests.preview(actor=person, ask=replace(_ask_so_far(form, renewal_of), justification=words))
    for problem in decision.problems:
        if problem.field in form.fields and problem.field not in form.errors:
            form.refuse(problem.sentence, problem.field, 422)


def _ask_so_far(form: AskForm, renewal_of: Grant | None) -> Ask:
    """The ask with what is missing filled in, so that who decides shows before all is typed."""
    rules = form.rules
    said = form.read
    start = _start_so_far(form) if form.is_bound else {"start_mode": StartMode.AT_ONCE}
    if renewal_of is not None:
        start = {"start_mode": StartMode.RENEWAL}
    return Ask(
        role_key=rules.key,
        pathway=rules.pathway,
        scope=said.get("scope") or form.initial.get("scope") or next(iter(sorted(rules.scopes))),
        minutes=said.get("minutes") or form.initial.get("minutes") or rules.recommended_minutes,
        justification="·" * max(rules.least_justification, 1),
        ticket=said.get("ticket") or form.initial.get("ticket") or "",
        renewal_of=renewal_of,
        **start,
    )


def _scope(role: Role, key: str) -> RoleScope:
    return RoleScope.objects.select_related("entitlement").get(role=role, key=key)


def _start_so_far(form: AskForm) -> dict[str, object]:
    if set(form.errors) & {"start_mode", "starts_at", "opens_at", "closes_at"}:
        return {"start_mode": StartMode.AT_ONCE}
    return form.start()


def _span(ask: Ask, renewal_of: Grant | None) -> tuple[datetime | None, datetime | None]:
    """When it would start and end, as far as that is known before the approval."""
    length = timedelta(minutes=ask.minutes)
    if renewal_of is not None and renewal_of.ends_at is not None:
        return renewal_of.ends_at, renewal_of.ends_at + length
    if ask.start_mode is StartMode.SCHEDULED and ask.opens_at:
        return ask.opens_at, ask.opens_at + length
    if ask.start_mode is StartMode.ON_CLICK and ask.opens_at and ask.closes_at:
        return ask.opens_at, ask.closes_at + length
    return None, None


def _problems(problems: Sequence[Problem]) -> list[str]:
    return [problem.sentence for problem in problems if problem.field not in _SAID_BESIDE_FIELDS]

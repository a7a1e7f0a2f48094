"""What stands beside a request's form: what would happen, before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.urls import reverse

from jitportal.models import AccessRequest, Grant, Person, Role, RoleScope
from jitportal.operations import requests, targets
from jitportal.operations.asking import Ask
from jitportal.operations.outlook import Closed, look_ahead
from jitportal.rules.durations import spoken
from jitportal.rules.policy import Outcome, Problem, RoleRules
from jitportal.rules.vocabulary import WHOLE_TARGET, EnforcementPlan, StartMode
from jitportal.rules.windows import Window
from jitportal.rules.without_wait import AtOnce
from jitportal.web.forms.asking import AskForm
from jitportal.web.presenters.beforehand import Beforehand, of_ask
from jitportal.web.presenters.clocks import clocks_note
from jitportal.web.presenters.deciding import StageLine, lines_for, lines_of_decision
from jitportal.web.presenters.roles import REQUEST_FORMS
from jitportal.web.presenters.waits import wait_sentence

#: What the form's own fields say already, once it is sent.
SAID_BESIDE_FIELDS = {"justification", "ticket"}
#: The fields that say when it is to start.
MOMENTS = {"start_mode", "starts_at", "opens_at", "closes_at"}


@dataclass(frozen=True, slots=True)
class ClosedScope:
    """A scope that can't be chosen now: for what is asked already, or held at that time."""

    name: str
    chosen: bool
    request: AccessRequest | None
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class Way:
    """What would need no wait. ``act`` is empty where only a ticket is missing."""

    sentence: str
    act: str
    url: str  # of the other role's form; empty: this form
    instead: str  # the scope and the minutes to fill in there


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen to the request as it stands."""

    problems: list[str]
    closed: list[ClosedScope]
    ways: list[Way]
    wait: str  # how long it usually takes; empty: nobody has to decide
    hopeless: list[str]  # why this person can't ask for the role at all, whatever is typed
    stages: list[StageLine]
    exactly: bool  # the stages are those of this request, with names
    by_system: bool
    mode: StartMode
    undated: bool  # a time is missing, can't be read, or is before the other: the moments say nothing
    minutes: int
    starts_at: datetime  # where it starts on the last approval: if that were given now
    closes_at: datetime | None
    ends_at: datetime
    clocks: str  # that the viewer's clocks change meanwhile; else empty
    decided_by: datetime
    plan: EnforcementPlan
    rules: RoleRules
    factor: Beforehand | None


def _is_undated(form: AskForm, window: Window) -> bool:
    unread = form.is_bound and bool(MOMENTS & set(form.errors))
    opens, closes = window.opens_at, window.closes_at
    return unread or (opens is not None and closes is not None and closes <= opens)


def outlook(
    person: Person,
    role: Role,
    form: AskForm,
    renewal_of: Grant | None = None,
    editing: AccessRequest | None = None,
) -> Outlook:
    """From the form as far as it is filled in; nothing is written."""
    ask = _ask_so_far(form, renewal_of)
    ahead = look_ahead(person, role, form.rules, ask, form.now, editing=editing)
    decision = ahead.decision
    refused = decision.outcome is Outcome.REFUSE
    starts_at, ends_at = _span(ask, form.now, renewal_of)
    return Outlook(
        problems=[*_unread(form), *_problems(decision.problems)],
        closed=[closed_scope(closed, form.rules, ask) for closed in ahead.closed],
        ways=[_way(way, ask, form.rules) for way in ahead.ways],
        wait=wait_sentence(ahead.wait) if ahead.wait else "",
        hopeless=[problem.sentence for problem in decision.problems if problem.field == "role"],
        stages=lines_for(form.rules, person) if refused else lines_of_decision(decision.stages),
        exactly=not refused,
        by_system=decision.outcome is Outcome.SYSTEM_APPROVES,
        mode=ask.start_mode,
        undated=_is_undated(form, ask.window),
        minutes=ask.minutes,
        starts_at=starts_at,
        closes_at=ask.window.closes_at,
        ends_at=ends_at,
        clocks=clocks_note(starts_at, ends_at),
        decided_by=form.now + timedelta(minutes=form.rules.lapse_after_minutes),
        plan=targets.plan_for(role, _scope(role, ask.scope)),
        rules=form.rules,
        factor=of_ask(person, form.rules, ask.start_mode),
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


def _unread(form: AskForm) -> list[str]:
    """What is wrong with the times as they are typed; what is empty may still be typed."""
    typed = {name for name in MOMENTS if form.data.get(name)}
    if form.data.get("minutes_number"):
        typed.add("minutes")
    return [str(error) for name in sorted(typed & set(form.errors)) for error in form.errors[name]]


def _start_so_far(form: AskForm) -> dict[str, object]:
    if MOMENTS & set(form.errors):
        return {"start_mode": StartMode.AT_ONCE}
    return form.start()


def _span(ask: Ask, now: datetime, renewal_of: Grant | None) -> tuple[datetime, datetime]:
    """When it would start and end at the latest, if it were approved now."""
    length = timedelta(minutes=ask.minutes)
    if renewal_of is not None and renewal_of.ends_at is not None:
        return renewal_of.ends_at, renewal_of.ends_at + length
    if ask.start_mode is StartMode.SCHEDULED and ask.opens_at:
        return ask.opens_at, ask.opens_at + length
    if ask.start_mode is StartMode.ON_CLICK and ask.opens_at and ask.closes_at:
        return ask.opens_at, ask.closes_at + length
    return now, now + length


def closed_scope(closed: Closed, rules: RoleRules, ask: Ask) -> ClosedScope:
    """The scope by its name, and whether it is the one that is asked for."""
    scope = rules.scopes.get(closed.scope)
    name = scope.name if scope else closed.scope
    return ClosedScope(name, closed.scope == ask.scope, closed.request, closed.grant)


def _way(way: AtOnce, ask: Ask, asked: RoleRules) -> Way:
    """In words, with the address of the form in which it is asked for."""
    scope, length = way.rules.scopes[way.scope].name, spoken(way.minutes)
    other = way.rules.key != asked.key
    ticket = f" with a ticket that its rule “{way.ticket_for}” takes" if way.ticket_for else ""
    what = scope if way.scope != ask.scope else "it"
    if other:
        what = way.rules.name if way.scope == WHOLE_TARGET else f"{way.rules.name}, {scope},"
    sentence = f"The system approves {what} at once for {length}{ticket}."
    if other:
        url = reverse(REQUEST_FORMS[way.rules.pathway], args=[way.rules.key])
        return Way(sentence, f"Ask for {way.rules.name} instead", url, f"{way.scope} {way.minutes}")
    if (way.scope, way.minutes) == (ask.scope, ask.minutes):
        return Way(sentence, "", "", "")
    act = f"Ask for {length} instead" if way.scope == ask.scope else f"Ask for {scope} instead"
    return Way(sentence, act, "", f"{way.scope} {way.minutes}")


def _problems(problems: Sequence[Problem]) -> list[str]:
    return [problem.sentence for problem in problems if problem.field not in SAID_BESIDE_FIELDS]

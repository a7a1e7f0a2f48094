"""What would happen to each of several requests, beside their one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from jitportal.models import Person, Role
from jitportal.operations import policies
from jitportal.operations.asking import Ask, consider
from jitportal.operations.outlook import closed_scopes
from jitportal.operations.waits import Waits, usual_waits
from jitportal.rules.policy import Decision, Outcome, RoleRules
from jitportal.rules.vocabulary import Pathway, StartMode
from jitportal.rules.waiting import UsualWait, path_of_decision, path_of_rules
from jitportal.web.forms.several import PartForm, SeveralForm
from jitportal.web.presenters.asking import SAID_BESIDE_FIELDS, ClosedScope, closed_scope
from jitportal.web.presenters.beforehand import of_ask
from jitportal.web.presenters.deciding import StageLine, lines_for, lines_of_decision
from jitportal.web.presenters.waits import wait_sentence

FORMS = {Pathway.TEMPORARY: "request_several_temporary", Pathway.JIT: "request_several_jit"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The roles that are asked for together on one pathway, and the address of their form."""

    pathway: Pathway
    roles: Sequence[RoleRules]
    url: str


@dataclass(frozen=True, slots=True)
class PartOutlook:
    """What would happen to one of the requests. ``wait`` is empty where the system decides."""

    rules: RoleRules
    problems: list[str]
    closed: list[ClosedScope]
    stages: list[StageLine]
    by_system: bool
    wait: str


def chosen(keys: Sequence[str]) -> list[Chosen]:
    """The roles of these keys by pathway; what isn't offered, and break-glass, is left out."""
    version = policies.current_version()
    offered = policies.document_of(version).roles if version else {}
    roles = [offered[key] for key in dict.fromkeys(keys) if key in offered]
    groups = [Chosen(pathway, _on(roles, pathway), _address(roles, pathway)) for pathway in FORMS]
    return [group for group in groups if group.roles]


BY_ITSELF = (
    "A role of high risk that starts by itself takes a second factor for that alone: ask for it by itself, "
    "or choose to start it by a click."
)


def outlooks(person: Person, form: SeveralForm) -> list[PartOutlook]:
    """From the forms as far as they are filled in; nothing is written."""
    now = form.shared.now
    roles = Role.objects.in_bulk([part.rules.key for part in form], field_name="key")
    waits = usual_waits({role.pk for role in roles.values()}, now)
    return [_outlook(person, roles[part.rules.key], form, part, waits, now) for part in form]


def _outlook(
    person: Person, role: Role, form: SeveralForm, part: PartForm, waits: Waits, now: datetime
) -> PartOutlook:
    ask = _ask_so_far(form, part)
    decision = consider(person, ask, now)[2]
    refused = decision.outcome is Outcome.REFUSE
    by_system = decision.outcome is Outcome.SYSTEM_APPROVES
    closed = closed_scopes(person, role, ask, now)
    problems = [one.sentence for one in decision.problems if one.field not in SAID_BESIDE_FIELDS]
    return PartOutlook(
        rules=part.rules,
        problems=[*_alone(person, part.rules, ask), *problems],
        closed=[closed_scope(one, part.rules, ask) for one in closed if one.scope == ask.scope],
        stages=lines_for(part.rules, person) if refused else lines_of_decision(decision.stages),
        by_system=by_system,
        wait="" if by_system else wait_sentence(waits.get((role.pk, _path(part, decision)), UsualWait(0))),
    )


def _alone(person: Person, rules: RoleRules, ask: Ask) -> list[str]:
    """What can't be asked for together with others, since its second factor is for it alone."""
    takes_one = ask.start_mode is not StartMode.ON_CLICK and of_ask(person, rules, ask.start_mode)
    return [BY_ITSELF] if takes_one else []


def _path(part: PartForm, decision: Decision) -> tuple[tuple[int, tuple[str, ...]], ...]:
    asked = decision.outcome is Outcome.ASK
    return path_of_decision(decision.stages) if asked else path_of_rules(part.rules.stages)


def _ask_so_far(form: SeveralForm, part: PartForm) -> Ask:
    """One role's ask with what is missing filled in, so that who decides shows before all is typed."""
    rules, said = part.rules, part.read
    unread = set(form.shared.errors) & {"start_mode", "starts_at", "opens_at", "closes_at"}
    known = form.is_bound and not unread
    return Ask(
        role_key=rules.key,
        pathway=rules.pathway,
        scope=said.get("scope") or next(iter(sorted(rules.scopes))),
        minutes=said.get("minutes") or rules.recommended_minutes,
        justification="·" * max(rules.least_justification, 1),
        ticket=form.shared.read.get("ticket") or "",
        **(form.shared.start() if known else {"start_mode": StartMode.AT_ONCE}),
    )


def _on(roles: Sequence[RoleRules], pathway: Pathway) -> list[RoleRules]:
    return [rules for rules in roles if rules.pathway is pathway]


def _address(roles: Sequence[RoleRules], pathway: Pathway) -> str:
    keys = "&".join(f"role={rules.key}" for rules in _on(roles, pathway))
    return f"{reverse(FORMS[pathway])}?{keys}"

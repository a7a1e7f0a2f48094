"""Said before an act, and not only after its button: that it takes a second factor."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from jitportal.models import AccessRequest, Grant, Person
from jitportal.operations import policies, provider, risks, step_up, ways_in
from jitportal.rules.policy import RoleRules
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import Risk, StartMode

RISKY = "the role is of high risk"


@dataclass(frozen=True, slots=True)
class Beforehand:
    """``lacking``: the person has none yet, and nothing else would count."""

    sentence: str
    lacking: bool = False


def of_ask(person: Person, rules: RoleRules, mode: StartMode) -> Beforehand | None:
    """What asking, or the later start, will take."""
    if rules.risk is not Risk.HIGH or not step_up.is_required(Act.START):
        return None
    if mode is StartMode.ON_CLICK:
        return _said(person, rules.pathway, "When you start it, you confirm that", RISKY)
    why = f"{RISKY}, and the access starts by itself"
    return _said(person, rules.pathway, "When you send this, you confirm it", why)


def of_approval(person: Person, request: AccessRequest) -> Beforehand | None:
    """What approving will take."""
    if not step_up.is_required(Act.APPROVE) or not risks.is_high(request):
        return None
    return _said(person, request.pathway, "When you approve it, you confirm that", RISKY)


def of_start(person: Person, grant: Grant) -> Beforehand | None:
    """What the click that starts it will take."""
    if not step_up.is_required(Act.START) or not risks.is_high_grant(grant):
        return None
    return _said(person, grant.pathway, "When you start it, you confirm that", RISKY)


def of_way_in(person: Person, grant: Grant) -> Beforehand | None:
    """What a password or a certificate will take."""
    if not step_up.is_required(Act.CONNECT) or not ways_in.is_dear(grant):
        return None
    why = "this is an emergency" if grant.activation_id is not None else RISKY
    return _said(person, grant.pathway, "You confirm it", why)


def _said(person: Person, pathway: str, when: str, why: str) -> Beforehand:
    counts = settings.STEP_UP_BY_PROVIDER and not policies.wants_own_factor(pathway)
    there = provider.current() if counts else None
    how = "with your second factor"
    how += f", or by signing in again at {there.name}" if there else ""
    return Beforehand(f"{when} {how}: {why}.", lacking=there is None and not step_up.has_factor(person))

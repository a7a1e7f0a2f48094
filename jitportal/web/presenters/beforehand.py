"""Said before an act, and not only after its button: that it takes a second factor."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from jitportal.models import AccessRequest, Grant, Person
from jitportal.operations import policies, provider, risks, step_up, ways_in
from jitportal.rules.policy import RoleRules
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import Pathway, Risk, StartMode

RISKY, EMERGENCY = "the role is of high risk", "this is an emergency"


@dataclass(frozen=True, slots=True)
class Beforehand:
    """``lacking``: the person has none yet, and nothing else would count."""

    sentence: str
    lacking: bool = False


#: What takes one whatever it is about: when it is asked for, and why.
_ALWAYS = {
    Act.REVOKE_SEVERAL: ("When you revoke them, you confirm that", "several grants end at once"),
    Act.POLICY: ("When you bring it into force, you confirm that", "it changes who can have what"),
    Act.DELEGATE: ("When you name somebody, you confirm that", "they decide in your place"),
    Act.SIGN_REVIEW: ("When you sign, you confirm that", "the review is your word on what was done"),
    Act.RESET: ("When you remove them, you confirm that", "without them a password is enough"),
}


def of_act(person: Person, act: Act) -> Beforehand | None:
    """What an act will take that takes a second factor whatever it is about."""
    return _said(person, *_ALWAYS[act], own=False) if step_up.is_required(act) else None


def of_extension(person: Person) -> Beforehand | None:
    """What going on with emergency access will take."""
    if not step_up.is_required(Act.BREAK_GLASS):
        return None
    own = policies.wants_own_factor(Pathway.BREAK_GLASS)
    return _said(person, "When you extend it, you confirm that", EMERGENCY, own=own)


def of_ask(person: Person, rules: RoleRules, mode: StartMode) -> Beforehand | None:
    """What asking, or the later start, will take."""
    if rules.risk is not Risk.HIGH or not step_up.is_required(Act.START):
        return None
    own = policies.wants_own_factor(rules.pathway)
    if mode is StartMode.ON_CLICK:
        return _said(person, "When you start it, you confirm that", RISKY, own=own)
    why = f"{RISKY}, and the access starts by itself"
    return _said(person, "When you send this, you confirm it", why, own=own)


def of_approval(person: Person, request: AccessRequest) -> Beforehand | None:
    """What approving will take."""
    if not step_up.is_required(Act.APPROVE) or not risks.is_high(request):
        return None
    own = risks.wants_own_factor(request)
    return _said(person, "When you approve it, you confirm that", RISKY, own=own)


def of_start(person: Person, grant: Grant) -> Beforehand | None:
    """What the click that starts it will take."""
    if not step_up.is_required(Act.START) or not risks.is_high_grant(grant):
        return None
    own = risks.grant_wants_own_factor(grant)
    return _said(person, "When you start it, you confirm that", RISKY, own=own)


def of_way_in(person: Person, grant: Grant) -> Beforehand | None:
    """What a password or a certificate will take."""
    if not step_up.is_required(Act.CONNECT) or not ways_in.is_dear(grant):
        return None
    why = EMERGENCY if grant.activation_id is not None else RISKY
    return _said(person, "You confirm it", why, own=risks.grant_wants_own_factor(grant))


def _said(person: Person, when: str, why: str, *, own: bool) -> Beforehand:
    """``own``: the portal's own second factors alone count."""
    there = provider.current() if settings.STEP_UP_BY_PROVIDER and not own else None
    how = "with your second factor"
    how += f", or by signing in again at {there.name}" if there else ""
    return Beforehand(f"{when} {how}: {why}.", lacking=there is None and not step_up.has_factor(person))

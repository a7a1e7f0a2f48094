"""Requests of high risk whose grant starts by itself: their requester shows a second factor when they ask.

A grant that waits for its holder's click takes one then. So no grant of high risk starts without its holder's
fresh factor, whoever approves it, and be it the system alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from jitportal.models import Grant, Person, Role, RoleScope, StepUpProof
from jitportal.operations import policies, step_up
from jitportal.operations.asking import Asked
from jitportal.operations.spoken_times import moment
from jitportal.rules.canonical import Plain, digest
from jitportal.rules.durations import spoken
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.policy import Outcome, RoleRules
from jitportal.rules.step_up import Act, quoted
from jitportal.rules.vocabulary import Risk, StartMode


def confirmed(
    actor: Person,
    asked: Asked,
    role: Role,
    scope: RoleScope,
    document: Mapping[str, Plain],
    proof: StepUpProof | None,
) -> StepUpProof | None:
    """The requester's second factor for what they ask, word for word; None where none is taken here.

    ``document`` is the revision's, without the request's number. Raises ``StepUpNeeded``.
    """
    if asked.rules.risk is not Risk.HIGH or asked.ask.start_mode is StartMode.ON_CLICK:
        return None
    return step_up.require(
        actor=actor,
        act=Act.START,
        about={"asked": digest(document)},
        sentence=_sentence(asked, role, scope),
        proof=proof,
        own=policies.wants_own_factor(asked.rules.pathway),
    )


def refuse_unconfirmed(grant: Grant, pinned: RoleRules, current: RoleRules | None) -> None:
    """A role that has become one of high risk since it was asked for doesn't start by itself.

    Raises ``PolicyRefuses``.
    """
    starts_by_itself = grant.request is not None and grant.start_mode != StartMode.ON_CLICK
    raised = current is not None and current.risk is Risk.HIGH and pinned.risk is not Risk.HIGH
    if starts_by_itself and raised and step_up.is_required(Act.START) and not step_up.is_story():
        raise PolicyRefuses(
            f"{grant.role} has become a role of high risk since it was asked for, and its start takes a "
            "second factor of its holder. It has to be asked for again."
        )


def _sentence(asked: Asked, role: Role, scope: RoleScope) -> str:
    ask = asked.ask
    lines = [
        f"Ask for {role} ({scope}) for {spoken(ask.minutes)}, which starts by itself.",
        f"Start: {_start(asked)}.",
        f"Target: {role.target}.",
        f"Your reason: {quoted(ask.justification)}",
    ]
    if ask.ticket.strip():
        lines.append(f"Ticket: {quoted(ask.ticket)}")
    return "\n".join(lines)


def _start(asked: Asked) -> str:
    ask = asked.ask
    if ask.renewal_of is not None:
        return f"when grant {ask.renewal_of.pk} ends"
    if ask.start_mode is StartMode.SCHEDULED and ask.opens_at is not None:
        return moment(ask.opens_at)
    if asked.decision.outcome is Outcome.SYSTEM_APPROVES:
        return "at once: the system approves it"
    return "as soon as it is approved"

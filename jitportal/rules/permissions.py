"""Who may do what: ``allowed(verb, actor, subject)`` answers ``Allowed`` or ``Denied(reason)``.

One place, pure, exhaustive over verb and relation. Pages ask it for their buttons, operations ask it
before they act, and fetching an object asks it for ``VIEW``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jitportal.rules.verbs import Relation, Verb
from jitportal.rules.vocabulary import Power

__all__ = ["ActorFacts", "Allowed", "Answer", "Denied", "Relation", "Subject", "Verb", "allowed"]


@dataclass(frozen=True, slots=True)
class ActorFacts:
    """Who asks: active or not, and the powers that the clock says are in force."""

    username: str
    active: bool
    powers: frozenset[Power] = frozenset()
    system: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that is asked about, as what the actor is to it."""

    relations: frozenset[Relation] = field(default_factory=frozenset)


NOBODY = Subject()


@dataclass(frozen=True, slots=True)
class Allowed:
    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal; ``reason`` is a sentence, and the tooltip of the button that asked."""

    reason: str

    def __bool__(self) -> bool:
        return False


Answer = Allowed | Denied
Rule = Callable[[ActorFacts, Subject], Answer]

OVERSEERS = frozenset({Power.AUDITOR, Power.ADMINISTRATOR})


def allowed(verb: Verb, actor: ActorFacts, subject: Subject = NOBODY) -> Answer:
    """Whether the actor may do this to the subject; no rule, no permission."""
    if not actor.active:
        return Denied("This account is deactivated.")
    rule = RULES.get(verb)
    return rule(actor, subject) if rule else Denied("Nobody may do this.")


def _anyone(_actor: ActorFacts, _subject: Subject) -> Answer:
    return Allowed()


def _relation(*relations: Relation, powers: frozenset[Power] = frozenset(), otherwise: str) -> Rule:
    """Whoever stands in one of the relations, or holds one of the powers now."""

    def rule(actor: ActorFacts, subject: Subject) -> Answer:
        if subject.relations & set(relations) or actor.powers & powers or (actor.system and powers):
            return Allowed()
        return Denied(otherwise)

    return rule


def _others(rule: Rule, forbidden: Relation, reason: str) -> Rule:
    """The rule, but never for who stands in the forbidden relation, whatever else they are."""

    def strict(actor: ActorFacts, subject: Subject) -> Answer:
        return Denied(reason) if forbidden in subject.relations else rule(actor, subject)

    return strict


def _by_people(rule: Rule) -> Rule:
    """The rule, but never for the system: two people stand behind each change, however it is made."""

    def strict(actor: ActorFacts, subject: Subject) -> Answer:
        return Denied("People change the policy, never the system.") if actor.system else rule(actor, subject)

    return strict


_SEES = (
    Relation.HOLDER,
    Relation.MANAGER,
    Relation.ROLE_OWNER,
    Relation.DECIDER,
    Relation.DECIDED,
    Relation.REVOKER,
)
_OPERATES = frozenset({Power.OPERATOR, Power.ADMINISTRATOR})
_EDITS_POLICY = frozenset({Power.POLICY_EDITOR})
_POLICY_POWER = "Changing the policy needs the policy editor's power. Request the role that gives it."
_OPERATOR_POWER = "This needs the operator's power. Request the role that gives it."
_AUDITOR_POWER = "The record needs the auditor's power. Request the role that gives it."
#: What to look for where a power of the portal is missing: the roles that give it are found by its name.
POWERS_TO_FIND = {_POLICY_POWER: "policy editor", _OPERATOR_POWER: "operator", _AUDITOR_POWER: "auditor"}

_REVIEWS = (Relation.ROLE_OWNER, Relation.MANAGER, Relation.SECURITY)
_TOOK_PART = "You took part in this emergency. Somebody who didn't has to review it."
_reviewing = _others(
    _relation(
        *_REVIEWS,
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="The role's owner, the responder's manager or a security contact reviews this.",
    ),
    Relation.HOLDER,
    "This is about your own use of an emergency account. Somebody else has to do it.",
)

_POPULATION = "The policy doesn't name you among those who may use emergency access."

RULES: dict[Verb, Rule] = {
    Verb.REQUEST_VIEW: _relation(
        *_SEES,
        Relation.TOLD,
        powers=OVERSEERS | {Power.OPERATOR},
        otherwise="This request isn't yours to see.",
    ),
    Verb.REQUEST_SUBMIT: _anyone,  # the policy decides: see rules.policy
    Verb.REQUEST_EDIT: _relation(Relation.HOLDER, otherwise="Only the requester can edit a request."),
    Verb.REQUEST_WITHDRAW: _relation(Relation.HOLDER, otherwise="Only the requester can withdraw a request."),
    Verb.REQUEST_CLONE: _relation(
        Relation.HOLDER, otherwise="Only the requester can ask for the same again."
    ),
    Verb.REQUEST_DECIDE: _others(
        _relation(
            Relation.OPEN_STAGE, otherwise="You aren't among those who decide the stage that is open now."
        ),
        Relation.HOLDER,
        "This is your own request. Somebody else has to decide on it.",
    ),
    Verb.VERDICTS_SUBMIT: _anyone,  # each verdict is asked for itself: REQUEST_DECIDE
    Verb.VERDICTS_VIEW: _relation(
        Relation.SUBMITTER, powers=OVERSEERS, otherwise="These verdicts aren't yours to see."
    ),
    Verb.VERDICTS_FINISH: _relation(
        Relation.SUBMITTER, otherwise="Only the person who submitted these verdicts can have the rest given."
    ),
    Verb.GRANT_VIEW: _relation(
        *_SEES, powers=OVERSEERS | {Power.OPERATOR}, otherwise="This grant isn't yours to see."
    ),
    Verb.GRANT_START: _relation(Relation.HOLDER, otherwise="Only the holder can start a grant."),
    Verb.GRANT_HAND_BACK: _relation(Relation.HOLDER, otherwise="Only the holder can hand a grant back."),
    Verb.GRANT_REVOKE: _relation(
        Relation.REVOKER,
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="The policy doesn't name you among those who may revoke this grant.",
    ),
    Verb.GRANT_RENEW: _relation(Relation.HOLDER, otherwise="Only the holder can ask for a renewal."),
    Verb.GRANT_REVEAL: _relation(Relation.HOLDER, otherwise="Only the holder is shown the password."),
    Verb.GRANT_CERTIFY: _relation(
        Relation.HOLDER, otherwise="Only the holder gets a certificate for their key."
    ),
    Verb.RECORDING_VIEW: _relation(
        Relation.HOLDER,
        Relation.REVIEWER,
        *_REVIEWS,
        powers=frozenset({Power.AUDITOR}),
        otherwise="This recording isn't yours to see.",
    ),
    Verb.REVIEW_VIEW: _relation(*_SEES, powers=OVERSEERS, otherwise="This review isn't yours to see."),
    Verb.REVIEW_STATE: _relation(
        Relation.HOLDER, otherwise="Only the person who had the access can say what was done."
    ),
    Verb.REVIEW_DETERMINE: _others(
        _relation(
            Relation.ROLE_OWNER,
            Relation.MANAGER,
            powers=frozenset({Power.ADMINISTRATOR}),
            otherwise="The role's owner or the holder's manager reviews this.",
        ),
        Relation.HOLDER,
        "This review is about your own access. Somebody else has to close it.",
    ),
    Verb.EMERGENCY_VIEW: _relation(
        Relation.POPULATION,
        Relation.CUSTODIAN,
        Relation.ROLE_OWNER,
        Relation.SECURITY,
        powers=OVERSEERS | {Power.OPERATOR, Power.POLICY_EDITOR},
        otherwise=_POPULATION,
    ),
    Verb.EMERGENCY_ACTIVATE: _relation(Relation.POPULATION, otherwise=_POPULATION),
    Verb.ACTIVATION_VIEW: _relation(
        *_SEES,
        Relation.ALERTED,
        Relation.SECURITY,
        Relation.CUSTODIAN,
        Relation.POPULATION,
        powers=OVERSEERS | {Power.OPERATOR},
        otherwise="This activation isn't yours to see.",
    ),
    Verb.ACTIVATION_END: _others(
        _relation(
            Relation.REVOKER,
            powers=frozenset({Power.ADMINISTRATOR}),
            otherwise="The policy doesn't name you among those who may end this.",
        ),
        Relation.HOLDER,
        "This is your own activation: hand it back.",
    ),
    Verb.ACTIVATION_HAND_BACK: _relation(Relation.HOLDER, otherwise="Only the responder can hand it back."),
    Verb.ENVELOPE_MANAGE: _relation(
        Relation.CUSTODIAN,
        Relation.POPULATION,
        Relation.SECURITY,
        Relation.ROLE_OWNER,
        powers=_OPERATES,
        otherwise="Custodians, the emergency population, security contacts and operators do this.",
    ),
    Verb.ACTIVATION_EXTEND: _relation(Relation.HOLDER, otherwise="Only the responder can extend it."),
    Verb.ALERT_ACKNOWLEDGE: _relation(
        Relation.ALERTED, otherwise="You weren't alerted of this, so there is nothing to acknowledge."
    ),
    Verb.INCIDENT_VIEW: _relation(
        Relation.HOLDER,
        Relation.REVIEWER,
        Relation.CUSTODIAN,
        *_REVIEWS,
        powers=OVERSEERS,
        otherwise="This review isn't yours to see.",
    ),
    # What was typed and run: for whoever answers for it or judges it, and each look is written down.
    Verb.ACTION_LOG_VIEW: _relation(
        Relation.HOLDER,
        Relation.REVIEWER,
        *_REVIEWS,
        powers=OVERSEERS,
        otherwise="The action log is for the responder, those who review, and auditors.",
    ),
    Verb.INCIDENT_STATE: _relation(
        Relation.HOLDER, otherwise="Only the person who had the access can say what was done."
    ),
    Verb.INCIDENT_DETERMINE: _others(_reviewing, Relation.TOOK_PART, _TOOK_PART),
    Verb.INCIDENT_SIGN_SECOND: _others(
        _others(_reviewing, Relation.TOOK_PART, _TOOK_PART),
        Relation.REVIEWER,
        "You signed this review already. The second sign-off is another person's.",
    ),
    Verb.INCIDENT_ROTATE: _others(
        _relation(
            Relation.CUSTODIAN,
            *_REVIEWS,
            powers=_OPERATES,
            otherwise="The account's custodians rotate its credential.",
        ),
        Relation.HOLDER,
        "You used this credential. Somebody else has to rotate it.",
    ),
    Verb.INCIDENT_NAME: _relation(
        Relation.CUSTODIAN,
        *_REVIEWS,
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="The account's custodians, or those who review, say who it was.",
    ),
    Verb.INCIDENT_OVERRIDE: _reviewing,
    Verb.FOLLOW_UP_COMPLETE: _relation(
        Relation.OWNER,
        Relation.REVIEWER,
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="The follow-up's owner, or the reviewer, says that it is done.",
    ),
    Verb.EVIDENCE_EXPORT: _relation(
        Relation.REVIEWER,
        *_REVIEWS,
        powers=OVERSEERS,
        otherwise="Those who review, and auditors, take the evidence out.",
    ),
    Verb.ROLE_VIEW: _anyone,
    Verb.TARGET_VIEW: _relation(
        Relation.ROLE_OWNER,
        powers=_OPERATES | {Power.AUDITOR, Power.POLICY_EDITOR},
        otherwise=_OPERATOR_POWER,
    ),
    Verb.TARGET_CHECK: _relation(powers=_OPERATES, otherwise=_OPERATOR_POWER),
    Verb.PROBLEM_VIEW: _relation(powers=_OPERATES | {Power.AUDITOR}, otherwise=_OPERATOR_POWER),
    Verb.LEASE_RETRY: _relation(powers=_OPERATES, otherwise=_OPERATOR_POWER),
    Verb.WEBHOOK_ENABLE: _relation(powers=_OPERATES, otherwise=_OPERATOR_POWER),
    Verb.MANUAL_TASK_CONFIRM: _others(
        _relation(
            Relation.CARRIER,
            Relation.ROLE_OWNER,
            powers=_OPERATES,
            otherwise="The role's owner carries this out and confirms it.",
        ),
        Relation.HOLDER,
        "This is your own access. Somebody else has to confirm it.",
    ),
    Verb.POLICY_VIEW: _anyone,
    Verb.POLICY_PROPOSE: _by_people(_relation(powers=_EDITS_POLICY, otherwise=_POLICY_POWER)),
    Verb.POLICY_APPROVE: _others(
        _by_people(_relation(powers=_EDITS_POLICY, otherwise=_POLICY_POWER)),
        Relation.PROPOSER,
        "You proposed this change. A second person has to approve it.",
    ),
    Verb.POLICY_APPLY: _by_people(_relation(powers=_EDITS_POLICY, otherwise=_POLICY_POWER)),
    Verb.PERSON_MANAGE: _relation(
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="People are managed by administrators. Request the role that gives this power.",
    ),
    Verb.DELEGATION_MAKE: _anyone,  # each for themselves: the verb takes no other delegator
    Verb.DELEGATION_STOP: _relation(
        Relation.HOLDER,
        Relation.DELEGATE,
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="Only the two people of a delegation can end it.",
    ),
    Verb.PROFILE_EDIT: _anyone,  # each their own: the verb takes no other person
    Verb.FACTORS_CHANGE: _anyone,  # each their own: the verb takes no other person
    Verb.FACTORS_VIEW: _relation(powers=OVERSEERS, otherwise=_AUDITOR_POWER),
    Verb.FACTORS_RESET: _relation(
        powers=frozenset({Power.ADMINISTRATOR}),
        otherwise="Administrators reset second factors. Request the role that gives this power.",
    ),
    Verb.SESSIONS_END: _anyone,  # each their own: the verb takes no other person
    Verb.NOTICES_CHOOSE: _anyone,  # each for themselves: the verb takes no other person
    Verb.RECORD_VIEW: _relation(powers=OVERSEERS, otherwise=_AUDITOR_POWER),
    Verb.OVERVIEW_VIEW: _relation(powers=_OPERATES | {Power.AUDITOR}, otherwise=_OPERATOR_POWER),
    Verb.ADMIN_VIEW: _relation(powers=OVERSEERS, otherwise=_AUDITOR_POWER),
}

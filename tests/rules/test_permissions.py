"""Who may do what: the whole matrix of verbs, relations and powers, written down a second time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.permissions import (
    RULES,
    ActorFacts,
    Allowed,
    Denied,
    Relation,
    Subject,
    Verb,
    allowed,
)
from jitportal.rules.vocabulary import Power

R, P = Relation, Power
EVERYBODY = object()
REVIEWS = {R.ROLE_OWNER, R.MANAGER, R.SECURITY}
PARTIES = {R.HOLDER, R.MANAGER, R.ROLE_OWNER, R.DECIDER, R.DECIDED, R.REVOKER}

#: For each verb, what alone is enough: everybody, a relation to the object, or a power held now.
MATRIX: dict[Verb, set[object]] = {
    Verb.REQUEST_VIEW: {*PARTIES, R.TOLD, P.AUDITOR, P.ADMINISTRATOR, P.OPERATOR},
    Verb.REQUEST_SUBMIT: {EVERYBODY},
    Verb.REQUEST_EDIT: {R.HOLDER},
    Verb.REQUEST_WITHDRAW: {R.HOLDER},
    Verb.REQUEST_CLONE: {R.HOLDER},
    Verb.REQUEST_DECIDE: {R.OPEN_STAGE},
    Verb.VERDICTS_SUBMIT: {EVERYBODY},
    Verb.VERDICTS_VIEW: {R.SUBMITTER, P.AUDITOR, P.ADMINISTRATOR},
    Verb.VERDICTS_FINISH: {R.SUBMITTER},
    Verb.GRANT_VIEW: {*PARTIES, P.AUDITOR, P.ADMINISTRATOR, P.OPERATOR},
    Verb.GRANT_START: {R.HOLDER},
    Verb.GRANT_HAND_BACK: {R.HOLDER},
    Verb.GRANT_REVOKE: {R.REVOKER, P.ADMINISTRATOR},
    Verb.GRANT_RENEW: {R.HOLDER},
    Verb.GRANT_REVEAL: {R.HOLDER},
    Verb.GRANT_CERTIFY: {R.HOLDER},
    Verb.RECORDING_VIEW: {R.HOLDER, R.REVIEWER, R.ROLE_OWNER, R.MANAGER, R.SECURITY, P.AUDITOR},
    Verb.REVIEW_VIEW: {*PARTIES, P.AUDITOR, P.ADMINISTRATOR},
    Verb.REVIEW_STATE: {R.HOLDER},
    Verb.REVIEW_DETERMINE: {R.ROLE_OWNER, R.MANAGER, P.ADMINISTRATOR},
    Verb.EMERGENCY_VIEW: {
        R.POPULATION,
        R.CUSTODIAN,
        R.ROLE_OWNER,
        R.SECURITY,
        *(P.AUDITOR, P.ADMINISTRATOR, P.OPERATOR),
        P.POLICY_EDITOR,
    },
    Verb.EMERGENCY_ACTIVATE: {R.POPULATION},
    Verb.ACTIVATION_VIEW: {
        *PARTIES,
        R.ALERTED,
        R.SECURITY,
        R.CUSTODIAN,
        R.POPULATION,
        P.AUDITOR,
        P.ADMINISTRATOR,
        P.OPERATOR,
    },
    Verb.ACTIVATION_END: {R.REVOKER, P.ADMINISTRATOR},
    Verb.ACTIVATION_HAND_BACK: {R.HOLDER},
    Verb.ENVELOPE_MANAGE: {R.CUSTODIAN, R.POPULATION, R.SECURITY, R.ROLE_OWNER, P.OPERATOR, P.ADMINISTRATOR},
    Verb.ACTIVATION_EXTEND: {R.HOLDER},
    Verb.ALERT_ACKNOWLEDGE: {R.ALERTED},
    Verb.INCIDENT_VIEW: {R.HOLDER, R.REVIEWER, R.CUSTODIAN, *REVIEWS, P.AUDITOR, P.ADMINISTRATOR},
    Verb.ACTION_LOG_VIEW: {R.HOLDER, R.REVIEWER, *REVIEWS, P.AUDITOR, P.ADMINISTRATOR},
    Verb.INCIDENT_STATE: {R.HOLDER},
    Verb.INCIDENT_DETERMINE: {*REVIEWS, P.ADMINISTRATOR},
    Verb.INCIDENT_SIGN_SECOND: {*REVIEWS, P.ADMINISTRATOR},
    Verb.INCIDENT_ROTATE: {R.CUSTODIAN, *REVIEWS, P.OPERATOR, P.ADMINISTRATOR},
    Verb.INCIDENT_NAME: {R.CUSTODIAN, *REVIEWS, P.ADMINISTRATOR},
    Verb.INCIDENT_OVERRIDE: {*REVIEWS, P.ADMINISTRATOR},
    Verb.FOLLOW_UP_COMPLETE: {R.OWNER, R.REVIEWER, P.ADMINISTRATOR},
    Verb.EVIDENCE_EXPORT: {R.REVIEWER, *REVIEWS, P.AUDITOR, P.ADMINISTRATOR},
    Verb.ROLE_VIEW: {EVERYBODY},
    Verb.TARGET_VIEW: {R.ROLE_OWNER, P.OPERATOR, P.ADMINISTRATOR, P.AUDITOR, P.POLICY_EDITOR},
    Verb.TARGET_CHECK: {P.OPERATOR, P.ADMINISTRATOR},
    Verb.PROBLEM_VIEW: {P.OPERATOR, P.ADMINISTRATOR, P.AUDITOR},
    Verb.LEASE_RETRY: {P.OPERATOR, P.ADMINISTRATOR},
    Verb.WEBHOOK_ENABLE: {P.OPERATOR, P.ADMINISTRATOR},
    Verb.MANUAL_TASK_CONFIRM: {R.CARRIER, R.ROLE_OWNER, P.OPERATOR, P.ADMINISTRATOR},
    Verb.POLICY_VIEW: {EVERYBODY},
    Verb.POLICY_PROPOSE: {P.POLICY_EDITOR},
    Verb.POLICY_APPROVE: {P.POLICY_EDITOR},
    Verb.POLICY_APPLY: {P.POLICY_EDITOR},
    Verb.PERSON_MANAGE: {P.ADMINISTRATOR},
    Verb.DELEGATION_MAKE: {EVERYBODY},
    Verb.DELEGATION_STOP: {R.HOLDER, R.DELEGATE, P.ADMINISTRATOR},
    Verb.PROFILE_EDIT: {EVERYBODY},
    Verb.FACTORS_CHANGE: {EVERYBODY},
    Verb.FACTORS_VIEW: {P.AUDITOR, P.ADMINISTRATOR},
    Verb.FACTORS_RESET: {P.ADMINISTRATOR},
    Verb.SESSIONS_END: {EVERYBODY},
    Verb.NOTICES_CHOOSE: {EVERYBODY},
    Verb.RECORD_VIEW: {P.AUDITOR, P.ADMINISTRATOR},
    Verb.OVERVIEW_VIEW: {P.OPERATOR, P.ADMINISTRATOR, P.AUDITOR},
    Verb.ADMIN_VIEW: {P.AUDITOR, P.ADMINISTRATOR},
}
#: What forbids, whatever else somebody is: one's own request, review, work and proposal.
NEVER: dict[Verb, set[Relation]] = {
    Verb.REQUEST_DECIDE: {R.HOLDER},
    Verb.REVIEW_DETERMINE: {R.HOLDER},
    Verb.ACTIVATION_END: {R.HOLDER},
    Verb.INCIDENT_DETERMINE: {R.HOLDER, R.TOOK_PART},
    Verb.INCIDENT_SIGN_SECOND: {R.HOLDER, R.TOOK_PART, R.REVIEWER},
    Verb.INCIDENT_ROTATE: {R.HOLDER},
    Verb.INCIDENT_OVERRIDE: {R.HOLDER},
    Verb.MANUAL_TASK_CONFIRM: {R.HOLDER},
    Verb.POLICY_APPROVE: {R.PROPOSER},
}
ALL_RELATIONS = frozenset(Relation)
ALL_POWERS = frozenset(Power)


def person(*powers: Power, active: bool = True) -> ActorFacts:
    return ActorFacts("lena", active=active, powers=frozenset(powers))


def test_every_verb_stands_in_the_matrix_and_has_a_rule() -> None:
    assert set(MATRIX) == set(Verb) == set(RULES)


@pytest.mark.parametrize("verb", list(Verb))
def test_each_relation_and_each_power_alone(verb: Verb) -> None:
    everybody = EVERYBODY in MATRIX[verb]
    assert bool(allowed(verb, person())) == everybody
    for relation in Relation:
        answer = allowed(verb, person(), Subject(frozenset({relation})))
        assert bool(answer) == (everybody or relation in MATRIX[verb]), relation
    for power in Power:
        assert bool(allowed(verb, person(power))) == (everybody or power in MATRIX[verb]), power


@pytest.mark.parametrize("verb", NEVER)
def test_ones_own_is_decided_by_somebody_else_whatever_one_is(verb: Verb) -> None:
    """Administrators may approve their own in hoop; a sole assignee may in JumpServer."""
    assert allowed(verb, person(*ALL_POWERS), Subject(ALL_RELATIONS - NEVER[verb]))
    for forbidding in NEVER[verb]:
        allies = ALL_RELATIONS - NEVER[verb] | {forbidding}
        assert not allowed(verb, person(*ALL_POWERS), Subject(allies)), forbidding


@given(
    verb=st.sampled_from(list(Verb)),
    powers=st.frozensets(st.sampled_from(list(Power))),
    relations=st.frozensets(st.sampled_from(list(Relation))),
)
def test_what_is_allowed_is_some_relation_or_power_and_nothing_forbidden(
    verb: Verb, powers: frozenset[Power], relations: frozenset[Relation]
) -> None:
    answer = allowed(verb, person(*powers), Subject(relations))
    enough = bool(MATRIX[verb] & {EVERYBODY, *powers, *relations})
    assert bool(answer) == (enough and not NEVER.get(verb, set()) & relations)
    assert isinstance(answer, Allowed) or answer.reason.endswith(".")


@pytest.mark.parametrize("verb", list(Verb))
def test_who_left_may_do_nothing(verb: Verb) -> None:
    gone = person(*ALL_POWERS, active=False)
    assert allowed(verb, gone, Subject(ALL_RELATIONS)) == Denied("This account is deactivated.")


@pytest.mark.parametrize(
    "verb", [Verb.REQUEST_DECIDE, Verb.GRANT_START, Verb.GRANT_REVEAL, Verb.REVIEW_STATE]
)
def test_the_system_is_no_holder_and_no_approver(verb: Verb) -> None:
    assert not allowed(verb, ActorFacts("system", active=True, system=True))

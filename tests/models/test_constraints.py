"""Each constraint and each unique field of the models is broken once, and the database refuses."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import AutoField, BigAutoField

from jitportal.rules.vocabulary import (
    RequestStatus,
)
from tests.models import rows
from tests.models.breaks import BREAKS, put
from tests.models.refusals import Break, constraints, refused_as_duplicate, refused_by_constraint
from tests.models.rows import NOW

pytestmark = pytest.mark.django_db


def _renewal_of_one_grant() -> None:
    first = rows.grant()
    for _ in range(2):
        asked = rows.approved(requester=first.person, scope=first.scope, renewal_of=first)
        rows.grant(request=asked, renewal_of=first)


def _own_lease_of_one_grant() -> None:
    first = rows.grant()
    for _ in range(2):
        rows.lease(grant=first)


def _two_extensions_of_one() -> None:
    first = rows.ended_activation()
    own = {"person": first.person, "scope": first.scope, "account": first.account}
    for _ in range(2):
        rows.stop_activation(rows.activation(extension_of=first, **own))


def _two_activations_for_one_request() -> None:
    asked = rows.request()
    put(asked, status=RequestStatus.WITHDRAWN, closed_at=NOW)
    for _ in range(2):
        rows.activation(person=asked.requester, from_request=asked)


def _two_verdicts_for_one_approval() -> None:
    first = rows.verdict_that_stands()
    rows.verdict_that_stands(request=first.request, approval=first.approval)


#: What each unique field refuses, by ``Model.field``.
DUPLICATES: dict[str, Break] = {
    "Person.username": lambda: rows.person(username=rows.person().username),
    "Team.key": lambda: rows.team(key=rows.team().key),
    "PolicyVersion.number": lambda: rows.policy_version(number=rows.policy_version().number),
    "Target.key": lambda: rows.target(key=rows.target().key),
    "TargetHealth.target": lambda: rows.target_health(target=rows.target_health().target),
    "Role.key": lambda: rows.role(key=rows.role().key),
    "Lease.handle": lambda: rows.lease(handle=rows.lease().handle),
    "Lease.grant": _own_lease_of_one_grant,
    "Grant.request": lambda: rows.grant(request=rows.grant().request),
    "Grant.renewal_of": _renewal_of_one_grant,
    "Grant.activation": lambda: rows.emergency_grant(activation=rows.emergency_grant().activation),
    "EmergencyAccount.key": lambda: rows.emergency_account(key=rows.emergency_account().key),
    "Criterion.key": lambda: rows.criterion(key=rows.criterion().key),
    "Activation.extension_of": _two_extensions_of_one,
    "Activation.from_request": _two_activations_for_one_request,
    "PostIncidentReview.activation": lambda: rows.incident_review(
        activation=rows.incident_review().activation
    ),
    "EvidenceKey.public": lambda: rows.evidence_key(public=rows.evidence_key().public),
    "PostIncidentReview.sign_in": lambda: rows.incident_review(
        sign_in=rows.incident_review(sign_in=rows.emergency_sign_in()).sign_in
    ),
    "AfterUseReview.grant": lambda: rows.review(grant=rows.review().grant),
    "StepUpProof.nonce": lambda: rows.step_up_proof(nonce=rows.step_up_proof().nonce),
    "PersonSession.key_hash": lambda: rows.person_session(key_hash=rows.person_session().key_hash),
    "DecisionSubmission.token": lambda: rows.submission(token=rows.submission().token),
    "SubmittedVerdict.approval": _two_verdicts_for_one_approval,
    "Notice.key": lambda: rows.notice(key=rows.notice().key),
    "ChannelState.name": lambda: rows.channel_state(name=rows.channel_state().name),
    "WebhookReceiver.name": lambda: rows.webhook_receiver(name=rows.webhook_receiver().name),
    "Heartbeat.name": lambda: rows.heartbeat(name=rows.heartbeat().name),
    "SshHost.token_hash": lambda: rows.ssh_host(token_hash=rows.ssh_host().token_hash),
    "RateLimit.key": lambda: rows.rate_limit(key=rows.rate_limit().key),
}


def test_every_constraint_is_broken_here() -> None:
    assert set(BREAKS) == set(constraints())


def test_every_unique_field_is_broken_here() -> None:
    assert set(DUPLICATES) == {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("jitportal").get_models()
        for field in model._meta.concrete_fields
        if field.unique and not isinstance(field, AutoField | BigAutoField)
    }


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_the_constraint_refuses(name: str) -> None:
    with refused_by_constraint(name):
        BREAKS[name]()


@pytest.mark.parametrize("name", sorted(DUPLICATES))
def test_the_unique_field_refuses_a_second(name: str) -> None:
    model_name, field = name.split(".")
    with refused_as_duplicate(apps.get_model("jitportal", model_name), field):
        DUPLICATES[name]()

"""Rows made by the models alone, as plain as the database lets them be.

These are for tests of what the database itself refuses, and of the record: they go around the
operations on purpose. Every other test makes what it needs by the operations.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from django.db.models import Max

from jitportal.models import (
    AccessRequest,
    Activation,
    ActivationAlert,
    AfterUseReview,
    Approval,
    ChannelState,
    Criterion,
    DecisionSubmission,
    Delegation,
    EmergencyAccount,
    EmergencySignIn,
    Entitlement,
    Event,
    EvidenceKey,
    FollowUp,
    Grant,
    Heartbeat,
    Lease,
    LineMark,
    ManualTask,
    Membership,
    Notice,
    NoticeChoice,
    OverdueOverride,
    Person,
    PersonSession,
    PolicyVersion,
    PostIncidentReview,
    ProbeResult,
    ProviderIdentity,
    RateLimit,
    Recording,
    RecordingPiece,
    RequestRevision,
    ReviewDraft,
    ReviewVersion,
    Role,
    RoleScope,
    SshCertificate,
    SshHost,
    SshKey,
    StageDecider,
    StandingPower,
    StepUpProof,
    SubmittedVerdict,
    Target,
    TargetHealth,
    TargetLane,
    Team,
    WebhookDelivery,
    WebhookReceiver,
)
from jitportal.rules.step_up import Act, Method
from jitportal.rules.vocabulary import Decider, GrantStatus, Pathway, Power, RequestStatus, StartMode, Verdict

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
DIGEST = "0" * 64
_numbers = count(1)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def person(**values: Any) -> Person:
    number = next(_numbers)
    return Person.objects.create(**{"username": f"person{number}", "name": f"Person {number}", **values})


def team(**values: Any) -> Team:
    number = next(_numbers)
    return Team.objects.create(**{"key": f"team-{number}", "name": f"Team {number}", **values})


def membership(**values: Any) -> Membership:
    return Membership.objects.create(**{"since": NOW, **_made(values, team=team, person=person)})


def standing_power(**values: Any) -> StandingPower:
    fixed = {"power": Power.ADMINISTRATOR, "reason": "The first.", "given_at": NOW}
    return StandingPower.objects.create(**{**fixed, **_made(values, person=person)})


def policy_version(**values: Any) -> PolicyVersion:
    # After those that operations have made: these count on from the last one in the table.
    number = (PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    fixed: dict[str, Any] = {
        "number": number,
        "text": f"version: {number}",
        "digest": DIGEST,
        "proposed_at": NOW,
    }
    return PolicyVersion.objects.create(**{**fixed, **_made(values, proposed_by=person)})


def target(**values: Any) -> Target:
    number = next(_numbers)
    fixed = {"key": f"target-{number}", "name": f"Target {number}", "connector": "manual"}
    return Target.objects.create(**{**fixed, **values})


def target_health(**values: Any) -> TargetHealth:
    return TargetHealth.objects.create(**_made(values, target=target))


def target_lane(**values: Any) -> TargetLane:
    return TargetLane.objects.create(**{"lane": "grant", **_made(values, target=target)})


def heartbeat(**values: Any) -> Heartbeat:
    return Heartbeat.objects.create(
        **{"name": f"pulse-{next(_numbers)}", "started_at": NOW, "beat_at": NOW, **values}
    )


def rate_limit(**values: Any) -> RateLimit:
    return RateLimit.objects.create(
        **{"key": f"key-{next(_numbers)}", "what": "search", "free_at": NOW, "forgotten_at": NOW, **values}
    )


def entitlement(**values: Any) -> Entitlement:
    return Entitlement.objects.create(**{"name": f"right-{next(_numbers)}", **_made(values, target=target)})


def role(**values: Any) -> Role:
    number = next(_numbers)
    fixed = {"key": f"role-{number}", "name": f"Role {number}", "pathway": Pathway.JIT, "max_minutes": 60}
    return Role.objects.create(**{**fixed, **_made(values, target=target, policy_version=policy_version)})


def scope(**values: Any) -> RoleScope:
    values = {"key": f"scope-{next(_numbers)}", "name": "A scope", **_made(values, role=role)}
    emergency = values["role"].pathway == Pathway.BREAK_GLASS
    if "entitlement" not in values:
        values["entitlement"] = entitlement(target=values["role"].target, emergency=emergency)
    return RoleScope.objects.create(**values)


def bare_request(**values: Any) -> AccessRequest:
    """A request between the two inserts of its submission: without a revision."""
    values = _made(values, requester=person, scope=scope)
    values = {"role": values["scope"].role, "pathway": values["scope"].role.pathway, "minutes": 60} | values
    return AccessRequest.objects.create(**{"created_at": NOW, "lapses_at": NOW + hours(8), **values})


def request(**values: Any) -> AccessRequest:
    """A pending request with its first revision."""
    made = bare_request(**values)
    return revise(made)


def revise(made: AccessRequest, **changes: Any) -> AccessRequest:
    """The request with another revision, and what else an edit changes in the same update."""
    number = made.current.number + 1 if made.current else 1
    made.current = revision(request=made, number=number)
    for name, value in changes.items():
        setattr(made, name, value)
    made.save()
    return made


def revision(**values: Any) -> RequestRevision:
    fixed: dict[str, Any] = {
        "number": 1,
        "start_mode": StartMode.AT_ONCE,
        "minutes": 60,
        "justification": "The index is bloated.",
        "stages": [stage()],
        "reasons": [],
        "document": {},
        "digest": DIGEST,
        "created_at": NOW,
    }
    return RequestRevision.objects.create(
        **{**fixed, **_made(values, request=bare_request, policy_version=policy_version)}
    )


def stage(**values: Any) -> dict[str, Any]:
    """A stage as a revision keeps it: one person's."""
    fixed = {"index": 0, "name": "Manager", "people": 1, "deciders": [{"kind": "manager", "team": ""}]}
    return {**fixed, "owner": "owner", "system_rule": "", **values}


def stage_decider(**values: Any) -> StageDecider:
    fixed = {"stage": 0, "kind": Decider.MANAGER}
    return StageDecider.objects.create(**{**fixed, **_made(values, revision=revision)})


def approval(**values: Any) -> Approval:
    values = _made(values, request=request, person=person)
    asked: AccessRequest = values["request"]
    fixed: dict[str, Any] = {
        "revision": asked.current,
        "requester": asked.requester,
        "stage": 0,
        "stage_name": "Manager",
        "verdict": Verdict.APPROVE,
        "minutes": asked.minutes,
        "document": {},
        "digest": DIGEST,
        "decided_at": NOW,
    }
    return Approval.objects.create(**{**fixed, **values})


def delegation(**values: Any) -> Delegation:
    fixed = {
        "starts_at": NOW - hours(1),
        "ends_at": NOW + hours(1),
        "reason": "On leave.",
        "made_at": NOW - hours(1),
    }
    return Delegation.objects.create(**{**fixed, **_made(values, delegator=person, delegate=person)})


def approval_for(somebody: Person, **values: Any) -> Approval:
    """A verdict by somebody's delegate."""
    named = delegation(delegator=somebody)
    return approval(**{"person": named.delegate, "on_behalf_of": somebody, **values})


def approved(**values: Any) -> AccessRequest:
    """A request that has been approved."""
    made = request(**values)
    return approve(made)


def approve(made: AccessRequest) -> AccessRequest:
    approval(request=made)
    made.status, made.closed_at = RequestStatus.APPROVED, NOW
    made.save()
    return made


def step_up_proof(**values: Any) -> StepUpProof:
    fixed = {
        "act": Act.START,
        "about": {"grant": 1},
        "digest": f"{next(_numbers):064x}",
        "nonce": f"{next(_numbers):064x}",
        "method": Method.CODE,
        "factor": "Codes",
        "factor_id": 1,
        "counter": next(_numbers),
        "asked_at": NOW,
        "proven_at": NOW,
    }
    return StepUpProof.objects.create(**{**fixed, **_made(values, person=person)})


def person_session(**values: Any) -> PersonSession:
    fixed = {"key_hash": f"{next(_numbers):064x}", "sealed_key": "sealed", "began_at": NOW}
    return PersonSession.objects.create(**{**fixed, **_made(values, person=person)})


def submission(**values: Any) -> DecisionSubmission:
    fixed = {"token": uuid4(), "created_at": NOW}
    return DecisionSubmission.objects.create(**{**fixed, **_made(values, approver=person)})


def submitted_verdict(**values: Any) -> SubmittedVerdict:
    fixed = {"position": 0, "digest": DIGEST, "verdict": Verdict.APPROVE, "minutes": 60}
    return SubmittedVerdict.objects.create(
        **{**fixed, **_made(values, submission=submission, request=request)}
    )


def verdict_that_stands(**values: Any) -> SubmittedVerdict:
    given = values.get("approval") or approval()
    fixed = {"request": given.request, "outcome": "stands", "sentence": "Approved.", "done_at": NOW}
    return submitted_verdict(**{**fixed, "approval": given, **values})


def grant(**values: Any) -> Grant:
    """A ready grant of an approved request."""
    values = _made(values, request=approved)
    asked: AccessRequest | None = values["request"]
    if asked is not None:
        own = {"person": asked.requester, "role": asked.role, "scope": asked.scope}
        values = {**own, "pathway": asked.pathway, "minutes": asked.minutes, **values}
    opens_at = values.get("opens_at", NOW)
    closes_at = values.get("closes_at", opens_at)
    minutes = values["minutes"]
    fixed = {
        "account": "someone",
        "start_mode": StartMode.AT_ONCE,
        "opens_at": opens_at,
        "closes_at": closes_at,
        "minutes": minutes,
        "cap_minutes": 60,
        "latest_end_at": closes_at + timedelta(minutes=minutes),
        "created_at": NOW,
    }
    return Grant.objects.create(**{**fixed, **values})


def lease(**values: Any) -> Lease:
    number = next(_numbers)
    fixed = {"account": f"someone{number}", "entitlement": "reader", "handle": f"jit-{number}"}
    return Lease.objects.create(**{**fixed, "created_at": NOW, **_made(values, target=target)})


def started(**values: Any) -> Grant:
    """A grant in provisioning, from the opening of its window for all its minutes."""
    made = grant(**values)
    return start(made)


def start(made: Grant, **changes: Any) -> Grant:
    made.status = GrantStatus.PROVISIONING
    made.lease = made.lease or lease(target=made.role.target)
    made.starts_at = made.opens_at
    made.ends_at = made.opens_at + timedelta(minutes=made.minutes)
    for name, value in changes.items():
        setattr(made, name, value)
    made.save()
    return made


def stop(made: Grant, **changes: Any) -> Grant:
    """The grant in removing: handed back a minute after its start."""
    assert made.starts_at is not None
    values = {"status": GrantStatus.REMOVING, "stopped_at": made.starts_at + timedelta(minutes=1)}
    for name, value in {**values, "end_reason": "handed_back", "stopped_by": made.person, **changes}.items():
        setattr(made, name, value)
    made.save()
    return made


def end(made: Grant) -> Grant:
    made.status = GrantStatus.ENDED
    made.ended_at = made.verified_absent_at = NOW + hours(1)
    made.save()
    return made


def manual_task(**values: Any) -> ManualTask:
    return ManualTask.objects.create(**{"wanted": True, "asked_at": NOW, **_made(values, lease=lease)})


def review(**values: Any) -> AfterUseReview:
    values = _made(values, grant=started)
    fixed = {"holder": values["grant"].person, "opened_at": NOW, "due_at": NOW + hours(72)}
    return AfterUseReview.objects.create(**{**fixed, **values})


def emergency_account(**values: Any) -> EmergencyAccount:
    number = next(_numbers)
    fixed: dict[str, Any] = {
        "key": f"emergency-{number}",
        "name": f"Emergency account {number}",
        "login": f"emergency{number}",
        "drill_every_days": 90,
        "created_at": NOW,
    }
    return EmergencyAccount.objects.create(
        **{**fixed, **_made(values, target=target, policy_version=policy_version)}
    )


def criterion(**values: Any) -> Criterion:
    number = next(_numbers)
    fixed = {"key": f"criterion-{number}", "name": f"Criterion {number}"}
    return Criterion.objects.create(**{**fixed, **_made(values, policy_version=policy_version)})


def probe_result(**values: Any) -> ProbeResult:
    fixed = {"says": "agrees", "since": NOW, "at": NOW}
    return ProbeResult.objects.create(**{**fixed, **_made(values, criterion=criterion)})


def emergency_scope(**values: Any) -> RoleScope:
    """A scope of a break-glass role."""
    return scope(role=role(pathway=Pathway.BREAK_GLASS), **values)


def activation(**values: Any) -> Activation:
    """An open activation of an hour."""
    values = _made(
        values, person=person, scope=emergency_scope, criterion=criterion, policy_version=policy_version
    )
    of_role: Role = values["scope"].role
    if "account" not in values:
        values["account"] = emergency_account(target=of_role.target)
    minutes = values.get("minutes", 60)
    fixed = {
        "role": of_role,
        "probe_said": "no_probe",
        "broken": "Nobody can sign in.",
        "expected": "Restart the identity provider.",
        "minutes": minutes,
        "cap_minutes": 60,
        "opened_at": NOW,
        "ends_at": NOW + timedelta(minutes=minutes),
    }
    return Activation.objects.create(**{**fixed, **values})


def stop_activation(made: Activation, **changes: Any) -> Activation:
    """The activation in ending: returned a minute after its start."""
    fixed = {"status": "ending", "stopped_at": NOW + timedelta(minutes=1), "stopped_by": made.person}
    for name, value in {**fixed, "end_reason": "handed_back", "end_note": "Mended.", **changes}.items():
        setattr(made, name, value)
    made.save()
    return made


def ended_activation(**values: Any) -> Activation:
    made = stop_activation(activation(**values))
    made.status, made.ended_at = "ended", NOW + timedelta(minutes=2)
    made.save()
    return made


def activation_alert(**values: Any) -> ActivationAlert:
    fixed = {"cause": "role_owner", "raised_at": NOW}
    return ActivationAlert.objects.create(**{**fixed, **_made(values, activation=activation, person=person)})


def emergency_sign_in(**values: Any) -> EmergencySignIn:
    number = next(_numbers)
    fixed = {
        "source": "report",
        "reference": f"session-{number}",
        "login": "root",
        "address": "192.0.2.1",
        "at": NOW,
        "reported_at": NOW,
    }
    return EmergencySignIn.objects.create(**{**fixed, **_made(values, account=emergency_account)})


def explained_sign_in() -> EmergencySignIn:
    used = activation()
    return emergency_sign_in(account=used.account, activation=used)


def incident_review(**values: Any) -> PostIncidentReview:
    """The review of an activation, open since its beginning."""
    if "sign_in" not in values:
        values = _made(values, activation=activation)
        used: Activation = values["activation"]
        own = {"account": used.account, "responder": used.person, "drill": used.drill}
    else:
        own = {"account": values["sign_in"].account}
    return PostIncidentReview.objects.create(**{"opened_at": NOW, **own, **values})


#: What a review needs to close, beside its reviewer.
WHOLE: dict[str, Any] = {
    "access_ended_at": NOW,
    "done": "Restarted it.",
    "stated_at": NOW,
    "classification": "emergency",
    "criterion": "yes",
    "fit": "right",
    "could_jit": "no",
    "recording": "complete",
    "finding": "As declared.",
    "determined_at": NOW,
    "rotated_at": NOW,
    "rotation_proof": "Its target holds nothing of it.",
    "sessions_ended": "None is left.",
    "reverted": "Nothing was changed.",
    "person_outcome": "none",
    "model_outcome": "none",
    "reportable": False,
    "signed_at": NOW,
    "closed_at": NOW,
}


def closed_incident_review(**values: Any) -> PostIncidentReview:
    """A review with all its parts, closed; the values come last."""
    made = incident_review()
    for status in ("determination", "remediation"):
        made.status = status
        made.save()
    whole = {**WHOLE, **_made(values, reviewer=person, rotated_by=person), "status": "closed"}
    for name, value in {**whole, **values}.items():
        setattr(made, name, value)
    made.save()
    return made


def review_draft(**values: Any) -> ReviewDraft:
    fixed = {"step": "statement", "typed": {"done": "Restarted"}, "saved_at": NOW}
    return ReviewDraft.objects.create(**{**fixed, **_made(values, review=incident_review, person=person)})


def review_version(**values: Any) -> ReviewVersion:
    fixed: dict[str, Any] = {"number": 1, "step": "statement", "at": NOW, "document": {}, "digest": "0"}
    return ReviewVersion.objects.create(**{**fixed, **_made(values, review=incident_review, person=person)})


def line_mark(**values: Any) -> LineMark:
    fixed = {"key": "1:1", "text": "rm -rf /tmp/cache", "explained": True, "at": NOW}
    return LineMark.objects.create(**{**fixed, **_made(values, review=incident_review, person=person)})


def follow_up(**values: Any) -> FollowUp:
    fixed = {"what": "Mend the runbook.", "due_at": NOW + hours(240), "added_at": NOW}
    return FollowUp.objects.create(
        **{**fixed, **_made(values, review=incident_review, owner=person, added_by=person)}
    )


def overdue_override(**values: Any) -> OverdueOverride:
    fixed = {"reason": "The release can't wait.", "asked_at": NOW}
    return OverdueOverride.objects.create(
        **{**fixed, **_made(values, review=incident_review, asked_by=person)}
    )


def evidence_key(**values: Any) -> EvidenceKey:
    number = next(_numbers)
    return EvidenceKey.objects.create(
        **{"public": f"key {number}", "sealed": "box", "made_at": NOW, **values}
    )


def emergency_grant(**values: Any) -> Grant:
    """The ready grant of an open activation."""
    values = _made(values, activation=activation)
    opened: Activation = values["activation"]
    if not PostIncidentReview.objects.filter(activation=opened).exists():
        incident_review(activation=opened)
    return grant(
        **{
            "request": None,
            "person": opened.person,
            "role": opened.role,
            "scope": opened.scope,
            "pathway": Pathway.BREAK_GLASS,
            "opens_at": opened.opened_at,
            "minutes": opened.minutes,
            **values,
        }
    )


def notice(**values: Any) -> Notice:
    fixed = {
        "key": f"notice-{next(_numbers)}",
        "kind": "request.to_decide",
        "subject": "A request waits for you",
        "body": "Please decide.",
        "path": "/requests/1/",
        "created_at": NOW,
        "due_at": NOW,
    }
    return Notice.objects.create(**{**fixed, **_made(values, recipient=person)})


def webhook_delivery(**values: Any) -> WebhookDelivery:
    fixed = {
        "message": f"msg_{next(_numbers)}",
        "endpoint": "siem",
        "kind": "emergency.opened",
        "body": "{}",
        "created_at": NOW,
        "due_at": NOW,
    }
    return WebhookDelivery.objects.create(**{**fixed, **values})


def provider_identity(**values: Any) -> ProviderIdentity:
    fixed = {"issuer": "https://idp.example.test", "subject": f"sub-{next(_numbers)}", "linked_at": NOW}
    return ProviderIdentity.objects.create(**{**fixed, **_made(values, person=person)})


def webhook_receiver(**values: Any) -> WebhookReceiver:
    return WebhookReceiver.objects.create(**{"name": f"receiver-{next(_numbers)}", **values})


def channel_state(**values: Any) -> ChannelState:
    return ChannelState.objects.create(**{"name": f"channel-{next(_numbers)}", **values})


def notice_choice(**values: Any) -> NoticeChoice:
    return NoticeChoice.objects.create(**{"topic": "handled", **_made(values, person=person)})


def ssh_key(**values: Any) -> SshKey:
    number = next(_numbers)
    fixed = {"name": "laptop", "public_key": f"ssh-ed25519 A{number}", "fingerprint": f"SHA256:{number}"}
    return SshKey.objects.create(**{**fixed, "added_at": NOW, **_made(values, person=person)})


def ssh_certificate(**values: Any) -> SshCertificate:
    values = _made(values, lease=lease, issued_to=person)
    number = next(_numbers)
    fixed = {"target": values["lease"].target, "number": number, "serial": number, "key_id": f"jit-{number}"}
    window = {"valid_after": NOW, "valid_before": NOW + hours(1), "issued_at": NOW}
    return SshCertificate.objects.create(**{**fixed, **window, **values})


def ssh_host(**values: Any) -> SshHost:
    number = next(_numbers)
    fixed = {"name": f"host{number}", "token_hash": f"{number:064x}", "added_at": NOW}
    return SshHost.objects.create(**{**fixed, **_made(values, target=target)})


def recording(**values: Any) -> Recording:
    fixed = {"kind": "asciicast_v2", "source": "web1", "account": "rita", "session": f"s{next(_numbers)}"}
    return Recording.objects.create(
        **{**fixed, "started_at": NOW, "received_at": NOW, **_made(values, grant=started)}
    )


def recording_piece(**values: Any) -> RecordingPiece:
    fixed = {"offset": 0, "size": 1, "sha256": DIGEST, "received_at": NOW}
    return RecordingPiece.objects.create(**{**fixed, **_made(values, recording=recording)})


def event(**values: Any) -> Event:
    fixed = {"at": NOW, "verb": "request.submitted", "sentence": "Somebody asked."}
    return Event.objects.create(**{**fixed, **_made(values, actor=person)})


def _made(values: dict[str, Any], **makers: Any) -> dict[str, Any]:
    """The values, with a row made for each that isn't given."""
    return {name: make() for name, make in makers.items() if name not in values} | values

"""People, roles, requests and grants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db.models import Max

from jitportal.models import (
    AccessRequest,
    AfterUseReview,
    Approval,
    DecisionSubmission,
    Delegation,
    Entitlement,
    Grant,
    Heartbeat,
    Lease,
    ManualTask,
    Membership,
    Person,
    PersonSession,
    PolicyVersion,
    RateLimit,
    RequestRevision,
    Role,
    RoleScope,
    StageDecider,
    StandingPower,
    StepUpProof,
    SubmittedVerdict,
    Target,
    TargetHealth,
    TargetLane,
    Team,
)
from jitportal.rules.step_up import Act, Method
from jitportal.rules.vocabulary import Decider, GrantStatus, Pathway, Power, RequestStatus, StartMode, Verdict
from tests.models.rows.base import DIGEST, NOW, filled, hours, numbers


def person(**values: Any) -> Person:
    number = next(numbers)
    return Person.objects.create(**{"username": f"person{number}", "name": f"Person {number}", **values})


def team(**values: Any) -> Team:
    number = next(numbers)
    return Team.objects.create(**{"key": f"team-{number}", "name": f"Team {number}", **values})


def membership(**values: Any) -> Membership:
    return Membership.objects.create(**{"since": NOW, **filled(values, team=team, person=person)})


def standing_power(**values: Any) -> StandingPower:
    fixed = {"power": Power.ADMINISTRATOR, "reason": "The first.", "given_at": NOW}
    return StandingPower.objects.create(**{**fixed, **filled(values, person=person)})


def policy_version(**values: Any) -> PolicyVersion:
    # After those that operations have made: these count on from the last one in the table.
    number = (PolicyVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    fixed: dict[str, Any] = {
        "number": number,
        "text": f"version: {number}",
        "digest": DIGEST,
        "proposed_at": NOW,
    }
    return PolicyVersion.objects.create(**{**fixed, **filled(values, proposed_by=person)})


def target(**values: Any) -> Target:
    number = next(numbers)
    fixed = {"key": f"target-{number}", "name": f"Target {number}", "connector": "manual"}
    return Target.objects.create(**{**fixed, **values})


def target_health(**values: Any) -> TargetHealth:
    return TargetHealth.objects.create(**filled(values, target=target))


def target_lane(**values: Any) -> TargetLane:
    return TargetLane.objects.create(**{"lane": "grant", **filled(values, target=target)})


def heartbeat(**values: Any) -> Heartbeat:
    return Heartbeat.objects.create(
        **{"name": f"pulse-{next(numbers)}", "started_at": NOW, "beat_at": NOW, **values}
    )


def rate_limit(**values: Any) -> RateLimit:
    return RateLimit.objects.create(
        **{"key": f"key-{next(numbers)}", "what": "search", "free_at": NOW, "forgotten_at": NOW, **values}
    )


def entitlement(**values: Any) -> Entitlement:
    return Entitlement.objects.create(**{"name": f"right-{next(numbers)}", **filled(values, target=target)})


def role(**values: Any) -> Role:
    number = next(numbers)
    fixed = {"key": f"role-{number}", "name": f"Role {number}", "pathway": Pathway.JIT, "max_minutes": 60}
    return Role.objects.create(**{**fixed, **filled(values, target=target, policy_version=policy_version)})


def scope(**values: Any) -> RoleScope:
    values = {"key": f"scope-{next(numbers)}", "name": "A scope", **filled(values, role=role)}
    emergency = values["role"].pathway == Pathway.BREAK_GLASS
    if "entitlement" not in values:
        values["entitlement"] = entitlement(target=values["role"].target, emergency=emergency)
    return RoleScope.objects.create(**values)


def bare_request(**values: Any) -> AccessRequest:
    """A request between the two inserts of its submission: without a revision."""
    values = filled(values, requester=person, scope=scope)
    values = {"role": values["scope"].role, "pathway": values["scope"].role.pathway, "minutes": 60} | values
    values = {"created_at": NOW, "lapses_at": NOW + hours(8)} | values
    return AccessRequest.objects.create(**{"wanted_at": values["created_at"], **values})


def request(**values: Any) -> AccessRequest:
    """A pending request with its first revision."""
    made = bare_request(**values)
    return revise(made)


def revise(made: AccessRequest, **changes: Any) -> AccessRequest:
    """The request with another revision, and what else an edit changes in the same update."""
    number = made.current.number + 1 if made.current else 1
    made.current = revision(request=made, number=number)
    made.wanted_at = made.current.opens_at or made.created_at
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
        **{**fixed, **filled(values, request=bare_request, policy_version=policy_version)}
    )


def stage(**values: Any) -> dict[str, Any]:
    """A stage as a revision keeps it: one person's."""
    fixed = {"index": 0, "name": "Manager", "people": 1, "deciders": [{"kind": "manager", "team": ""}]}
    return {**fixed, "owner": "owner", "system_rule": "", **values}


def stage_decider(**values: Any) -> StageDecider:
    fixed = {"stage": 0, "kind": Decider.MANAGER}
    return StageDecider.objects.create(**{**fixed, **filled(values, revision=revision)})


def approval(**values: Any) -> Approval:
    values = filled(values, request=request, person=person)
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
    return Delegation.objects.create(**{**fixed, **filled(values, delegator=person, delegate=person)})


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
        "digest": f"{next(numbers):064x}",
        "nonce": f"{next(numbers):064x}",
        "method": Method.CODE,
        "factor": "Codes",
        "factor_id": 1,
        "counter": next(numbers),
        "asked_at": NOW,
        "proven_at": NOW,
    }
    return StepUpProof.objects.create(**{**fixed, **filled(values, person=person)})


def person_session(**values: Any) -> PersonSession:
    fixed = {"key_hash": f"{next(numbers):064x}", "sealed_key": "sealed", "began_at": NOW}
    return PersonSession.objects.create(**{**fixed, **filled(values, person=person)})


def submission(**values: Any) -> DecisionSubmission:
    fixed = {"token": uuid4(), "created_at": NOW}
    return DecisionSubmission.objects.create(**{**fixed, **filled(values, approver=person)})


def submitted_verdict(**values: Any) -> SubmittedVerdict:
    fixed = {"position": 0, "digest": DIGEST, "verdict": Verdict.APPROVE, "minutes": 60}
    return SubmittedVerdict.objects.create(
        **{**fixed, **filled(values, submission=submission, request=request)}
    )


def verdict_that_stands(**values: Any) -> SubmittedVerdict:
    given = values.get("approval") or approval()
    fixed = {"request": given.request, "outcome": "stands", "sentence": "Approved.", "done_at": NOW}
    return submitted_verdict(**{**fixed, "approval": given, **values})


def grant(**values: Any) -> Grant:
    """A ready grant of an approved request."""
    values = filled(values, request=approved)
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
    number = next(numbers)
    fixed = {"account": f"someone{number}", "entitlement": "reader", "handle": f"jit-{number}"}
    return Lease.objects.create(**{**fixed, "created_at": NOW, **filled(values, target=target)})


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
    return ManualTask.objects.create(**{"wanted": True, "asked_at": NOW, **filled(values, lease=lease)})


def review(**values: Any) -> AfterUseReview:
    values = filled(values, grant=started)
    fixed = {"holder": values["grant"].person, "opened_at": NOW, "due_at": NOW + hours(72)}
    return AfterUseReview.objects.create(**{**fixed, **values})


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

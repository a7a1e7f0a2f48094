"""What breaks each constraint of the database, one after another."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Model

from jitportal.audit.system import system
from jitportal.rules.step_up import Method
from jitportal.rules.vocabulary import (
    GrantStatus,
    Pathway,
    PolicyStatus,
    Power,
    RequestStatus,
    ReviewStatus,
    Verdict,
)
from tests.models import rows
from tests.models.refusals import Break
from tests.models.rows import NOW

HOUR = timedelta(hours=1)


def put(row: Model, **values: object) -> None:
    """Write the values past ``save()`` and the record."""
    type(row)._base_manager.filter(pk=row.pk).update(**values)


def _two_people_as_the_system() -> None:
    system()
    rows.person(is_system=True)


def _own_manager() -> None:
    somebody = rows.person()
    put(somebody, manager=somebody)


def _twice_in_a_team() -> None:
    first = rows.membership()
    rows.membership(team=first.team, person=first.person)


def _standing_power_twice() -> None:
    first = rows.standing_power(power=Power.AUDITOR)
    rows.standing_power(person=first.person, power=Power.AUDITOR)


def _two_policies_in_force() -> None:
    for _ in range(2):
        rows.policy_version(status=PolicyStatus.IN_FORCE, approved_by=rows.person(), approved_at=NOW)


def _two_bootstraps() -> None:
    rows.policy_version(bootstrap=True)
    rows.policy_version(bootstrap=True)


def _policy_approved_by_its_proposer() -> None:
    version = rows.policy_version()
    put(version, approved_by=version.proposed_by, approved_at=NOW)


def _entitlement_twice() -> None:
    first = rows.entitlement()
    rows.entitlement(target=first.target, name=first.name)


def _scope_twice() -> None:
    first = rows.scope()
    rows.scope(role=first.role, key=first.key)


def _second_open_request() -> None:
    first = rows.request()
    put(first, status=RequestStatus.SENT_BACK)
    rows.request(requester=first.requester, scope=first.scope)


def _revision_twice() -> None:
    first = rows.request()
    rows.revision(request=first, number=1)


def _own_request() -> None:
    asked = rows.request()
    rows.approval(request=asked, person=asked.requester)


def _twice_at_a_stage() -> None:
    first = rows.approval(by_system=True)
    rows.approval(request=first.request, person=first.person, by_system=True)


def _twice_across_stages() -> None:
    first = rows.approval()
    rows.approval(request=first.request, person=first.person, stage=1)


def _for_the_requester() -> None:
    asked = rows.request()
    rows.approval(request=asked, on_behalf_of=asked.requester)


def _twice_for_one() -> None:
    first = rows.approval_for(rows.person())
    rows.approval(request=first.request, on_behalf_of=first.on_behalf_of, stage=1)


def _delegated_to_oneself() -> None:
    somebody = rows.person()
    rows.delegation(delegator=somebody, delegate=somebody)


def _stop_before_start() -> None:
    put(rows.stop(rows.started()), stopped_at=NOW - HOUR)


def _stop_without_reason() -> None:
    put(rows.stop(rows.started()), end_reason="")


def _lease_twice() -> None:
    first = rows.lease()
    rows.lease(target=first.target, account=first.account, entitlement=first.entitlement)


def _two_open_tasks() -> None:
    first = rows.manual_task()
    rows.manual_task(lease=first.lease)


def _own_review() -> None:
    review = rows.review()
    put(review, reviewer=review.holder)


def _request_twice_in_a_submission() -> None:
    first = rows.submitted_verdict()
    rows.submitted_verdict(submission=first.submission, request=first.request)


def _identity_twice() -> None:
    rows.provider_identity(subject=rows.provider_identity().subject)


def _two_identities() -> None:
    rows.provider_identity(person=rows.provider_identity().person)


def _webhook_twice() -> None:
    row = rows.webhook_delivery()
    rows.webhook_delivery(message=row.message, endpoint=row.endpoint)


def _topic_chosen_twice() -> None:
    first = rows.notice_choice()
    rows.notice_choice(person=first.person)


def _account_twice_on_a_target() -> None:
    first = rows.emergency_account()
    rows.emergency_account(target=first.target, login=first.login)


def _account_used_twice_at_once() -> None:
    first = rows.activation()
    rows.activation(scope=first.scope, account=first.account)


def _alerted_twice() -> None:
    first = rows.activation_alert()
    rows.activation_alert(activation=first.activation, person=first.person)


def _grant_of_nothing() -> None:
    made = rows.activation()
    of_nobody = {"request": None, "person": made.person, "role": made.role, "scope": made.scope}
    rows.grant(**of_nobody, pathway=Pathway.BREAK_GLASS, minutes=60)


def _reported_twice() -> None:
    first = rows.emergency_sign_in()
    rows.emergency_sign_in(reference=first.reference)


def _review_of_two_uses() -> None:
    used = rows.activation()
    rows.incident_review(
        activation=used, sign_in=rows.emergency_sign_in(account=used.account), responder=used.person
    )


def _reviewing_ones_own() -> None:
    review = rows.incident_review()
    put(review, reviewer=review.responder)


def _reviewing_whom_one_named() -> None:
    somebody = rows.person()
    put(rows.incident_review(), named_by=somebody, second_reviewer=somebody, reviewer=rows.person())


def _signing_twice() -> None:
    somebody = rows.person()
    put(rows.incident_review(), reviewer=somebody, second_reviewer=somebody)


def _drafted_twice() -> None:
    first = rows.review_draft()
    rows.review_draft(review=first.review, person=first.person)


def _overriding_alone() -> None:
    asked = rows.overdue_override()
    put(asked, granted_by=asked.asked_by, granted_at=NOW, until=NOW)


def _lane_twice() -> None:
    first = rows.target_lane()
    rows.target_lane(target=first.target)


def _certificate_number_twice() -> None:
    first = rows.ssh_certificate()
    rows.ssh_certificate(lease=first.lease, number=first.number)


def _serial_twice() -> None:
    first = rows.ssh_certificate()
    rows.ssh_certificate(target=first.target, serial=first.serial)


def _host_twice() -> None:
    first = rows.ssh_host()
    rows.ssh_host(target=first.target, name=first.name)


def _recording_twice() -> None:
    first = rows.recording()
    rows.recording(grant=first.grant, source=first.source, session=first.session)


#: What each constraint refuses, by the constraint's name.
BREAKS: dict[str, Break] = {
    "person_no_superuser": lambda: rows.person(is_superuser=True),
    "person_one_system": _two_people_as_the_system,
    "person_not_own_manager": _own_manager,
    "person_deactivated_when": lambda: rows.person(is_active=False),
    "membership_once": _twice_in_a_team,
    "membership_order": lambda: rows.membership(ended_at=NOW - HOUR),
    "standing_power_once": _standing_power_twice,
    "policy_version_status": lambda: rows.policy_version(
        status="lost", approved_by=rows.person(), approved_at=NOW
    ),
    "policy_version_one_in_force": _two_policies_in_force,
    "policy_version_one_bootstrap": _two_bootstraps,
    "policy_version_second_person": _policy_approved_by_its_proposer,
    "policy_version_approved": lambda: rows.policy_version(status=PolicyStatus.APPROVED),
    "policy_version_approval_pair": lambda: rows.policy_version(approved_by=rows.person()),
    "policy_version_application_pair": lambda: rows.policy_version(applied_at=NOW),
    "entitlement_once": _entitlement_twice,
    "role_pathway": lambda: rows.role(pathway="sideways"),
    "role_risk": lambda: rows.role(risk="none"),
    "role_cap_positive": lambda: rows.role(max_minutes=0),
    "role_scope_once": _scope_twice,
    "request_status": lambda: rows.bare_request(status="lost", closed_at=NOW),
    "request_pathway": lambda: rows.bare_request(pathway="sideways"),
    "request_one_open": _second_open_request,
    "request_minutes_positive": lambda: rows.bare_request(minutes=0),
    "request_closed_when": lambda: rows.bare_request(closed_at=NOW),
    "revision_once": _revision_twice,
    "revision_window_order": lambda: rows.revision(opens_at=NOW, closes_at=NOW),
    "stage_decider_kind": lambda: rows.stage_decider(kind="anybody"),
    "notice_mail_to_somebody": lambda: rows.notice(recipient=None),
    "notice_choice_topic": lambda: rows.notice_choice(topic="gossip"),
    "notice_choice_pace": lambda: rows.notice_choice(pace="never"),
    "identity_once": _identity_twice,
    "identity_of_person_once": _two_identities,
    "webhook_delivery_once": _webhook_twice,
    "notice_choice_once": _topic_chosen_twice,
    "approval_verdict": lambda: rows.approval(verdict="maybe", reason="Perhaps.", minutes=None),
    "approval_not_own": _own_request,
    "approval_once_a_stage": _twice_at_a_stage,
    "approval_once_a_revision": _twice_across_stages,
    "approval_on_behalf": _for_the_requester,
    "approval_once_for_each": _twice_for_one,
    "delegation_not_to_oneself": _delegated_to_oneself,
    "delegation_order": lambda: rows.delegation(ends_at=NOW - HOUR),
    "delegation_stopped": lambda: rows.delegation(stopped_at=NOW),
    "approval_reason": lambda: rows.approval(verdict=Verdict.DENY, minutes=None),
    "approval_minutes": lambda: rows.approval(minutes=None),
    "grant_status": lambda: rows.grant(status="lost"),
    "grant_start_and_end_together": lambda: put(rows.started(), ends_at=None),
    "grant_ends_after_start": lambda: put(rows.started(), ends_at=F("starts_at")),
    "grant_within_latest_end": lambda: put(rows.started(), ends_at=NOW + 2 * HOUR),
    "grant_window_order": lambda: rows.grant(closes_at=NOW - HOUR),
    "grant_within_cap": lambda: rows.grant(cap_minutes=59),
    "grant_stop_inside": _stop_before_start,
    "grant_status_and_times": lambda: put(rows.grant(), status=GrantStatus.ACTIVE),
    "grant_stop_has_reason": _stop_without_reason,
    "grant_started_has_lease": lambda: put(rows.started(), lease=None),
    "lease_presence": lambda: rows.lease(presence="perhaps"),
    "lease_once": _lease_twice,
    "manual_task_done_pair": lambda: rows.manual_task(done_at=NOW),
    "manual_task_one_open": _two_open_tasks,
    "after_use_review_status": lambda: rows.review(status="lost"),
    "after_use_review_not_own": _own_review,
    "after_use_review_complete": lambda: rows.review(status=ReviewStatus.CLOSED),
    "submitted_verdict": lambda: rows.submitted_verdict(verdict="maybe", minutes=None, reason="Perhaps."),
    "proof_act": lambda: rows.step_up_proof(act="anything"),
    "proof_method": lambda: rows.step_up_proof(method="a nod", counter=None),
    "proof_code_once": lambda: rows.step_up_proof(counter=rows.step_up_proof().counter),
    "proof_of_passkey": lambda: rows.step_up_proof(method=Method.PASSKEY, counter=None, public_key="k"),
    "proof_of_code": lambda: rows.step_up_proof(counter=None),
    "proof_order": lambda: rows.step_up_proof(used_at=NOW - HOUR),
    "submitted_once": _request_twice_in_a_submission,
    "submitted_outcome": lambda: rows.submitted_verdict(outcome="refused", done_at=NOW),
    "submitted_minutes": lambda: rows.submitted_verdict(verdict=Verdict.DENY, minutes=None),
    "target_lane_once": _lane_twice,
    "ssh_key_once": lambda: rows.ssh_key(fingerprint=rows.ssh_key().fingerprint),
    "ssh_certificate_number": _certificate_number_twice,
    "ssh_certificate_serial": _serial_twice,
    "ssh_certificate_window": lambda: rows.ssh_certificate(valid_before=NOW),
    "ssh_host_once": _host_twice,
    "recording_kind": lambda: rows.recording(kind="video"),
    "recording_state": lambda: rows.recording(state="lost", finished_at=NOW),
    "recording_once": _recording_twice,
    "recording_finished": lambda: rows.recording(finished_at=NOW),
    "recording_piece_once": lambda: rows.recording_piece(recording=rows.recording_piece().recording),
    "request_never_break_glass": lambda: rows.bare_request(pathway=Pathway.BREAK_GLASS),
    "grant_of_request_or_activation": _grant_of_nothing,
    "emergency_account_login": _account_twice_on_a_target,
    "emergency_account_drills": lambda: rows.emergency_account(drill_every_days=0),
    "probe_result_says": lambda: rows.probe_result(says="perhaps"),
    "probe_result_order": lambda: rows.probe_result(at=NOW - HOUR),
    "activation_status": lambda: rows.activation(status="lost"),
    "activation_probe_said": lambda: rows.activation(probe_said="perhaps"),
    "activation_one_open": _account_used_twice_at_once,
    "activation_ends_after_start": lambda: rows.activation(ends_at=NOW),
    "activation_within_cap": lambda: rows.activation(cap_minutes=59),
    "activation_recorded_afterwards": lambda: rows.activation(recorded_by=rows.person()),
    "activation_says_why": lambda: rows.activation(broken=""),
    "activation_status_and_times": lambda: put(rows.activation(), status="ending"),
    "activation_stop_has_reason": lambda: put(rows.stop_activation(rows.activation()), end_reason=""),
    "activation_alert_cause": lambda: rows.activation_alert(cause="gossip"),
    "activation_alert_once": _alerted_twice,
    "emergency_sign_in_once": _reported_twice,
    "post_incident_status": lambda: rows.incident_review(status="lost"),
    "post_incident_of_one_use": _review_of_two_uses,
    "post_incident_not_own": _reviewing_ones_own,
    "post_incident_not_own_words": _reviewing_whom_one_named,
    "post_incident_second_is_another": _signing_twice,
    "post_incident_rotation_proven": lambda: put(
        rows.incident_review(), rotated_at=NOW, rotated_by=rows.person()
    ),
    "post_incident_closes_whole": lambda: rows.closed_incident_review(
        rotated_at=None, rotated_by=None, rotation_proof=""
    ),
    "post_incident_second_where_wanted": lambda: rows.closed_incident_review(classification="misuse"),
    "review_draft_once": _drafted_twice,
    "review_version_number": lambda: rows.review_version(review=rows.review_version().review),
    "line_mark_once": lambda: rows.line_mark(review=rows.line_mark().review),
    "follow_up_done_pair": lambda: rows.follow_up(done_at=NOW),
    "overdue_override_whole": lambda: rows.overdue_override(granted_at=NOW),
    "overdue_override_two_people": _overriding_alone,
    "overdue_override_one_asked": lambda: rows.overdue_override(review=rows.overdue_override().review),
    "activation_alert_order": lambda: rows.activation_alert(acknowledged_at=NOW - HOUR),
}

"""The words of permissions: what may be done, and what a person may be to an object."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    """What may be done. The value is stored in events."""

    # requests
    REQUEST_VIEW = "request.view"
    REQUEST_SUBMIT = "request.submit"
    REQUEST_EDIT = "request.edit"
    REQUEST_WITHDRAW = "request.withdraw"
    REQUEST_CLONE = "request.clone"
    REQUEST_DECIDE = "request.decide"
    # several verdicts in one submission
    VERDICTS_SUBMIT = "verdicts.submit"
    VERDICTS_VIEW = "verdicts.view"
    VERDICTS_FINISH = "verdicts.finish"
    # grants
    GRANT_VIEW = "grant.view"
    GRANT_START = "grant.start"
    GRANT_HAND_BACK = "grant.hand_back"
    GRANT_REVOKE = "grant.revoke"
    GRANT_RENEW = "grant.renew"
    GRANT_REVEAL = "grant.reveal"
    GRANT_CERTIFY = "grant.certify"
    # recordings
    RECORDING_VIEW = "recording.view"
    # after-use reviews
    REVIEW_VIEW = "review.view"
    REVIEW_STATE = "review.state"
    REVIEW_DETERMINE = "review.determine"
    # emergencies
    EMERGENCY_VIEW = "emergency.view"
    EMERGENCY_ACTIVATE = "emergency.activate"
    ACTIVATION_VIEW = "activation.view"
    ACTIVATION_END = "activation.end"
    ACTIVATION_HAND_BACK = "activation.hand_back"
    ACTIVATION_EXTEND = "activation.extend"
    ENVELOPE_MANAGE = "envelope.manage"  # sealed and drilled beforehand, and its use written down
    ALERT_ACKNOWLEDGE = "alert.acknowledge"
    # post-incident reviews
    INCIDENT_VIEW = "incident_review.view"
    ACTION_LOG_VIEW = "action_log.view"
    INCIDENT_STATE = "incident_review.state"
    INCIDENT_DETERMINE = "incident_review.determine"
    INCIDENT_SIGN_SECOND = "incident_review.sign_second"
    INCIDENT_ROTATE = "incident_review.rotate"
    INCIDENT_NAME = "incident_review.name"
    INCIDENT_OVERRIDE = "incident_review.override"
    FOLLOW_UP_COMPLETE = "follow_up.complete"
    EVIDENCE_EXPORT = "evidence.export"
    # roles, targets and problems
    ROLE_VIEW = "role.view"
    TARGET_VIEW = "target.view"
    TARGET_CHECK = "target.check"
    PROBLEM_VIEW = "problem.view"
    LEASE_RETRY = "lease.retry"
    MANUAL_TASK_CONFIRM = "manual_task.confirm"
    WEBHOOK_ENABLE = "webhook.enable"
    # policy
    POLICY_VIEW = "policy.view"
    POLICY_PROPOSE = "policy.propose"
    POLICY_APPROVE = "policy.approve"
    POLICY_APPLY = "policy.apply"
    # people
    PERSON_MANAGE = "person.manage"
    DELEGATION_MAKE = "delegation.make"
    DELEGATION_STOP = "delegation.stop"
    PROFILE_EDIT = "profile.edit"
    FACTORS_CHANGE = "factors.change"
    FACTORS_VIEW = "factors.view"
    FACTORS_RESET = "factors.reset"
    SESSIONS_END = "sessions.end"
    # one's own notices
    NOTICES_CHOOSE = "notices.choose"
    # the record, and the figures
    RECORD_VIEW = "record.view"
    OVERVIEW_VIEW = "overview.view"
    ADMIN_VIEW = "admin.view"


class Relation(StrEnum):
    """What a person is to an object."""

    HOLDER = "holder"  # made the request, holds the grant, is whom the review is about
    MANAGER = "manager"  # is the holder's manager
    ROLE_OWNER = "role_owner"
    DECIDER = "decider"  # may decide some stage of the request, now or earlier
    DECIDED = "decided"  # has given a verdict on the request
    OPEN_STAGE = "open_stage"  # may decide the stage that is open now
    REVOKER = "revoker"  # is named by the policy to revoke
    PROPOSER = "proposer"  # proposed the policy version
    SUBMITTER = "submitter"  # submitted these verdicts
    DELEGATE = "delegate"  # was named to decide for somebody else
    CARRIER = "carrier"  # is named to carry out manual work on the target
    SECURITY = "security"  # is a security contact who was alerted of the emergency
    POPULATION = "population"  # may activate break-glass with it
    ALERTED = "alerted"  # was alerted of the activation
    CUSTODIAN = "custodian"  # keeps the emergency account's credential
    TOOK_PART = "took_part"  # acted in the emergency, and so can't review it
    REVIEWER = "reviewer"  # has determined the post-incident review
    OWNER = "owner"  # owns the follow-up
    TOLD = "told"  # was told by an escalation that the request waits for long

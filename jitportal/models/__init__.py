"""What is stored, and what the database refuses. No verbs: ``jitportal.operations`` has them."""

from jitportal.models.delegations import Delegation
from jitportal.models.emergencies import (
    Activation,
    ActivationAlert,
    Criterion,
    EmergencyAccount,
    ProbeResult,
)
from jitportal.models.evidence import EvidenceKey
from jitportal.models.factors import PersonSession, StepUpProof
from jitportal.models.grants import Grant, Lease, ManualTask
from jitportal.models.identities import ProviderIdentity
from jitportal.models.notices import ChannelState, Notice, NoticeChoice
from jitportal.models.people import Membership, Person, StandingPower, Team
from jitportal.models.policy import (
    Entitlement,
    PolicyVersion,
    Role,
    RoleScope,
    Target,
    TargetHealth,
)
from jitportal.models.post_incident import EmergencySignIn, PostIncidentReview
from jitportal.models.post_incident_parts import (
    FollowUp,
    LineMark,
    OverdueOverride,
    ReviewDraft,
    ReviewVersion,
)
from jitportal.models.record import Entry, Event
from jitportal.models.recordings import Recording, RecordingPiece
from jitportal.models.requests import AccessRequest, Approval, RequestRevision, StageDecider
from jitportal.models.reviews import AfterUseReview
from jitportal.models.ssh import SshCertificate, SshHost, SshKey
from jitportal.models.submissions import DecisionSubmission, SubmittedVerdict
from jitportal.models.webhooks import WebhookDelivery, WebhookReceiver
from jitportal.models.work import Heartbeat, RateLimit, TargetLane

__all__ = [
    "AccessRequest",
    "Activation",
    "ActivationAlert",
    "AfterUseReview",
    "Approval",
    "ChannelState",
    "Criterion",
    "DecisionSubmission",
    "Delegation",
    "EmergencyAccount",
    "EmergencySignIn",
    "Entitlement",
    "Entry",
    "Event",
    "EvidenceKey",
    "FollowUp",
    "Grant",
    "Heartbeat",
    "Lease",
    "LineMark",
    "ManualTask",
    "Membership",
    "Notice",
    "NoticeChoice",
    "OverdueOverride",
    "Person",
    "PersonSession",
    "PolicyVersion",
    "PostIncidentReview",
    "ProbeResult",
    "ProviderIdentity",
    "RateLimit",
    "Recording",
    "RecordingPiece",
    "RequestRevision",
    "ReviewDraft",
    "ReviewVersion",
    "Role",
    "RoleScope",
    "SshCertificate",
    "SshHost",
    "SshKey",
    "StageDecider",
    "StandingPower",
    "StepUpProof",
    "SubmittedVerdict",
    "Target",
    "TargetHealth",
    "TargetLane",
    "Team",
    "WebhookDelivery",
    "WebhookReceiver",
]

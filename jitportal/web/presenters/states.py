"""The badge of each state: a colour, a sign and a word, never the colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jitportal.models import AccessRequest, Activation, AfterUseReview, Grant, PostIncidentReview
from jitportal.rules.post_incident import is_overdue
from jitportal.rules.vocabulary import (
    ActivationStatus,
    EndReason,
    Enforcement,
    GrantStatus,
    Pathway,
    ProbeSays,
    RequestStatus,
    ReviewStatus,
    Risk,
)


@dataclass(frozen=True, slots=True)
class Badge:
    kind: str  # force, waiting, ended, failed, accent, emergency
    text: str
    icon: str = ""

    def as_context(self) -> dict[str, str]:
        return {"kind": self.kind, "text": self.text, "icon_name": self.icon}


REQUESTS = {
    RequestStatus.PENDING: Badge("waiting", "Waiting", "hourglass"),
    RequestStatus.APPROVED: Badge("force", "Approved", "circle-check"),
    RequestStatus.DENIED: Badge("ended", "Denied", "circle-slash"),
    RequestStatus.SENT_BACK: Badge("waiting", "Sent back", "undo-2"),
    RequestStatus.WITHDRAWN: Badge("ended", "Withdrawn", "circle-slash"),
    RequestStatus.LAPSED: Badge("ended", "Lapsed", "clock"),
}
ENDINGS = {
    EndReason.EXPIRED: Badge("ended", "Expired", "clock"),
    EndReason.HANDED_BACK: Badge("ended", "Handed back", "undo-2"),
    EndReason.REVOKED: Badge("ended", "Revoked", "ban"),
    EndReason.UNUSED: Badge("ended", "Not used", "circle"),
    EndReason.FAILED: Badge("failed", "Failed", "triangle-alert"),
    EndReason.EXTENDED: Badge("ended", "Extended", "repeat"),
    EndReason.GAVE_WAY: Badge("ended", "Gave way", "siren"),
}
REVIEWS = {
    ReviewStatus.STATEMENT: Badge("waiting", "Statement wanted", "pencil"),
    ReviewStatus.DETERMINATION: Badge("waiting", "To be reviewed", "hourglass"),
    ReviewStatus.RETURNED: Badge("waiting", "Returned", "undo-2"),
    ReviewStatus.REMEDIATION: Badge("waiting", "Remediation", "hourglass"),
    ReviewStatus.SECOND_SIGNOFF: Badge("waiting", "Second sign-off", "hourglass"),
    ReviewStatus.CLOSED: Badge("ended", "Closed", "circle-check"),
}
ENFORCEMENTS = {
    Enforcement.TARGET_CUTS: Badge("accent", "The target cuts", "shield-check"),
    Enforcement.TARGET_REFUSES: Badge("accent", "The target refuses new use", "shield"),
    Enforcement.PORTAL_ONLY: Badge("waiting", "Portal only", "user"),
}
RISKS = {
    Risk.LOW: Badge("ended", "Low risk"),
    Risk.MEDIUM: Badge("ended", "Medium risk"),
    Risk.HIGH: Badge("waiting", "High risk", "flag"),
}
PROBES = {
    ProbeSays.AGREES: Badge("accent", "Its probe agrees", "circle-check"),
    ProbeSays.DISAGREES: Badge("failed", "Its probe disagrees", "triangle-alert"),
    ProbeSays.UNKNOWN: Badge("waiting", "Its probe doesn't know", "circle-question-mark"),
    ProbeSays.NO_PROBE: Badge("ended", "No probe", "circle"),
}
PATHWAYS = {
    Pathway.TEMPORARY: Badge("accent", "Temporary", "calendar-clock"),
    Pathway.JIT: Badge("accent", "JIT", "timer"),
    Pathway.BREAK_GLASS: Badge("emergency", "Break-glass", "siren"),
}


def of_request(access_request: AccessRequest, now: datetime) -> Badge:
    """A request past its deadline has lapsed, whether or not a sweeper has come by."""
    status = RequestStatus(access_request.status)
    open_ = status in (RequestStatus.PENDING, RequestStatus.SENT_BACK)
    return REQUESTS[RequestStatus.LAPSED if open_ and access_request.lapses_at <= now else status]


def of_grant(grant: Grant, now: datetime) -> Badge:
    """By the clock first: what has ended is never shown as in force."""
    if grant.status == GrantStatus.ENDED:
        return ENDINGS[EndReason(grant.end_reason)]
    if grant.status == GrantStatus.REMOVING or _past_end(grant, now):
        return Badge("waiting", "Being removed", "hourglass")
    if grant.status == GrantStatus.READY:
        if grant.closes_at <= now and grant.closes_at > grant.opens_at:
            return Badge("ended", "Window passed", "clock")
        return Badge("waiting", "Ready to start" if grant.opens_at <= now else "Planned", "calendar-clock")
    if grant.entitles(now) and grant.live_at is not None:
        return Badge("force", "In force", "circle-check")
    return Badge("waiting", "Being given", "hourglass")


def _past_end(grant: Grant, now: datetime) -> bool:
    return grant.ends_at is not None and grant.ends_at <= now


def of_activation(activation: Activation, now: datetime) -> Badge:
    """By the clock first, as for a grant. Red is for emergencies alone, and for what is open of them."""
    if activation.status == ActivationStatus.ENDED:
        return ENDINGS[EndReason(activation.end_reason)]
    if activation.entitles(now):
        return Badge("emergency", "Open", "siren")
    return Badge("waiting", "Being removed", "hourglass")


def of_probe(says: str) -> Badge:
    return PROBES[ProbeSays(says)]


def of_review(review: AfterUseReview, now: datetime) -> Badge:
    status = ReviewStatus(review.status)
    if status is not ReviewStatus.CLOSED and review.due_at <= now:
        return Badge("failed", f"Overdue: {REVIEWS[status].text.lower()}", "triangle-alert")
    return REVIEWS[status]


def of_incident(review: PostIncidentReview, now: datetime) -> Badge:
    status = ReviewStatus(review.status)
    if is_overdue(status, review.due_at, now):
        return Badge("failed", f"Overdue: {REVIEWS[status].text.lower()}", "triangle-alert")
    if status is ReviewStatus.STATEMENT and review.access_ended_at is None:
        return Badge("accent", "Access is open", "hourglass")
    return REVIEWS[status]


def of_enforcement(enforcement: Enforcement) -> Badge:
    return ENFORCEMENTS[Enforcement(enforcement)]


def of_risk(risk: str) -> Badge:
    return RISKS[Risk(risk)]


def of_pathway(pathway: str) -> Badge:
    return PATHWAYS[Pathway(pathway)]

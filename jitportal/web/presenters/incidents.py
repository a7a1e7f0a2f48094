"""Post-incident reviews as their pages show them: what is known, whose turn it is, which are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.forms import Field

from jitportal.models import (
    ActivationAlert,
    FollowUp,
    OverdueOverride,
    PostIncidentReview,
    Recording,
    ReviewVersion,
)
from jitportal.operations import facts, post_incident_closing, post_incident_facts, post_incident_overdue
from jitportal.operations.post_incident_changes import Changed, changed_since
from jitportal.operations.post_incident_facts import Facts
from jitportal.operations.post_incident_people import why_not
from jitportal.rules.permissions import Verb
from jitportal.rules.post_incident import RESPONDERS_TURN
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Fit,
    Missing,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
    Step,
    spoken,
)
from jitportal.rules.vocabulary import ReviewStatus
from jitportal.web import fetch
from jitportal.web.forms.incidents import DeterminationForm, RemediationForm, StatementForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.story import Step as StoryStep

_MARKS = {
    "incident_review.escalated": "failed",
    "incident_review.gap_escalated": "failed",
    "incident_review.owing": "failed",
    "incident_review.closed": "force",
    "incident_review.returned": "waiting",
    "incident_review.sent_back": "waiting",
}
_ENUMS: Mapping[str, type[StrEnum]] = {
    "classification": Classification,
    "criterion": CriterionMet,
    "fit": Fit,
    "could_jit": CouldJit,
    "recording": RecordingFound,
    "person_outcome": PersonOutcome,
    "model_outcome": ModelOutcome,
}
#: Where the form of a missing part stands on the page.
_PLACES = {
    Step.STATEMENT: "statement",
    Step.DETERMINATION: "determination",
    Step.REMEDIATION: "remediation",
    Step.DRILL: "drill",
    Step.SIGN_OFF: "sign-off",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What the viewer may do with a review now; a sentence where it is somebody else's turn."""

    state: bool
    draft: bool  # the statement can be drafted, and not handed in yet
    name: bool
    without: bool
    determine: bool
    remediate: bool
    rotate: bool
    drill: bool
    sign: bool
    sign_second: bool
    override: bool
    grant_override: bool
    waiting: str

    @property
    def drafted(self) -> str:
        """The step on the page that keeps drafts, if there is one: there is one at a time."""
        steps = {"state": self.state or self.draft, "determine": self.determine, "remediate": self.remediate}
        return next((name for name, there in steps.items() if there), "")

    @property
    def forms(self) -> frozenset[str]:
        """The acts whose forms the page shows."""
        shown = {
            "state": self.state or self.draft,
            "name": self.name,
            "without": self.without,
            "determine": self.determine,
            "return": self.determine,
            "remediate": self.remediate,
            "follow_up": self.remediate,
            "send_back": self.remediate or self.sign_second,
            "rotate": self.rotate,
            "confirm_rotation": self.rotate,
            "drill": self.drill,
            "sign": self.sign,
            "sign_second": self.sign_second,
            "override": self.override,
            "grant_override": self.grant_override,
        }
        return frozenset(act for act, there in shown.items() if there)


@dataclass(frozen=True, slots=True)
class Lack:
    """Something missing, with the place on the page where it is mended."""

    sentence: str
    place: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question of a form with what was answered."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page of one review shows."""

    review: PostIncidentReview
    known: Facts
    turn: Turn
    steps: list[StoryStep]
    alerts: Sequence[ActivationAlert]
    recordings: Sequence[Recording]
    plays: bool  # whether the viewer may see what was recorded
    logged: bool  # whether they may see the action log
    versions: Sequence[ReviewVersion]
    follow_ups: Sequence[FollowUp]
    override: OverdueOverride | None
    lacks: list[Lack]
    portal_rotates: bool
    wants_second: bool
    blocks: bool
    statement: list[Answer]
    determination: list[Answer]
    remediation: list[Answer]
    use: list[str]
    started: datetime | None  # when its target confirmed it
    gone: datetime | None  # when its target held nothing of it any more
    first_use: datetime | None
    last_use: datetime | None
    alert_seconds: float | None
    evidence: bool
    changed: Sequence[Changed]  # since it was determined


def page_of(request: PortalRequest, review: PostIncidentReview) -> Page:
    known = post_incident_facts.facts_of(review)
    alerts = ActivationAlert.objects.filter(activation=review.activation_id).select_related("person")
    recordings = post_incident_facts.recordings_of(review)
    lacks = [] if review.status == ReviewStatus.CLOSED else post_incident_closing.missing(review)
    now = now_of(request)
    return Page(
        review=review,
        known=known,
        turn=turn_of(request, review),
        steps=[
            StoryStep(event, _MARKS.get(event.verb, "")) for event in post_incident_facts.timeline_of(review)
        ],
        alerts=list(alerts.order_by("pk")) if review.activation_id else [],
        recordings=recordings,
        plays=bool(recordings) and bool(facts.may(Verb.RECORDING_VIEW, request.user, recordings[0])),
        logged=bool(fetch.answer(request, Verb.ACTION_LOG_VIEW, facts.relations(request.user, review))),
        versions=list(review.versions.select_related("person")),
        follow_ups=list(review.follow_ups.select_related("owner", "done_by").order_by("due_at", "pk")),
        override=_asked(review),
        lacks=[_lack(one) for one in lacks],
        portal_rotates=post_incident_closing.own_lease(review) is not None,
        wants_second=post_incident_closing.wants_second(review),
        blocks=post_incident_overdue.blocking_now(review, now),
        statement=_answers(review, StatementForm.base_fields),
        determination=_answers(review, DeterminationForm.base_fields),
        remediation=_answers(review, RemediationForm.base_fields),
        use=_use(known.document["use"]),
        started=_moment(known.document.get("started_at")),
        gone=_moment(known.document.get("gone_at")),
        first_use=_moment(known.document.get("first_use")),
        last_use=_moment(known.document.get("last_use")),
        alert_seconds=_alert_seconds(review),
        evidence=bool(fetch.answer(request, Verb.EVIDENCE_EXPORT, facts.relations(request.user, review))),
        changed=changed_since(review, known),
    )


def turn_of(request: PortalRequest, review: PostIncidentReview) -> Turn:
    subject = facts.relations(request.user, review)
    status, now = ReviewStatus(review.status), now_of(request)

    def may(verb: Verb) -> bool:
        return bool(fetch.answer(request, verb, subject))

    own_turn = status in RESPONDERS_TURN
    states = own_turn and may(Verb.INCIDENT_STATE)
    reviews = may(Verb.INCIDENT_DETERMINE) and not why_not(review, request.user, now)
    unknown = review.responder_id is None and status is ReviewStatus.STATEMENT
    remediates = reviews and status is ReviewStatus.REMEDIATION
    signs = remediates and review.reviewer_id == request.user.pk
    second = status is ReviewStatus.SECOND_SIGNOFF and reviews and may(Verb.INCIDENT_SIGN_SECOND)
    late = post_incident_overdue.blocking_now(review, now) and may(Verb.INCIDENT_OVERRIDE)
    asked = _asked(review)
    rotates = review.rotated_at is None and review.access_ended_at is not None and may(Verb.INCIDENT_ROTATE)
    turn = Turn(
        state=states and review.access_ended_at is not None,
        draft=states and review.access_ended_at is None,
        name=unknown and may(Verb.INCIDENT_NAME),
        without=unknown and may(Verb.INCIDENT_NAME),
        determine=reviews and status is ReviewStatus.DETERMINATION,
        remediate=remediates,
        rotate=rotates and status is not ReviewStatus.CLOSED,
        drill=review.drill and status is not ReviewStatus.CLOSED and may(Verb.INCIDENT_ROTATE),
        sign=signs,
        sign_second=second,
        override=late and asked is None,
        grant_override=late and asked is not None and asked.asked_by_id != request.user.pk,
        waiting="",
    )
    mine = any((turn.state, turn.draft, turn.determine, turn.sign, turn.sign_second, turn.without))
    return turn if mine else replace(turn, waiting=_waiting(review, status))


def _answers(review: PostIncidentReview, fields: Mapping[str, Field]) -> list[Answer]:
    """What was answered, under the form's own labels."""
    found = [(name, field, getattr(review, name, "")) for name, field in fields.items()]
    return [
        Answer(str(field.label), _spoken(name, value))
        for name, field, value in found
        if value not in ("", None)
    ]


def _spoken(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return spoken(_ENUMS[name](str(value))) if name in _ENUMS else str(value)


def _use(counted: object) -> list[str]:
    """How often the person and the account were used before, in words."""
    if not isinstance(counted, dict):
        return []
    said = []
    for who, words in (("person", "By this person"), ("account", "This account")):
        times = counted.get(who)
        if isinstance(times, dict):
            said.append(f"{words}: {', '.join(f'{number} in {days} days' for days, number in times.items())}")
    return said


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _alert_seconds(review: PostIncidentReview) -> float | None:
    if review.alert_seconds is not None or review.activation is None:
        return review.alert_seconds
    return post_incident_facts.alert_seconds(review.activation)


def _lack(missing: Missing) -> Lack:
    return Lack(missing.sentence, _PLACES[missing.step])


def _asked(review: PostIncidentReview) -> OverdueOverride | None:
    rows = OverdueOverride.objects.filter(review=review, granted_at__isnull=True)
    return rows.select_related("asked_by").first()


def _waiting(review: PostIncidentReview, status: ReviewStatus) -> str:
    if status is ReviewStatus.CLOSED:
        return ""
    if status in RESPONDERS_TURN:
        who = review.responder or "Somebody who isn't known yet"
        return f"{who} has yet to say what was done."
    return {
        ReviewStatus.DETERMINATION: "Somebody who didn't take part has yet to determine what it was.",
        ReviewStatus.REMEDIATION: f"{review.reviewer} has yet to sign it.",
        ReviewStatus.SECOND_SIGNOFF: "A second person has yet to sign it.",
    }[status]

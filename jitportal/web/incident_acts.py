"""What the forms of a review's page do: each posts its act's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jitportal.models import PostIncidentReview
from jitportal.operations import (
    follow_ups,
    post_incident_closing,
    post_incident_drills,
    post_incident_overdue,
    post_incident_steps,
)
from jitportal.rules.permissions import Verb
from jitportal.rules.post_incident_words import Step
from jitportal.rules.vocabulary import ReviewStatus
from jitportal.web import step_up
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.times import exact_words

#: The steps whose forms keep drafts.
DRAFTED = {"state": Step.STATEMENT, "determine": Step.DETERMINATION, "remediate": Step.REMEDIATION}
Do = Callable[[PortalRequest, PostIncidentReview, Any], str]


@dataclass(frozen=True, slots=True)
class Act:
    """Who may do it, and what it does; it gives the sentence that is shown after it."""

    verb: Verb
    do: Do


def _state(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_steps.state(actor=request.user, review=review, said=form.said)
    return "Your statement is handed in. Those who review it are told."


def _name(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    person = form.cleaned_data["person"]
    post_incident_steps.name_responder(actor=request.user, review=review, person=person)
    return f"{person} is named, and asked for a statement."


def _without(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_steps.go_on_without_statement(
        actor=request.user, review=review, reason=form.cleaned_data["reason"]
    )
    return "It goes on without a statement."


def _return(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_steps.return_to_responder(actor=request.user, review=review, note=form.cleaned_data["note"])
    return f"The review is back with {review.responder}."


def _determine(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_steps.determine(
        actor=request.user,
        review=review,
        found=form.found,
        marks=form.marks,
        seen=form.cleaned_data["seen"],
    )
    return "Your determination is kept. Next: what is put right."


def _remediate(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_steps.remediate(actor=request.user, review=review, done=form.done)
    return "What was put right is kept."


def _send_back(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_steps.send_back(actor=request.user, review=review, note=form.cleaned_data["note"])
    return "It is determined anew."


def _rotate(request: PortalRequest, review: PostIncidentReview, _form: Any) -> str:
    post_incident_closing.rotate(actor=request.user, review=review)
    return "The credential is gone, as its target says. The proof is kept."


def _confirm_rotation(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_closing.confirm_rotation(
        actor=request.user, review=review, evidence=form.cleaned_data["evidence"]
    )
    return "The rotation is confirmed."


def _follow_up(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    made = follow_ups.add(actor=request.user, review=review, **form.cleaned_data)
    return f"{made.owner} has a follow-up, and is told."


def _drill(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_drills.note(actor=request.user, review=review, **form.cleaned_data)
    return "What the drill showed is kept."


def _override(request: PortalRequest, review: PostIncidentReview, form: Any) -> str:
    post_incident_overdue.ask_override(actor=request.user, review=review, reason=form.cleaned_data["reason"])
    return "Asked. A second person has to agree before the block is lifted."


def _grant_override(request: PortalRequest, review: PostIncidentReview, _form: Any) -> str:
    lifted = post_incident_overdue.grant_override(actor=request.user, review=review)
    until = f" until {exact_words(lifted.until, now_of(request))}" if lifted.until else ""
    return f"The block on {review.responder} is lifted{until}."


def _sign(request: PortalRequest, review: PostIncidentReview, _form: Any) -> str:
    signed = post_incident_closing.sign(actor=request.user, review=review, proof=step_up.given(request))
    if signed.status == ReviewStatus.CLOSED:
        return "Signed. The review is closed."
    return "Signed. A second person has to sign before it closes."


def _sign_second(request: PortalRequest, review: PostIncidentReview, _form: Any) -> str:
    post_incident_closing.sign_second(actor=request.user, review=review, proof=step_up.given(request))
    return "Signed. The review is closed."


ACTS: dict[str, Act] = {
    "state": Act(Verb.INCIDENT_STATE, _state),
    "name": Act(Verb.INCIDENT_NAME, _name),
    "without": Act(Verb.INCIDENT_NAME, _without),
    "return": Act(Verb.INCIDENT_DETERMINE, _return),
    "determine": Act(Verb.INCIDENT_DETERMINE, _determine),
    "remediate": Act(Verb.INCIDENT_DETERMINE, _remediate),
    "send_back": Act(Verb.INCIDENT_DETERMINE, _send_back),
    "rotate": Act(Verb.INCIDENT_ROTATE, _rotate),
    "confirm_rotation": Act(Verb.INCIDENT_ROTATE, _confirm_rotation),
    "follow_up": Act(Verb.INCIDENT_DETERMINE, _follow_up),
    "drill": Act(Verb.INCIDENT_ROTATE, _drill),
    "override": Act(Verb.INCIDENT_OVERRIDE, _override),
    "grant_override": Act(Verb.INCIDENT_OVERRIDE, _grant_override),
    "sign": Act(Verb.INCIDENT_DETERMINE, _sign),
    "sign_second": Act(Verb.INCIDENT_SIGN_SECOND, _sign_second),
}

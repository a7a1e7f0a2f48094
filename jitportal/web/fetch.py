"""Fetching is authorising: strangers get 404, readers without the verb 403 with the rule's sentence."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model
from django.http import Http404
from django.shortcuts import get_object_or_404

from jitportal.models import (
    AccessRequest,
    Activation,
    AfterUseReview,
    Criterion,
    DecisionSubmission,
    EmergencyAccount,
    FollowUp,
    Grant,
    PostIncidentReview,
    Recording,
    Role,
    Target,
)
from jitportal.operations import facts
from jitportal.operations.emergency_people import Desk
from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import NOBODY, Answer, Denied, Subject, Verb, allowed
from jitportal.web.http import PortalRequest, actor_of

T = TypeVar("T", bound=Model)


def access_request(request: PortalRequest, pk: int, verb: Verb = Verb.REQUEST_VIEW) -> AccessRequest:
    rows = AccessRequest.objects.select_related(
        "requester", "requester__manager", "role__target", "role__owner", "scope", "current__policy_version"
    )
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.REQUEST_VIEW, verb)


def grant(request: PortalRequest, pk: int, verb: Verb = Verb.GRANT_VIEW) -> Grant:
    rows = Grant.objects.select_related(
        "person", "role__target", "role__owner", "scope__entitlement", "lease__target", "request__current"
    )
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.GRANT_VIEW, verb)


def activation(request: PortalRequest, pk: int, verb: Verb = Verb.ACTIVATION_VIEW) -> Activation:
    rows = Activation.objects.select_related(
        "person__manager", "role__target", "role__owner", "scope__entitlement", "account", "criterion"
    ).select_related("policy_version", "stopped_by", "extension_of", "from_request")
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.ACTIVATION_VIEW, verb)


def emergency_account(request: PortalRequest, key: str) -> EmergencyAccount:
    rows = EmergencyAccount.objects.select_related("target", "policy_version")
    found = get_object_or_404(rows, key=key)
    return authorised(request, found, Verb.EMERGENCY_VIEW, Verb.EMERGENCY_VIEW)


def criterion(request: PortalRequest, key: str) -> Criterion:
    """A criterion is everybody's to see who may see break-glass at all."""
    if not answer(request, Verb.EMERGENCY_VIEW, facts.relations(request.user, Desk())):
        raise Http404
    return get_object_or_404(Criterion, key=key)


def require_population(request: PortalRequest) -> None:
    """Raise ``NotAllowed`` unless the person may activate break-glass at all."""
    _refuse(answer(request, Verb.EMERGENCY_ACTIVATE, facts.relations(request.user, Desk())))


def review(request: PortalRequest, pk: int, verb: Verb = Verb.REVIEW_VIEW) -> AfterUseReview:
    rows = AfterUseReview.objects.select_related(
        "grant__person", "grant__role__target", "grant__role__owner", "grant__scope", "holder", "reviewer"
    )
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.REVIEW_VIEW, verb)


def incident_review(request: PortalRequest, pk: int, verb: Verb = Verb.INCIDENT_VIEW) -> PostIncidentReview:
    rows = PostIncidentReview.objects.select_related(
        "account__target",
        "responder__manager",
        "reviewer",
        "second_reviewer",
        "rotated_by",
        "stated_by",
        "sign_in",
        "activation__person",
        "activation__criterion",
        "activation__role__owner",
        "activation__role__target",
        "activation__scope",
        "activation__stopped_by",
        "activation__policy_version",
    )
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.INCIDENT_VIEW, verb)


def follow_up(request: PortalRequest, pk: int) -> FollowUp:
    """Its owner and its reviewer say that it is done; whoever sees the review learns why they can't."""
    rows = FollowUp.objects.select_related("owner", "done_by", "review__responder", "review__account__target")
    found = get_object_or_404(rows, pk=pk)
    subject = facts.relations(request.user, found)
    if not answer(request, Verb.FOLLOW_UP_COMPLETE, subject):
        incident_review(request, found.review_id)
    _refuse(answer(request, Verb.FOLLOW_UP_COMPLETE, subject))
    return found


def submission(request: PortalRequest, pk: int, verb: Verb = Verb.VERDICTS_VIEW) -> DecisionSubmission:
    rows = DecisionSubmission.objects.select_related("approver")
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.VERDICTS_VIEW, verb)


def recording(request: PortalRequest, pk: int) -> Recording:
    rows = Recording.objects.select_related(
        "grant__person", "grant__role__target", "grant__role__owner", "grant__request", "grant__activation"
    )
    return authorised(request, get_object_or_404(rows, pk=pk), Verb.RECORDING_VIEW, Verb.RECORDING_VIEW)


def role(request: PortalRequest, key: str, verb: Verb = Verb.ROLE_VIEW) -> Role:
    rows = Role.objects.select_related("target", "owner", "policy_version")
    return authorised(request, get_object_or_404(rows, key=key), Verb.ROLE_VIEW, verb)


def target(request: PortalRequest, key: str, verb: Verb = Verb.TARGET_VIEW) -> Target:
    """A target is named on pages that all may read, so who may not see it gets 403, not 404."""
    found = get_object_or_404(Target, key=key)
    return authorised(request, found, None, verb)


def authorised(request: PortalRequest, obj: T, view: Verb | None, verb: Verb) -> T:
    """The object, if the person may see it and do this to it.

    Raises ``Http404`` for who may not see it (``view`` None: everybody may know of it), and
    ``NotAllowed`` for who may see it, but not do this.
    """
    subject = facts.relations(request.user, obj)
    if view is not None and not answer(request, view, subject):
        raise Http404
    _refuse(answer(request, verb, subject))
    return obj


def require(request: PortalRequest, verb: Verb) -> None:
    """Raise ``NotAllowed`` unless the person may do this at all (there is no one object)."""
    _refuse(answer(request, verb))


def answer(request: PortalRequest, verb: Verb, subject: Subject = NOBODY) -> Answer:
    """What the rules say, with the powers that the person has now: for a button and its tooltip."""
    return allowed(verb, actor_of(request), subject)


def _refuse(said: Answer) -> None:
    if isinstance(said, Denied):
        raise NotAllowed(said.reason)

"""A page for each verdict. GET shows the form; only a POST that has seen the same request decides."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from jitportal.models import AccessRequest, Approval
from jitportal.operations import decisions, facts
from jitportal.rules.durations import spoken
from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import Denied, Relation, Verb
from jitportal.rules.vocabulary import RequestStatus, Verdict
from jitportal.web import fetch
from jitportal.web.forms.decisions import ApproveForm, DenyForm, SendBackForm, VerdictForm
from jitportal.web.http import PortalRequest, forget_reading, now_of
from jitportal.web.presenters.decision import decision_box, news
from jitportal.web.refusals import form_page, refusals_shown_in

TEMPLATE = "requests/decide.html"
CONFLICT = 409


@require_http_methods(["GET", "HEAD", "POST"])
def decide_approve(request: PortalRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, ApproveForm)


@require_http_methods(["GET", "HEAD", "POST"])
def decide_deny(request: PortalRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, DenyForm)


@require_http_methods(["GET", "HEAD", "POST"])
def decide_send_back(request: PortalRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, SendBackForm)


def _decide(request: PortalRequest, pk: int, kind: type[VerdictForm]) -> HttpResponse:
    access_request = fetch.access_request(request, pk)
    _refuse_onlooker(request, access_request)
    if request.method != "POST":
        return _page(request, access_request, kind(access_request))
    form = kind(access_request, request.POST)
    if form.is_valid() and _decided(request, access_request, form):
        return redirect("request_detail", pk)
    forget_reading(request)
    return _page(request, fetch.access_request(request, pk), form)


def _refuse_onlooker(request: PortalRequest, access_request: AccessRequest) -> None:
    """Who may never decide on this is told so; who may is told what stands in the way, on the page."""
    subject = facts.relations(request.user, access_request)
    answer = fetch.answer(request, Verb.REQUEST_DECIDE, subject)
    involved = subject.relations & {Relation.DECIDER, Relation.DECIDED}
    if isinstance(answer, Denied) and (Relation.HOLDER in subject.relations or not involved):
        raise NotAllowed(answer.reason)


def _decided(request: PortalRequest, access_request: AccessRequest, form: VerdictForm) -> bool:
    with refusals_shown_in(form):
        approval = decisions.decide(
            actor=request.user,
            request=access_request,
            verdict=form.verdict,
            digest=form.cleaned_data["digest"],
            reason=form.cleaned_data["reason"],
            minutes=form.cleaned_data.get("minutes"),
        )
        messages.success(request, _done(access_request, approval))
        return True
    return False


def _done(access_request: AccessRequest, approval: Approval) -> str:
    who = access_request.requester
    if approval.verdict != Verdict.APPROVE:
        said = "Denied" if approval.verdict == Verdict.DENY else "Sent back"
        return f"{said}. {who} is told, with your reason."
    length = spoken(approval.minutes or 0)
    access_request.refresh_from_db(fields=["status"])
    if access_request.status == RequestStatus.APPROVED:
        return f"Approved for {length}. {who} is told."
    return f"Your approval for {length} is counted. Somebody else has yet to decide."


def _page(request: PortalRequest, access_request: AccessRequest, form: VerdictForm) -> HttpResponse:
    """The form, and beside it what the approver must see; after a conflict, what has changed too."""
    changed = None
    if form.is_bound:
        if form.data.get("digest") != decisions.seen_digest(access_request) or form.status == CONFLICT:
            changed = news(access_request, str(form.data.get("seen", "")))
        form.show_anew(access_request)
    context = {
        "access_request": access_request,
        "revision": access_request.current,
        "box": decision_box(access_request, request.user, now_of(request)),
        "news": changed,
        "verdict": str(form.verdict),
    }
    return form_page(request, TEMPLATE, form, context)

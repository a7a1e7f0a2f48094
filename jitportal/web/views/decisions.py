"""A page for each verdict. GET shows the form; only a POST that has seen the same request decides."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest, Approval
from jitportal.operations import decisions, facts
from jitportal.rules.durations import spoken
from jitportal.rules.errors import NotAllowed
from jitportal.rules.permissions import Denied, Relation, Verb
from jitportal.rules.vocabulary import RequestStatus, Verdict
from jitportal.web import fetch, step_up
from jitportal.web.forms.decisions import FORMS, VerdictForm
from jitportal.web.http import PortalRequest, forget_reading, now_of
from jitportal.web.live import DECIDING, SETTLED, live, live_page
from jitportal.web.presenters.decision import decision_box, news
from jitportal.web.presenters.queue import queue_address
from jitportal.web.refusals import form_page, refusals_shown_in

TEMPLATE = "requests/decide.html"
CONFLICT = 409


@require_http_methods(["GET", "HEAD", "POST"])
def decide_approve(request: PortalRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, FORMS[Verdict.APPROVE])


@require_http_methods(["GET", "HEAD", "POST"])
def decide_deny(request: PortalRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, FORMS[Verdict.DENY])


@require_http_methods(["GET", "HEAD", "POST"])
def decide_send_back(request: PortalRequest, pk: int) -> HttpResponse:
    return _decide(request, pk, FORMS[Verdict.SEND_BACK])


@require_safe
def decision_news(request: PortalRequest, pk: int) -> HttpResponse:
    """What has become of a request since a form for it was shown: a part of the page that asks for it."""
    found = fetch.access_request(request, pk)
    if not request.htmx:
        return redirect("request_detail", pk)
    shown, digest = request.GET.get("shown", ""), request.GET.get("digest", "")
    told = news(found, shown, digest)
    box = decision_box(found, request.user, now_of(request))
    now = live(SETTLED if told.settled else DECIDING, told, box.why_not)
    context = {"access_request": found, "news": told, "box": box, "shown": shown, "digest": digest}
    return live_page(request, "requests/_news.html", now, context)


def _decide(request: PortalRequest, pk: int, kind: type[VerdictForm]) -> HttpResponse:
    access_request = fetch.access_request(request, pk)
    _refuse_onlooker(request, access_request)
    if request.method != "POST":
        return _page(request, access_request, kind(access_request))
    form = kind(access_request, request.POST)
    if form.is_valid() and _decided(request, access_request, form):
        back = form.cleaned_data["back"]
        return redirect(queue_address(back) if back else reverse("request_detail", args=[pk]))
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
            proof=step_up.given(request),
        )
        said, where = _done(access_request, approval), reverse("request_detail", args=[access_request.pk])
        messages.success(request, format_html('{} <a href="{}">The request</a>', said, where))
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
            changed = news(access_request, str(form.data.get("seen", "")), str(form.data.get("digest", "")))
        form.show_anew(access_request)
    context = {
        "access_request": access_request,
        "revision": access_request.current,
        "box": decision_box(access_request, request.user, now_of(request)),
        "news": changed,
        "verdict": str(form.verdict),
    }
    return form_page(request, TEMPLATE, form, context)

"""The policy: the document in force, its versions, and changing it with a second person."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from jitportal.models import PolicyVersion
from jitportal.operations import facts, policies
from jitportal.rules.permissions import Answer, Verb
from jitportal.rules.step_up import Act
from jitportal.rules.vocabulary import PolicyStatus
from jitportal.web import fetch, paging, step_up
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.policy import RejectForm
from jitportal.web.http import PortalRequest, forget_reading, now_of
from jitportal.web.presenters import beforehand
from jitportal.web.presenters import policies as presenter
from jitportal.web.presenters.history import history_of
from jitportal.web.presenters.policy_editor import clash
from jitportal.web.presenters.second_person import second_people
from jitportal.web.refusals import form_page, refusals_shown_in

VERSIONS_A_PAGE = 20


@require_safe
def policy(request: PortalRequest) -> HttpResponse:
    """The document in force, and every version."""
    fetch.require(request, Verb.POLICY_VIEW)
    versions = PolicyVersion.objects.select_related("proposed_by", "approved_by", "applied_by").defer("text")
    page = paging.older(
        versions, "proposed_at", after=paging.position(request.GET.get("after", "")), size=VERSIONS_A_PAGE
    )
    propose = fetch.answer(request, Verb.POLICY_PROPOSE)
    context = {
        "version": policies.current_version(),
        "overtaken": policies.overtaken() if propose else [],
        "versions": [(version, presenter.badge_of(version)) for version in page.rows],
        "older": paging.address_of(request.GET, after=page.following) if page.following else "",
        "newest": "" if page.first else paging.address_of(request.GET),
        "propose": propose,
    }
    return render(request, "policy/policy.html", context)


@require_safe
def policy_version(request: PortalRequest, number: int) -> HttpResponse:
    version = _fetch(number)
    fetch.authorised(request, version, Verb.POLICY_VIEW, Verb.POLICY_VIEW)
    return _version_page(request, version, RejectForm())


@require_POST
def policy_approve(request: PortalRequest, number: int) -> HttpResponse:
    version, form = _fetch(number), PortalForm(request.POST)
    fetch.authorised(request, version, Verb.POLICY_VIEW, Verb.POLICY_APPROVE)
    with refusals_shown_in(form):
        policies.approve(actor=request.user, version=version)
        messages.success(request, f"Policy {number} is approved. It can be brought into force now.")
        return redirect("policy_version", number)
    return _refused_page(request, number, form)


@require_POST
def policy_reject(request: PortalRequest, number: int) -> HttpResponse:
    version, form = _fetch(number), RejectForm(request.POST)
    fetch.authorised(request, version, Verb.POLICY_VIEW, Verb.POLICY_PROPOSE)
    if form.is_valid():
        with refusals_shown_in(form):
            policies.reject(actor=request.user, version=version, reason=form.cleaned_data["reason"])
            messages.success(request, f"Policy {number} is turned down.")
            return redirect("policy_version", number)
    return _refused_page(request, number, form)


@require_POST
def policy_apply(request: PortalRequest, number: int) -> HttpResponse:
    version, form = _fetch(number), PortalForm(request.POST)
    fetch.authorised(request, version, Verb.POLICY_VIEW, Verb.POLICY_APPLY)
    with refusals_shown_in(form):
        policies.apply(actor=request.user, version=version, proof=step_up.given(request))
        messages.success(request, f"Policy {number} is in force.")
        return redirect("policy_version", number)
    return _refused_page(request, number, form)


def _fetch(number: int) -> PolicyVersion:
    rows = PolicyVersion.objects.select_related("base", "proposed_by", "approved_by", "applied_by")
    return get_object_or_404(rows, number=number)


def _refused_page(request: PortalRequest, number: int, form: PortalForm) -> HttpResponse:
    """The version as it is now, with what stood in the way; a typed reason stays."""
    forget_reading(request)
    return _version_page(request, _fetch(number), form)


def _version_page(request: PortalRequest, version: PolicyVersion, form: PortalForm) -> HttpResponse:
    current = policies.current_version()
    waiting = version.status in (PolicyStatus.PROPOSED, PolicyStatus.APPROVED)
    stale = waiting and version.base_id != (current.pk if current else None)
    context = {
        "version": version,
        "badge": presenter.badge_of(version),
        "difference": presenter.against_base(version),
        "history": history_of(version),
        "clash": clash(version.base.number if version.base else None, version.text) if stale else None,
        "propose": fetch.answer(request, Verb.POLICY_PROPOSE),
        "second": second_people(version.proposed_by, now_of(request)) if waiting else None,
        "approve": _act(request, version, Verb.POLICY_APPROVE, PolicyStatus.PROPOSED),
        "apply": _act(request, version, Verb.POLICY_APPLY, PolicyStatus.APPROVED),
        "factor": beforehand.of_act(request.user, Act.POLICY),
        "reject": waiting and bool(fetch.answer(request, Verb.POLICY_PROPOSE)),
        "reject_form": form if isinstance(form, RejectForm) else RejectForm(),
    }
    return form_page(request, "policy/version.html", form, context)


def _act(request: PortalRequest, version: PolicyVersion, verb: Verb, status: PolicyStatus) -> Answer | None:
    """What the rules say of the act that the version's status calls for; None where it calls for another."""
    if version.status != status:
        return None
    return fetch.answer(request, verb, facts.relations(request.user, version))

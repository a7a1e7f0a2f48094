"""One request: its story, and what its requester may still do with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest
from jitportal.operations import limits, policies, requests
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.permissions import Verb
from jitportal.rules.policy import RoleRules
from jitportal.rules.vocabulary import Pathway, RequestStatus
from jitportal.web import fetch, step_up
from jitportal.web.forms.asking import AskForm, RenewalForm, said_before
from jitportal.web.forms.base import ReasonForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.live import live_page
from jitportal.web.presenters import decision, story
from jitportal.web.refusals import form_page, refusals_shown_in
from jitportal.web.views.start import FORMS, ask_answer, asking_page, is_sent, typed_ask


class WithdrawForm(ReasonForm):
    """A reason is welcome, and isn't asked for."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False
        self.fields["reason"].label = "Reason (optional)"


@require_safe
def detail(request: PortalRequest, pk: int) -> HttpResponse:
    found = fetch.access_request(request, pk)
    told = story.of_request(request, found)
    now = story.live_request(request, found, told)
    return live_page(request, "requests/detail.html", now, {"access_request": found, "story": told})


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PortalRequest, pk: int) -> HttpResponse:
    found = fetch.access_request(request, pk, Verb.REQUEST_EDIT)
    if request.method != "POST":
        check_transition("request", found.status, RequestStatus.PENDING)
    form = _edit_form(request, found, _rules(found))
    if is_sent(request, form):
        with refusals_shown_in(form):
            limits.take("request", request.user.pk)  # each is kept, and told to whoever decides
            requests.edit(
                actor=request.user,
                request=found,
                ask=form.ask(renewal_of=found.renewal_of),
                revision=form.cleaned_data["revision"] or 0,
                proof=step_up.given(request),
            )
            messages.success(request, "Your request is changed. Earlier approvals don't count for it.")
            return redirect("request_detail", pk)
    return ask_answer(
        request,
        "requests/edit.html",
        found.role,
        form,
        renewal_of=found.renewal_of,
        editing=found,
        access_request=found,
        sent_back=decision.sent_back(found),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PortalRequest, pk: int) -> HttpResponse:
    found = fetch.access_request(request, pk, Verb.REQUEST_WITHDRAW)
    if request.method != "POST":
        check_transition("request", found.status, RequestStatus.WITHDRAWN)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            requests.withdraw(actor=request.user, request=found, reason=form.cleaned_data["reason"])
            messages.success(request, f"Your request for {found.role} is withdrawn.")
            return redirect("request_detail", pk)
    return form_page(request, "requests/withdraw.html", form, {"access_request": found})


@require_http_methods(["GET", "HEAD", "POST"])
def clone(request: PortalRequest, pk: int) -> HttpResponse:
    """Ask for the same again, on the role's own pathway."""
    found = fetch.access_request(request, pk, Verb.REQUEST_CLONE)
    return asking_page(request, found.role, cloned_from=found)


def _rules(found: AccessRequest) -> RoleRules:
    rules = policies.current_rules(found.role.key)
    if rules is None:
        raise PolicyRefuses(
            f"The policy in force doesn't offer {found.role} any more, so this request can't be changed. "
            "Withdraw it, and ask for another role."
        )
    return rules


def _edit_form(request: PortalRequest, found: AccessRequest, rules: RoleRules) -> AskForm:
    initial = said_before(found)
    if found.renewal_of is not None:
        return RenewalForm(found.renewal_of, rules, now_of(request), typed_ask(request), initial=initial)
    return FORMS[Pathway(found.pathway)](rules, now_of(request), typed_ask(request), initial=initial)

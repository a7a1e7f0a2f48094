"""Asking for access: find a role, then the form of its own pathway."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest, Grant, Role
from jitportal.operations import limits, policies, requests
from jitportal.rules.vocabulary import Pathway
from jitportal.web import fetch, step_up
from jitportal.web.forms.asking import AskForm, JitForm, StartForm, TemporaryForm, said_before
from jitportal.web.forms.search import SearchForm
from jitportal.web.http import PortalRequest, now_of, typed
from jitportal.web.presenters import asking, roles
from jitportal.web.refusals import form_page, refusals_shown_in

FORMS: dict[Pathway, type[StartForm]] = {Pathway.TEMPORARY: TemporaryForm, Pathway.JIT: JitForm}


@require_safe
def find(request: PortalRequest) -> HttpResponse:
    """The page; or, while one types, only what was found."""
    form = SearchForm(request.GET if "q" in request.GET else None)
    if form.words:
        with refusals_shown_in(form):
            limits.take("search", request.user.pk)
    context = {"finding": roles.find(request.user, form.words, request.GET.getlist("role"))}
    partial = request.htmx and not request.htmx.history_restore_request and form.status == HTTPStatus.OK
    answer = form_page(
        request, "requests/_found_live.html" if partial else "requests/find.html", form, context
    )
    answer.headers["Vary"] = "HX-Request"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def temporary(request: PortalRequest, role_key: str) -> HttpResponse:
    return _pathway_form(request, role_key, Pathway.TEMPORARY)


@require_http_methods(["GET", "HEAD", "POST"])
def jit(request: PortalRequest, role_key: str) -> HttpResponse:
    return _pathway_form(request, role_key, Pathway.JIT)


def _pathway_form(request: PortalRequest, role_key: str, pathway: Pathway) -> HttpResponse:
    role = fetch.role(request, role_key)
    if role.pathway != pathway:
        return _wrong_pathway(request, role, pathway)
    return asking_page(request, role, cloned_from=None)


def _wrong_pathway(request: PortalRequest, role: Role, pathway: Pathway) -> HttpResponse:
    """Never a silent switch: the pathways differ in who decides, for how long, and what is watched."""
    context = {"role": role, "asked": pathway, "address": roles.form_address(role)}
    return render(request, "requests/wrong_pathway.html", context, status=404)


def asking_page(request: PortalRequest, role: Role, *, cloned_from: AccessRequest | None) -> HttpResponse:
    """The form of a new request, prefilled where it repeats an earlier one."""
    rules = policies.current_rules(role.key)
    if rules is None:
        return render(request, "requests/not_offered.html", {"role": role}, status=404)
    initial = said_before(cloned_from, again=True) if cloned_from else {}
    form = FORMS[rules.pathway](rules, now_of(request), typed_ask(request), initial=initial)
    if is_sent(request, form):
        with refusals_shown_in(form):
            limits.take("request", request.user.pk)
            made = requests.submit(
                actor=request.user, ask=form.ask(cloned_from=cloned_from), proof=step_up.given(request)
            )
            messages.success(request, f"Your request for {made.role} is made.")
            return redirect("request_detail", made.pk)
    return ask_answer(request, "requests/ask.html", role, form, cloned_from=cloned_from)


def is_sent(request: PortalRequest, form: AskForm) -> bool:
    """Whether the form is to be carried out: posted, well formed, and not only to look."""
    only_looks = "look" in request.POST or "instead" in request.POST
    return request.method == "POST" and not only_looks and form.is_valid()


def typed_ask(request: PortalRequest) -> QueryDict | None:
    """What was typed into a request's form; with the scope and minutes of "Ask for that instead", where
    that was clicked. It may have been clicked in the form of another role: what was typed goes along.
    """
    said = typed(request)
    scope, _, minutes = said.get("instead", "").partition(" ") if said else ("", "", "")
    if said is None or not minutes:
        return said
    changed = said.copy()
    changed["scope"], changed["minutes_number"], changed["minutes_unit"] = scope, minutes, "minutes"
    return changed


def ask_answer(
    request: PortalRequest,
    template: str,
    role: Role,
    form: AskForm,
    *,
    renewal_of: Grant | None = None,
    editing: AccessRequest | None = None,
    **context: object,
) -> HttpResponse:
    """The whole page; or, where the page itself asks while one types, only what would happen."""
    if request.method == "POST":
        asking.complain_at_once(request.user, form, renewal_of)
    outlook = asking.outlook(request.user, role, form, renewal_of, editing)
    context |= {"role": role, "rules": form.rules, "outlook": outlook}
    if request.htmx:
        answer = render(request, "requests/_outlook.html", context)
    else:
        answer = form_page(request, template, form, context)
    answer.headers["Vary"] = "HX-Request"
    return answer

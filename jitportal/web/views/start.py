"""Asking for access: find a role, then the form of its own pathway."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import AccessRequest, Role
from jitportal.operations import policies, requests
from jitportal.rules.policy import RoleRules
from jitportal.rules.vocabulary import Pathway
from jitportal.web import fetch
from jitportal.web.forms.asking import JitForm, StartForm, TemporaryForm, said_before
from jitportal.web.forms.search import SearchForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters import asking, roles
from jitportal.web.refusals import form_page, refusals_shown_in

FORMS: dict[Pathway, type[StartForm]] = {Pathway.TEMPORARY: TemporaryForm, Pathway.JIT: JitForm}


@require_safe
def find(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET or None)
    words = form.words
    context = {"words": words, "finding": roles.find(request.user, words)}
    return form_page(request, "requests/find.html", form, context)


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
    form = _form(request, rules, cloned_from)
    if request.method == "POST" and form.is_valid() and "look" not in request.POST:
        with refusals_shown_in(form):
            made = requests.submit(actor=request.user, ask=form.ask(cloned_from=cloned_from))
            messages.success(request, f"Your request for {made.role} is made.")
            return redirect("request_detail", made.pk)
    return ask_answer(request, role, form, cloned_from=cloned_from)


def _form(request: PortalRequest, rules: RoleRules, cloned_from: AccessRequest | None) -> StartForm:
    initial = said_before(cloned_from, again=True) if cloned_from else {}
    data = request.POST if request.method == "POST" else (request.GET if request.htmx else None)
    return FORMS[rules.pathway](rules, now_of(request), data, initial=initial)


def ask_answer(request: PortalRequest, role: Role, form: StartForm, **context: object) -> HttpResponse:
    """The whole page; or, where the page itself asks while one types, only what would happen."""
    if request.htmx:
        form.full_clean()
    outlook = asking.outlook(request.user, role, form)
    context |= {"role": role, "rules": form.rules, "outlook": outlook}
    if request.htmx:
        answer = render(request, "requests/_outlook.html", context)
    else:
        answer = form_page(request, "requests/ask.html", form, context)
    answer.headers["Vary"] = "HX-Request"
    return answer

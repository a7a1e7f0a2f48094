"""The common changes of the policy by a form, which writes the document's text and opens it in the editor."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from jitportal.models import Person, PolicyVersion
from jitportal.operations import policies
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.permissions import Verb
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import LineProblem, PolicyDocumentError
from jitportal.rules.policy_edits import with_caps, with_eligibility, with_role
from jitportal.web import fetch
from jitportal.web.forms.policy import PolicyForm
from jitportal.web.forms.policy_changes import CapsForm, ChangeForm, EligibilityForm, NewRoleForm
from jitportal.web.http import PortalRequest
from jitportal.web.presenters.policy_editor import checked, first_changed
from jitportal.web.refusals import form_page, refusals_shown_in
from jitportal.web.views.policy_editor import editor_page

#: So many people are suggested while one types; others are typed in full.
MOST_SUGGESTED = 300
#: The form's field for what a problem with a new role's key is about.
FIELDS = {
    "max_minutes": "longest",
    "max_hours": "longest",
    "max_days": "longest",
    "stages": "decides",
    "eligible": "people",
}


@require_http_methods(["GET", "HEAD", "POST"])
def policy_new_role(request: PortalRequest) -> HttpResponse:
    version = _in_force(request)
    document = policies.document_of(version)
    form = NewRoleForm(
        request.POST if request.method == "POST" else None,
        pathways=document.pathways,
        targets=document.targets,
    )
    if form.is_valid():
        answer = _edited(
            request, form, version, lambda: with_role(version.text, form.role()), form.role().key
        )
        if answer is not None:
            return answer
    known = Person.objects.active().order_by("username").values_list("username", "name")[:MOST_SUGGESTED]
    return form_page(request, "policy/new_role.html", form, {"version": version, "known": known})


@require_http_methods(["GET", "HEAD", "POST"])
def policy_eligible(request: PortalRequest, key: str) -> HttpResponse:
    version = _in_force(request)
    rules = _rules(version, key)
    form = EligibilityForm(request.POST if request.method == "POST" else None, rules=rules)
    if form.is_valid():
        answer = _edited(
            request, form, version, lambda: with_eligibility(version.text, key, form.change()), key
        )
        if answer is not None:
            return answer
    return form_page(request, "policy/role_eligible.html", form, {"version": version, "rules": rules})


@require_http_methods(["GET", "HEAD", "POST"])
def policy_caps(request: PortalRequest, key: str) -> HttpResponse:
    version = _in_force(request)
    rules = _rules(version, key)
    form = CapsForm(request.POST if request.method == "POST" else None, rules=rules)
    if form.is_valid():
        answer = _edited(request, form, version, lambda: with_caps(version.text, key, form.caps()), key)
        if answer is not None:
            return answer
    return form_page(request, "policy/role_caps.html", form, {"version": version, "rules": rules})


def _in_force(request: PortalRequest) -> PolicyVersion:
    fetch.require(request, Verb.POLICY_PROPOSE)
    version = policies.current_version()
    if version is None:
        raise PolicyRefuses("No policy is in force yet. The operator's command brings the first one in.")
    return version


def _rules(version: PolicyVersion, key: str) -> RoleRules:
    rules = policies.role_rules(version, key)
    if rules is None:
        raise Http404
    return rules


def _edited(
    request: PortalRequest, form: ChangeForm, version: PolicyVersion, edit: Callable[[], str], role: str
) -> HttpResponse | None:
    """The editor with the changed text; None where the form has to say what is wrong with the change."""
    text = None
    with refusals_shown_in(form):
        text = edit()
    if text is None:
        return None
    try:
        policies.check(text)
    except PolicyDocumentError as error:
        own = [problem for problem in error.problems if problem.path.startswith(f"roles.{role}")]
        if len(own) == len(error.problems):
            _refuse(form, own)
            return None
        # something else in the policy has become wrong: it shows at its line, to be mended along
    initial = {"text": text, "note": form.cleaned_data["note"], "base": version.number}
    written = first_changed(version.text, text)
    return editor_page(request, PolicyForm(initial=initial), checked(text), written=written)


def _refuse(form: ChangeForm, problems: list[LineProblem]) -> None:
    for problem in problems:
        step = problem.path.split(".")[2] if problem.path.count(".") > 1 else ""
        form.refuse(problem.sentence, FIELDS.get(step, step), 422)

"""The common changes of the policy by a form, which writes the document's text and opens it in the editor.

Several changes go into one proposal: each form writes into the draft that the editor sends it, and the editor
opens with the draft that has the change, too. Nothing is stored in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from jitportal.models import Person, PolicyVersion
from jitportal.operations import policies
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.permissions import Verb
from jitportal.rules.policy import RoleRules
from jitportal.rules.policy_document import LineProblem, PolicyDocument, PolicyDocumentError
from jitportal.rules.policy_edits import with_caps, with_eligibility, with_pathway_cap, with_role
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


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form writes into. ``carried``: the editor has sent it, with changes in it already."""

    text: str
    base: int | None
    note: str
    document: PolicyDocument
    carried: bool

    @property
    def initial(self) -> dict[str, Any]:
        return {"text": self.text if self.carried else "", "base": self.base, "note": self.note}

    def rules(self, key: str) -> RoleRules:
        rules = self.document.roles.get(key)
        if rules is None:
            raise Http404
        return rules


@require_http_methods(["GET", "HEAD", "POST"])
def policy_new_role(request: PortalRequest) -> HttpResponse:
    return _change(request, _new_role)


@require_http_methods(["GET", "HEAD", "POST"])
def policy_eligible(request: PortalRequest, key: str) -> HttpResponse:
    return _change(request, lambda request, draft, sent: _eligible(request, draft, sent, key))


@require_http_methods(["GET", "HEAD", "POST"])
def policy_caps(request: PortalRequest, key: str) -> HttpResponse:
    return _change(request, lambda request, draft, sent: _caps(request, draft, sent, key))


@require_POST
def policy_change(request: PortalRequest) -> HttpResponse:
    """From the editor to a form, which goes on from the editor's text."""
    version = _in_force(request)
    form = PolicyForm(request.POST, request.FILES)
    if not form.is_valid():
        return editor_page(request, form)
    found = checked(form.read["text"])
    wanted, key = request.POST.get("change", ""), request.POST.get("role", "").strip()
    if found.misprints:
        form.refuse("A form can't write into this text yet: mend what is listed by line first.", "text", 422)
        return editor_page(request, form, found)
    draft = _drafted(form, version)
    if wanted == "role":
        return _new_role(request, draft, None)
    problem = _unknown(wanted, key, draft.document)
    if problem:
        form.refuse(problem, None, 422)
        return editor_page(request, form, found)
    return OF_A_ROLE[wanted](request, draft, None, key)


def _unknown(wanted: str, key: str, document: PolicyDocument) -> str:
    if wanted not in OF_A_ROLE:
        return "Choose what should change."
    if key in document.roles:
        return ""
    return f"There is no role “{key[:63]}” in this text." if key else "Say which role should change."


def _change(
    request: PortalRequest, page: Callable[[PortalRequest, Draft, QueryDict | None], HttpResponse]
) -> HttpResponse:
    """A form's page, over the draft that was sent with it, or over the policy in force."""
    version = _in_force(request)
    sent = request.POST if request.method == "POST" else None
    if sent is None or not sent.get("text", "").strip():
        draft = Draft(version.text, version.number, "", policies.document_of(version), carried=False)
        return page(request, draft, sent)
    form = PolicyForm({name: sent.get(name, "") for name in ("text", "base", "note")})
    if not form.is_valid():
        return editor_page(request, form)
    found = checked(form.read["text"])
    if found.misprints:
        return editor_page(request, form, found)
    return page(request, _drafted(form, version), sent)


def _drafted(form: PolicyForm, version: PolicyVersion) -> Draft:
    """The draft that the editor had, which loads."""
    text, note, carried = form.read["text"], form.read["note"], form.read["text"] != version.text
    base = form.read["base"] if carried else version.number
    return Draft(text, base, note, policies.document_in(text), carried)


def _new_role(request: PortalRequest, draft: Draft, sent: QueryDict | None) -> HttpResponse:
    document = draft.document
    form = NewRoleForm(sent, initial=draft.initial, pathways=document.pathways, targets=document.targets)
    known = Person.objects.active().order_by("username").values_list("username", "name")[:MOST_SUGGESTED]

    def edit() -> tuple[str, str]:
        return form.role().key, with_role(draft.text, form.role())

    context = {"known": known, "action": reverse("policy_new_role")}
    return _answer(request, "policy/new_role.html", form, draft, edit, context)


def _eligible(request: PortalRequest, draft: Draft, sent: QueryDict | None, key: str) -> HttpResponse:
    rules = draft.rules(key)
    form = EligibilityForm(sent, initial=draft.initial, rules=rules)

    def edit() -> tuple[str, str]:
        return key, with_eligibility(draft.text, key, form.change())

    context = {"rules": rules, "action": reverse("policy_eligible", args=[key])}
    return _answer(request, "policy/role_eligible.html", form, draft, edit, context)


def _caps(request: PortalRequest, draft: Draft, sent: QueryDict | None, key: str) -> HttpResponse:
    rules = draft.rules(key)
    cap = draft.document.pathways[rules.pathway].max_minutes
    form = CapsForm(sent, initial=draft.initial, rules=rules, cap=cap)

    def edit() -> tuple[str, str]:
        """The wider of the two first: a role's length never passes its pathway's in between."""
        text, wanted = draft.text, form.pathway_cap()
        if wanted > cap:
            text = with_pathway_cap(text, rules.pathway, wanted)
        if form.caps() != form.now:
            text = with_caps(text, key, form.caps())
        return key, with_pathway_cap(text, rules.pathway, wanted) if wanted < cap else text

    context = {"rules": rules, "action": reverse("policy_caps", args=[key])}
    return _answer(request, "policy/role_caps.html", form, draft, edit, context)


#: The forms that change a role, by the names that the editor has for them.
OF_A_ROLE = {"eligible": _eligible, "caps": _caps}


def _in_force(request: PortalRequest) -> PolicyVersion:
    fetch.require(request, Verb.POLICY_PROPOSE)
    version = policies.current_version()
    if version is None:
        raise PolicyRefuses("No policy is in force yet. The operator's command brings the first one in.")
    return version


def _answer(
    request: PortalRequest,
    template: str,
    form: ChangeForm,
    draft: Draft,
    edit: Callable[[], tuple[str, str]],
    context: dict[str, Any],
) -> HttpResponse:
    """The editor with the changed text; the form again where it has to say what is wrong with the change.

    ``edit`` gives the key of the role that changes, and the text.
    """
    if form.is_valid():
        answer = _edited(request, form, draft, edit)
        if answer is not None:
            return answer
    return form_page(request, template, form, {"draft": draft, **context})


def _edited(
    request: PortalRequest, form: ChangeForm, draft: Draft, edit: Callable[[], tuple[str, str]]
) -> HttpResponse | None:
    made = None
    with refusals_shown_in(form):
        made = edit()
    if made is None:
        return None
    role, text = made
    try:
        policies.check(text)
    except PolicyDocumentError as error:
        own = [problem for problem in error.problems if problem.path.startswith(f"roles.{role}")]
        if len(own) == len(error.problems):
            _refuse(form, own)
            return None
        # something else in the policy has become wrong: it shows at its line, to be mended along
    initial = {"text": text, "note": form.cleaned_data["note"], "base": draft.base}
    written = first_changed(draft.text, text)
    return editor_page(request, PolicyForm(initial=initial), checked(text), written=written)


def _refuse(form: ChangeForm, problems: list[LineProblem]) -> None:
    for problem in problems:
        step = problem.path.split(".")[2] if problem.path.count(".") > 1 else ""
        form.refuse(problem.sentence, FIELDS.get(step, step), 422)

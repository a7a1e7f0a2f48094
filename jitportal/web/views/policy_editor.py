"""The policy editor: a text is checked by line, planned, and proposed; and two versions are compared."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.rules.permissions import Verb
from jitportal.web import fetch
from jitportal.web.forms.policy import PolicyForm, VersionsForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters import policies as presenter
from jitportal.web.presenters.policy_editor import Checked, Editor, checked, clash, wrong_lines
from jitportal.web.presenters.second_person import second_people
from jitportal.web.refusals import form_page, refusals_shown_in

#: Of so many versions two can be chosen from a list; others by their numbers in the address.
MOST_CHOICES = 100


@require_http_methods(["GET", "HEAD", "POST"])
def policy_propose(request: PortalRequest) -> HttpResponse:
    """A text is first checked and its plan shown; the same text can then be proposed."""
    fetch.require(request, Verb.POLICY_PROPOSE)
    if request.method != "POST":
        return _begun_page(request)
    form = PolicyForm(request.POST, request.FILES)
    if request.htmx:
        return _live_panel(request, form)
    if not form.is_valid():
        return editor_page(request, form)
    _take_in_theirs(request, form)
    found = checked(form.read["text"])
    if found.misprints:
        form.refuse("This document can't be proposed yet: its problems are listed by line.", "text", 422)
    elif "propose" in request.POST and form.is_planned and _may_be_proposed(form):
        with refusals_shown_in(form):
            version = policies.propose(
                actor=request.user,
                text=form.cleaned_data["text"],
                note=form.cleaned_data["note"],
                against=form.cleaned_data["base"],
            )
            messages.success(
                request, f"Policy {version.number} is proposed. Now a second person has to approve."
            )
            return redirect("policy_version", version.number)
    return editor_page(request, form, found, asked_to_propose="propose" in request.POST)


@require_safe
def policy_difference(request: PortalRequest) -> HttpResponse:
    """What changed from one version to another, whichever two they are."""
    fetch.require(request, Verb.POLICY_VIEW)
    form = VersionsForm(request.GET or None)
    versions = list(PolicyVersion.objects.defer("text")[:MOST_CHOICES])
    context: dict[str, object] = {}
    if form.is_valid():
        old, new = (
            get_object_or_404(PolicyVersion, number=form.cleaned_data[name]) for name in ("old", "new")
        )
        versions += [one for one in (old, new) if one not in versions]
        context = {"old": old, "new": new, "difference": presenter.difference_of(old.text, new.text)}
    context["listed"] = [(version, presenter.badge_of(version)) for version in versions]
    return form_page(request, "policy/difference.html", form, context)


def editor_page(
    request: PortalRequest,
    form: PolicyForm,
    found: Checked | None = None,
    *,
    asked_to_propose: bool = False,
    written: int = 0,
) -> HttpResponse:
    """The editor with what was typed, or written by a form, what is known of it, and any clash."""
    text = str(form["text"].value() or "").replace("\r\n", "\n")
    if found is not None and found.planned:
        form.show(planned=found.planned)
    form.fit()
    against = clash(_base_of(form), text)
    if against is not None and asked_to_propose and not form.refused:
        form.refuse(
            f"Policy {against.current.number} has come into force since this text was begun. Look at what it "
            "changed first.",
            None,
            409,
        )
    editor = Editor(
        clash=against,
        lines=form.lines,
        wrong=wrong_lines(found),
        unplanned=asked_to_propose and found is not None and not found.misprints and not form.errors,
        written=written,
        roles=_roles_in_force(),
        second=second_people(request.user, now_of(request)),
    )
    return form_page(request, "policy/propose.html", form, {"editor": editor, "checked": found})


def _roles_in_force() -> list[tuple[str, str]]:
    """Keys and names, for the field that suggests them."""
    version = policies.current_version()
    roles = policies.document_of(version).roles.values() if version else ()
    return [(rules.key, rules.name) for rules in roles][:MOST_CHOICES]


def _begun_page(request: PortalRequest) -> HttpResponse:
    """The text in force, a version's text to go on from, or an earlier one's to go back to."""
    version = policies.current_version()
    wanted, again = request.GET.get("version", ""), request.GET.get("again", "")
    note = ""
    if wanted.isdecimal() and len(wanted) < 10:
        begun = get_object_or_404(PolicyVersion.objects.select_related("base"), number=int(wanted))
        note, text = begun.note, begun.text
        base = begun.base.number if begun.base else None
    elif version and again.isdecimal() and len(again) < 10:
        begun = get_object_or_404(PolicyVersion, number=int(again))
        note, text, base = f"Back to policy {begun.number}.", begun.text, version.number
    else:
        text, base = (version.text, version.number) if version else ("", None)
    return editor_page(request, PolicyForm(initial={"text": text, "note": note, "base": base}))


def _live_panel(request: PortalRequest, form: PolicyForm) -> HttpResponse:
    """While one types: the problems or the plan alone, and never a refusal."""
    text = form.read.get("text", "")
    found = checked(text) if text.strip() else None
    context = {"form": form, "checked": found, "planned": found.planned if found else ""}
    return render(request, "policy/_checked.html", context)


def _take_in_theirs(request: PortalRequest, form: PolicyForm) -> None:
    """After a clash: go on from the version in force, with its changes in the text or without them."""
    against = clash(form.read["base"], form.read["text"])
    if against is None or not {"merge", "rebase"} & set(request.POST):
        return
    form.cleaned_data["base"] = against.current.number
    if "merge" in request.POST and against.merged is not None:
        form.cleaned_data["text"] = against.merged
    form.show(base=against.current.number, text=form.cleaned_data["text"])


def _may_be_proposed(form: PolicyForm) -> bool:
    if not form.cleaned_data["note"].strip():
        form.refuse("Say what this changes, and why.", "note", 422)
    return not form.errors


def _base_of(form: PolicyForm) -> int | None:
    value = str(form["base"].value() or "")
    return int(value) if value.isdecimal() and len(value) < 11 else None

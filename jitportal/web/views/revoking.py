"""Several grants revoked on one page: all that somebody holds, or all of a role."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from jitportal.models import Person, Role
from jitportal.operations import revoking
from jitportal.rules.step_up import Act
from jitportal.web import step_up
from jitportal.web.forms.grants import RevokeSeveralForm
from jitportal.web.http import PortalRequest
from jitportal.web.presenters import beforehand
from jitportal.web.refusals import form_page, refusals_shown_in


@require_http_methods(["GET", "HEAD", "POST"])
def of_person(request: PortalRequest, username: str) -> HttpResponse:
    person = get_object_or_404(Person.objects.humans(), username=username)
    return _page(request, f"What {person} holds", person=person)


@require_http_methods(["GET", "HEAD", "POST"])
def of_role(request: PortalRequest, key: str) -> HttpResponse:
    role = get_object_or_404(Role, key=key)
    return _page(request, f"Who holds {role}", role=role)


def _page(
    request: PortalRequest, title: str, *, person: Person | None = None, role: Role | None = None
) -> HttpResponse:
    """Lists what the viewer may revoke, all of it chosen. Who may revoke none of it learns nothing."""
    held = revoking.revocable(request.user, person=person, role=role)
    grants = held.grants
    if not grants:
        raise Http404
    form = RevokeSeveralForm(grants, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        chosen = set(form.cleaned_data["grants"])
        with refusals_shown_in(form):
            ended = revoking.revoke_several(
                actor=request.user,
                grants=[grant for grant in grants if str(grant.pk) in chosen],
                reason=form.cleaned_data["reason"],
                proof=step_up.given(request),
            )
            count = f"{len(ended)} grant{' is' if len(ended) == 1 else 's are'}"
            messages.success(request, f"{count} revoked. The targets are being told.")
            return redirect("my_access")
    context = {"title": title, "cut": held.cut, "factor": beforehand.of_act(request.user, Act.REVOKE_SEVERAL)}
    return form_page(request, "grants/revoke_several.html", form, context)

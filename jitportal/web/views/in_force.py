"""Everybody's access in force: for everybody, as each role's page is."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from jitportal.web.forms.search import SearchForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.in_force import in_force
from jitportal.web.refusals import form_page


@require_safe
def grants(request: PortalRequest) -> HttpResponse:
    form = SearchForm(request.GET or None)
    form.fields["q"].label = "A person, a role or a system"
    form.fields["q"].widget.attrs["placeholder"] = ""
    context = {"words": form.words, "held": in_force(form.words, request.user, now_of(request))}
    return form_page(request, "grants/in_force.html", form, context)

"""The command palette: a search page for where to go, and what its dialog on every page asks."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jitportal.web.forms.search import PaletteForm
from jitportal.web.http import PortalRequest
from jitportal.web.presenters.palette import palette as palette_of
from jitportal.web.refusals import form_page


@require_safe
def palette(request: PortalRequest) -> HttpResponse:
    """The whole page; the results alone where the dialog asks."""
    form = PaletteForm(request.GET or None)
    context = {"palette": palette_of(request, form.words)}
    if request.htmx:
        answer = render(request, "palette/_results.html", context)
    else:
        answer = form_page(request, "palette/palette.html", form, context)
    answer.headers["Vary"] = "HX-Request"
    return answer

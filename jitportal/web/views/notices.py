"""One's own notices: what one was told of late, and how one wants to be told."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from jitportal.models import Notice
from jitportal.operations import channels, notice_choices
from jitportal.web.forms.notices import NoticesForm
from jitportal.web.http import PortalRequest
from jitportal.web.refusals import form_page, refusals_shown_in

MOST_SHOWN = 25


@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: PortalRequest) -> HttpResponse:
    offered = channels.people_may_choose()
    form = NoticesForm(
        request.POST if request.method == "POST" else None,
        choices=notice_choices.choices_of(request.user),
        channels=offered,
    )
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            notice_choices.choose(actor=request.user, choices=form.wishes())
            messages.success(request, "You are told as you chose from now on.")
            return redirect("notices")
    lately = Notice.objects.filter(recipient=request.user).order_by("-created_at", "-pk")[:MOST_SHOWN]
    context = {"lately": lately, "channels": offered}
    return form_page(request, "notices/notices.html", form, context)

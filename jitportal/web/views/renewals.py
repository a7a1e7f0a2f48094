"""Going on: a new, linked request that starts where the grant ends, for a fresh reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from jitportal.operations import limits, policies, requests
from jitportal.operations.stretches import stretch_of
from jitportal.rules.permissions import Verb
from jitportal.web import fetch, step_up
from jitportal.web.forms.asking import RenewalForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.decision import chain
from jitportal.web.refusals import refusals_shown_in
from jitportal.web.views.start import ask_answer, is_sent, typed_ask


@require_http_methods(["GET", "HEAD", "POST"])
def renew(request: PortalRequest, pk: int) -> HttpResponse:
    grant = fetch.grant(request, pk, Verb.GRANT_RENEW)
    rules = policies.current_rules(grant.role.key)
    if rules is None or grant.scope.key not in rules.scopes:
        return render(request, "requests/not_offered.html", {"role": grant.role}, status=404)
    used = stretch_of(grant, timedelta(minutes=rules.rest_minutes))
    left = max(0, rules.max_total_minutes - used)
    initial = {"minutes": max(1, min(rules.recommended_minutes, left))}
    form = RenewalForm(grant, rules, now_of(request), typed_ask(request), initial=initial)
    if is_sent(request, form):
        with refusals_shown_in(form):
            limits.take("request", request.user.pk)
            made = requests.submit(
                actor=request.user, ask=form.ask(renewal_of=grant), proof=step_up.given(request)
            )
            messages.success(request, f"Your request to go on with {made.role} is made.")
            return redirect("request_detail", made.pk)
    context: dict[str, Any] = {"grant": grant, "earlier": chain(grant), "used": used, "left": left}
    return ask_answer(request, "grants/renew.html", grant.role, form, renewal_of=grant, **context)

"""One's own SSH keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from jitportal.models import SshKey
from jitportal.operations import ssh_keys
from jitportal.rules.permissions import Verb
from jitportal.web import fetch, step_up
from jitportal.web.forms.ssh import KeyForm
from jitportal.web.http import PortalRequest
from jitportal.web.refusals import form_page, refusals_shown_in


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: PortalRequest) -> HttpResponse:
    fetch.require(request, Verb.PROFILE_EDIT)
    form = KeyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            added = ssh_keys.add(actor=request.user, proof=step_up.given(request), **form.cleaned_data)
            messages.success(request, f"{added.name} is one of your keys now.")
            return redirect("you_keys")
    return form_page(request, "you/keys.html", form, {"keys": ssh_keys.keys_of(request.user)})


@require_POST
def key_remove(request: PortalRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(SshKey, pk=pk, person=request.user)
    ssh_keys.remove(actor=request.user, key=key)
    messages.success(request, f"{key.name} is no longer one of your keys.")
    return redirect("you_keys")

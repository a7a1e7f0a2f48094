"""Certificates for the holder's own SSH key. Nothing in them is secret: they work with that key alone."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from jitportal.operations import certifying, ssh_keys
from jitportal.rules.permissions import Verb
from jitportal.web import fetch, step_up
from jitportal.web.forms.ssh import CertificateForm
from jitportal.web.http import PortalRequest
from jitportal.web.presenters import certificates as presenter
from jitportal.web.presenters.beforehand import of_way_in
from jitportal.web.refusals import form_page, refusals_shown_in
from jitportal.web.waiting import waits_for_target


@require_http_methods(["GET", "HEAD", "POST"])
def certificate(request: PortalRequest, pk: int) -> HttpResponse:
    """A POST signs the chosen key; the page then shows the certificate, and how to use it."""
    grant = fetch.grant(request, pk, Verb.GRANT_CERTIFY)
    if not certifying.gives_certificates(grant):
        raise Http404
    form = CertificateForm(
        request.POST if request.method == "POST" else None, keys=ssh_keys.keys_of(request.user)
    )
    if request.method == "POST" and form.is_valid():
        with refusals_shown_in(form):
            proof = step_up.given(request)
            with waits_for_target():
                made = certifying.certify(
                    actor=request.user, grant=grant, public_key=form.chosen, proof=proof
                )
            messages.success(request, f"Certificate {made.number} is signed.")
            return redirect("grant_certificate", pk)
    shown = presenter.shown(grant, certifying.certificates_of(grant))
    context = {"grant": grant, "shown": shown, "factor": of_way_in(request.user, grant)}
    return form_page(request, "grants/certificate.html", form, context)


@require_safe
def certificate_file(request: PortalRequest, pk: int, number: int) -> HttpResponse:
    """The certificate as the file that ssh takes."""
    grant = fetch.grant(request, pk, Verb.GRANT_CERTIFY)
    for found in certifying.certificates_of(grant):
        if found.number == number and grant.lease is not None:
            answer = HttpResponse(f"{found.text}\n", content_type="application/octet-stream")
            answer.headers["Content-Disposition"] = (
                f'attachment; filename="{presenter.file_name(grant.lease)}"'
            )
            return answer
    raise Http404

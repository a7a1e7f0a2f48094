"""Evidence about one use of break-glass as a file; and what verifies such files, for anybody."""

from __future__ import annotations

from inspect import getsource

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from jitportal.evidence import verify
from jitportal.operations import evidence, evidence_keys, limits
from jitportal.rules.permissions import Verb
from jitportal.web import fetch
from jitportal.web.http import PortalRequest


@require_POST
def incident_evidence(request: PortalRequest, pk: int) -> HttpResponse:
    review = fetch.incident_review(request, pk, Verb.EVIDENCE_EXPORT)
    limits.take("export", request.user.pk)
    name, data = evidence.take(actor=request.user, review=review)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(data, content_type="application/zip", headers=headers)


@login_not_required
@require_safe
def evidence_key(_request: HttpRequest) -> HttpResponse:
    """The public key that evidence is signed with. Looking makes none: the first evidence does."""
    pem = evidence_keys.public_pem()
    if not pem:
        raise Http404
    return HttpResponse(pem, content_type="application/x-pem-file")


@login_not_required
@require_safe
def evidence_program(_request: HttpRequest) -> HttpResponse:
    """The program that verifies evidence, which needs Python alone."""
    headers = {"Content-Disposition": 'attachment; filename="verify.py"'}
    return HttpResponse(getsource(verify), content_type="text/x-python; charset=utf-8", headers=headers)

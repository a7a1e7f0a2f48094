"""Several verdicts at once: staged, shown on one page, submitted once; and what came of each."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from jitportal.models import DecisionSubmission
from jitportal.operations import submissions
from jitportal.rules.errors import Conflict
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import VerdictOutcome
from jitportal.web import fetch
from jitportal.web.forms.verdicts import TogetherForm
from jitportal.web.http import PortalRequest, now_of
from jitportal.web.presenters.queue import queue_address
from jitportal.web.presenters.verdicts import Staged, refuse_stale, staged
from jitportal.web.refusals import refusals_shown_in

NOTHING = 422


@require_http_methods(["GET", "HEAD", "POST"])
def queue_verdicts(request: PortalRequest) -> HttpResponse:
    """``act`` says the step: ``all`` sets them all, ``change`` goes back, ``submit`` submits; else the
    summary comes next.
    """
    if request.method != "POST":
        together = TogetherForm(initial={"back": request.GET.get("back", "")})
        items = staged(request.user, now_of(request), request.GET.getlist("request"), None)
        return _staging(request, items, together)
    posted = _all_set(request.POST) if request.POST.get("act") == "all" else request.POST
    items = staged(request.user, now_of(request), posted.getlist("request"), posted)
    together = TogetherForm(posted)
    act = posted.get("act", "")
    if act == "submit" and _are_valid(items, together):
        return _submitted(request, items, together)
    if act in ("all", "change"):
        for item in items:
            item.form.show_anew()
        return _staging(request, items, together, on_the_way=True)
    refuse_stale(items)
    if not _are_valid(items, together):
        return _staging(request, items, together)
    chosen = [item for item in items if item.wish]
    context = {"items": items, "chosen": chosen, "later": len(items) - len(chosen), "together": together}
    return render(request, "verdicts/summary.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def submission_detail(request: PortalRequest, pk: int) -> HttpResponse:
    """What came of each verdict; POST has those given that were left when something went wrong."""
    if request.method == "POST":
        return _finished(request, fetch.submission(request, pk, Verb.VERDICTS_FINISH))
    submission = fetch.submission(request, pk)
    verdicts = list(
        submission.verdicts.select_related("request__requester", "request__role", "request__scope")
    )
    counts = {outcome: sum(1 for one in verdicts if one.outcome == outcome) for outcome in VerdictOutcome}
    context = {
        "submission": submission,
        "verdicts": verdicts,
        "stand": counts[VerdictOutcome.STANDS],
        "refused": counts[VerdictOutcome.REFUSED],
        "waiting": counts[VerdictOutcome.WAITING],
        "own": submission.approver_id == request.user.pk,
    }
    return render(request, "verdicts/submission.html", context)


def _all_set(posted: QueryDict) -> QueryDict:
    """What was posted, with the verdict for all in each form, and the reason for all where there is none."""
    changed = posted.copy()
    verdict, reason = posted.get("all_verdict", ""), posted.get("all_reason", "")
    for pk in posted.getlist("request"):
        if verdict:
            changed[f"r{pk}-verdict"] = verdict
        if reason and not posted.get(f"r{pk}-reason", "").strip():
            changed[f"r{pk}-reason"] = reason
    return changed


def _are_valid(items: Sequence[Staged], together: TogetherForm) -> bool:
    valid = [item.form.is_valid() for item in items]
    if not together.is_valid():
        return False
    if not any(item.wish for item in items):
        together.refuse("Choose a verdict for one of the requests at least.", None, NOTHING)
    return all(valid) and together.is_valid()


def _staging(
    request: PortalRequest, items: Sequence[Staged], together: TogetherForm, *, on_the_way: bool = False
) -> HttpResponse:
    """The page of the forms. On the way to it nothing has been refused, whatever is still missing."""
    statuses = [form.status for form in (together, *(item.form for item in items))]
    context = {
        "items": items,
        "together": together,
        "wrong": any(form.errors for form in (together, *(item.form for item in items))),
        "opened": on_the_way,
        "back": queue_address(str(together["back"].value() or "")),
    }
    status = 200 if on_the_way else max(statuses)
    return render(request, "verdicts/stage.html", context, status=status)


def _submitted(request: PortalRequest, items: Sequence[Staged], together: TogetherForm) -> HttpResponse:
    """Store them, then give them. What was stored stands, whatever happens to the rest."""
    wishes = [item.wish for item in items if item.wish]
    with refusals_shown_in(together):
        submission = submissions.submit(
            actor=request.user, token=together.cleaned_data["token"], wishes=wishes
        )
        return _finished(request, submission)
    return _staging(request, items, together)


def _finished(request: PortalRequest, submission: DecisionSubmission) -> HttpResponse:
    try:
        submissions.finish(actor=request.user, submission=submission)
    except Conflict as error:
        messages.warning(request, error.sentence)
    return redirect("submission_detail", submission.pk)

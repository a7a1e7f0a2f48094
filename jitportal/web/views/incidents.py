"""Post-incident reviews: who has to do what, and one review with all its steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from jitportal.models import Person, PostIncidentReview
from jitportal.operations import action_log_viewing, facts
from jitportal.rules.permissions import Verb
from jitportal.rules.step_up import Act
from jitportal.web import fetch
from jitportal.web.forms import incidents as forms
from jitportal.web.forms.base import PortalForm
from jitportal.web.http import PortalRequest, forget_reading, now_of
from jitportal.web.incident_acts import ACTS, DRAFTED
from jitportal.web.incident_forms import bound, seeing, unbound
from jitportal.web.incident_typed import beside, keep_draft, keep_the_rest, refuse_unkept, typed_in
from jitportal.web.presenters import incident_lists as lists
from jitportal.web.presenters import incidents as presenter
from jitportal.web.presenters.beforehand import of_act
from jitportal.web.refusals import form_page, refusals_shown_in

#: One viewing of an action log, with its reloads and with what is handed in meanwhile.
VIEWING_SECONDS = 4 * 60 * 60
_SALT = "jitportal.action_log"
#: So many people are suggested for what is to be done; others are typed in full.
MOST_SUGGESTED = 300


@require_safe
def incident_reviews(request: PortalRequest) -> HttpResponse:
    return render(request, "incidents/reviews.html", {"desk": lists.desk_of(request)})


@require_http_methods(["GET", "HEAD", "POST"])
def incident_review(request: PortalRequest, pk: int) -> HttpResponse:
    review = fetch.incident_review(request, pk)
    views_log = _views_log(request, review)
    name, sent, typed = "", PortalForm(), beside(request, review)
    if request.method == "POST":
        name = _act(request)
        if "draft" in request.POST and name not in DRAFTED:
            keep_the_rest(request, review, "", views_log=views_log)
            return redirect(request.get_full_path())
        name = name or "state"
        review = fetch.incident_review(request, pk, ACTS[name].verb)
        sent, typed = bound(review, name, request.POST, views_log=views_log), typed_in(request.POST, but=name)
        drafted = "draft" in request.POST and isinstance(sent, forms.DraftedForm)
        if drafted or sent.is_valid():
            with refusals_shown_in(sent):
                keep_the_rest(request, review, name, views_log=views_log)
                refuse_unkept(review, sent) if name == "sign" else None
                said = keep_draft(request, review, name) if drafted else ACTS[name].do(request, review, sent)
                messages.success(request, said)
                return redirect(request.get_full_path())
        forget_reading(request)
        review = fetch.incident_review(request, pk)
    shown = unbound(review, request.user, views_log=views_log, typed=typed)
    shown |= {name: seeing(review, sent)} if name else {}
    page = presenter.page_of(request, review)
    others = Person.objects.active().exclude(pk=review.responder_id or 0)
    context = {
        "page": page,
        "views_log": views_log,
        "forms": shown,
        # somebody was faster, and the form isn't there any more: what was typed still is
        "stranded": _stranded(shown, page.turn, (name, *typed) if name else ()),
        "people": others.order_by("name")[:MOST_SUGGESTED],
        "signing": of_act(request.user, Act.SIGN_REVIEW),
    }
    return form_page(request, "incidents/review.html", sent, context)


@require_POST
def incident_log(request: PortalRequest, pk: int) -> HttpResponse:
    """Write the viewing down, then show the log: reading alone changes nothing, so this is a click. What is
    typed on the page meanwhile is kept.
    """
    review = fetch.incident_review(request, pk, Verb.ACTION_LOG_VIEW)
    if _act(request) in DRAFTED:
        keep_the_rest(request, review, "", views_log=True)
    action_log_viewing.viewed(actor=request.user, review=review)
    token = signing.TimestampSigner(salt=_SALT).sign(f"{review.pk}.{request.user.pk}")
    where = "determination" if "marks" in request.POST else "action-log"
    return redirect(f"{reverse('incident_review', args=[pk])}?{urlencode({'log': token})}#{where}")


@require_POST
def incident_draft(request: PortalRequest, pk: int) -> HttpResponse:
    """What is typed is kept meanwhile; the answer is a word beside the form."""
    name = _act(request)
    name = name if name in DRAFTED else "state"
    review = fetch.incident_review(request, pk, ACTS[name].verb)
    form = bound(review, name, request.POST, views_log=True)
    with refusals_shown_in(form):
        keep_draft(request, review, name)
        keep_the_rest(request, review, name, views_log=True)
    context = {"problems": list(form.errors.values()) if form.refused else [], "at": now_of(request)}
    return render(request, "incidents/_saved.html", context)


def _act(request: PortalRequest) -> str:
    """Which form was sent: the button's, or else the step's that stands on the page."""
    said = (request.POST.get("act", ""), request.POST.get("drafted", ""))
    return next((name for name in said if name in ACTS), "")


def _stranded(shown: Mapping[str, PortalForm], turn: presenter.Turn, sent: Iterable[str]) -> list[PortalForm]:
    return [shown[name] for name in sent if name in shown and name not in turn.forms]


def _views_log(request: PortalRequest, review: PostIncidentReview) -> bool:
    """Whether this person's viewing of the action log was written down lately."""
    try:
        said = signing.TimestampSigner(salt=_SALT).unsign(request.GET.get("log", ""), max_age=VIEWING_SECONDS)
    except signing.BadSignature:
        return False
    may_view = fetch.answer(request, Verb.ACTION_LOG_VIEW, facts.relations(request.user, review))
    return said == f"{review.pk}.{request.user.pk}" and bool(may_view)

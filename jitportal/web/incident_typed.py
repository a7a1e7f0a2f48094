"""What is typed on a review's page and not sent with the act that was clicked: none of it is lost.

The page is one form, so that each act brings along all that stands on it. The step that keeps drafts is saved
as one; the small forms beside it wait in the session until they are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.text import normalize_newlines

from jitportal.models import PostIncidentReview
from jitportal.operations import post_incident_versions
from jitportal.rules.errors import Invalid
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.incidents import DraftedForm
from jitportal.web.http import PortalRequest
from jitportal.web.incident_acts import DRAFTED
from jitportal.web.incident_forms import Typed, bound, kept_remediation, unbound

#: In the session: the review, and what is typed beside its steps.
BESIDE = "beside"
#: More than this isn't kept there: no form of this page takes as much.
LARGEST = 100_000


def typed_in(sent: Mapping[str, Any], *, but: str = "") -> Typed:
    """What was sent of each form, other than the act's own."""
    found: Typed = {}
    for html, value in sent.items():
        name, dash, field = html.partition("-")
        if dash and name != but:
            found.setdefault(name, {})[field] = str(value)
    return found


def beside(request: PortalRequest, review: PostIncidentReview) -> Typed:
    """What this person has typed beside the steps of this review, and not sent."""
    kept = request.session.get(BESIDE) or {}
    return dict(kept["typed"]) if kept.get("review") == review.pk else {}


def keep_draft(request: PortalRequest, review: PostIncidentReview, name: str) -> str:
    """Save what is typed of one step, for its author alone; gives the sentence that says so."""
    form = bound(review, name, request.POST, views_log=True)
    typed = form.typed if isinstance(form, DraftedForm) else {}
    if not any(field.startswith("mark-") for field in typed):  # the log wasn't open: its marks stay
        before = post_incident_versions.draft_of(review, request.user, DRAFTED[name])
        kept = before.typed.items() if before is not None else ()
        typed = {**{key: said for key, said in kept if key.startswith(("mark-", "note-"))}, **typed}
    post_incident_versions.save_draft(actor=request.user, review=review, step=DRAFTED[name], typed=typed)
    return "Your draft is saved. You alone see it."


def keep_the_rest(request: PortalRequest, review: PostIncidentReview, act: str, *, views_log: bool) -> None:
    """Keep what stands on the page and differs from what it showed, but the act's own form."""
    shown = unbound(review, request.user, views_log=views_log)
    rest = {
        name: said
        for name, said in typed_in(request.POST, but=act).items()
        if name in shown and _differs(shown[name], said)
    }
    for drafted in DRAFTED.keys() & rest:
        keep_draft(request, review, drafted)
    small = {name: said for name, said in rest.items() if name not in DRAFTED}
    fits = sum(len(text) for said in small.values() for text in said.values()) <= LARGEST
    if fits and (small or BESIDE in request.session):
        request.session[BESIDE] = {"review": review.pk, "typed": small}


def refuse_unkept(review: PostIncidentReview, sign: PortalForm) -> None:
    """Nobody signs without what they have just typed of what was put right."""
    said = typed_in(sign.data).get("remediate")
    if said is not None and _differs(kept_remediation(review), said):
        raise Invalid("What stands under “What is put right” isn't kept yet. Keep it first, then sign.")


def _differs(form: PortalForm, said: Mapping[str, str]) -> bool:
    return any(
        normalize_newlines(said.get(name, "")).strip() != _words(form.initial.get(name))
        for name, field in form.fields.items()
        if not field.widget.is_hidden
    )


def _words(value: object) -> str:
    """As a browser sends it: nothing for an empty box."""
    return normalize_newlines(str("on" if value is True else value or "")).strip()

"""The forms of one review: with what is stored or drafted in them, or with what was sent."""

from __future__ import annotations

from django.http import QueryDict

from jitportal.models import Person, PostIncidentReview
from jitportal.operations import post_incident_versions
from jitportal.operations.post_incident_facts import facts_of
from jitportal.rules.post_incident_words import Step
from jitportal.web.forms import incidents as forms
from jitportal.web.forms.base import PortalForm

#: What is typed and not sent: form -> field -> text.
Typed = dict[str, dict[str, str]]

#: The forms without anything in them at first.
_PLAIN: dict[str, type[PortalForm]] = {
    "return": forms.ReturnForm,
    "send_back": forms.SendBackForm,
    "name": forms.NameForm,
    "without": forms.WithoutForm,
    "confirm_rotation": forms.RotationForm,
    "override": forms.OverrideForm,
    "follow_up": forms.FollowUpForm,
    "rotate": forms.NothingToFill,
    "grant_override": forms.NothingToFill,
    "sign": forms.NothingToFill,
    "sign_second": forms.NothingToFill,
}
_KINDS: dict[str, type[PortalForm]] = {
    **_PLAIN,
    "state": forms.StatementForm,
    "remediate": forms.RemediationForm,
    "drill": forms.DrillForm,
}
_STATED = tuple(forms.StatementForm.base_fields)
_FOUND = ("classification", "criterion", "fit", "could_jit", "recording", "recording_reason", "finding")
_DONE = ("sessions_ended", "reverted", "person_outcome", "model_outcome", "outcome_note", "reportable_note")
_DRILL = ("scenario", "custody_note")


def bound(review: PostIncidentReview, name: str, sent: QueryDict, *, views_log: bool) -> PortalForm:
    """The form of one act, with what was sent. Lines of the action log are marked by who looks at it."""
    if name == "determine":
        lines = facts_of(review).lines if views_log else {}
        return forms.DeterminationForm(sent, lines=lines, drill=review.drill)
    return _KINDS[name](sent)


def seeing(review: PostIncidentReview, form: PortalForm) -> PortalForm:
    """The same form for what the page shows now: a determination that is sent again is of that."""
    if isinstance(form, forms.DeterminationForm) and form.is_bound:
        form.data = {**dict(form.data.items()), form.add_prefix("seen"): facts_of(review).digest}
    return form


def unbound(
    review: PostIncidentReview, person: Person, *, views_log: bool, typed: Typed | None = None
) -> dict[str, PortalForm]:
    """All of them: what is stored stands in them, over that what this person has drafted, and over that what
    they have typed and not sent.
    """
    known, typed = facts_of(review), typed or {}
    drill = {
        **_stored(review, _DRILL),
        "custody_checked": review.custody_checked_at is not None,
        "resealed": review.resealed_at is not None,
    }
    if "drill" in typed:  # browsers don't send empty boxes
        drill |= {"custody_checked": False, "resealed": False}
    determination = {
        **_stored(review, _FOUND),
        **_marked(review),
        **_drafted(review, person, Step.DETERMINATION),
        **typed.get("determine", {}),
        "seen": known.digest,
    }
    return {
        **{name: kind(initial=typed.get(name)) for name, kind in _PLAIN.items()},
        "state": forms.StatementForm(
            initial={
                **_stored(review, _STATED),
                **_drafted(review, person, Step.STATEMENT),
                **typed.get("state", {}),
            }
        ),
        "determine": forms.DeterminationForm(
            initial=determination, lines=known.lines if views_log else {}, drill=review.drill
        ),
        "remediate": forms.RemediationForm(
            initial={
                **_put_right(review),
                **_drafted(review, person, Step.REMEDIATION),
                **typed.get("remediate", {}),
            }
        ),
        "drill": forms.DrillForm(initial={**drill, **typed.get("drill", {})}),
    }


def kept_remediation(review: PostIncidentReview) -> PortalForm:
    """What was put right as it is stored: that is what a signature is about."""
    return forms.RemediationForm(initial=_put_right(review))


def _put_right(review: PostIncidentReview) -> dict[str, str]:
    reportable = {None: "", True: "yes", False: "no"}[review.reportable]
    return {**_stored(review, _DONE), "reportable": reportable}


def _stored(review: PostIncidentReview, names: tuple[str, ...]) -> dict[str, str]:
    return {name: getattr(review, name) for name in names}


def _marked(review: PostIncidentReview) -> dict[str, str]:
    marks: dict[str, str] = {}
    for mark in review.marks.all():
        marks[f"mark-{mark.key}"] = forms.EXPLAINED if mark.explained else forms.UNEXPLAINED
        marks[f"note-{mark.key}"] = mark.note
    return marks


def _drafted(review: PostIncidentReview, person: Person, step: Step) -> dict[str, str]:
    draft = post_incident_versions.draft_of(review, person, step)
    return dict(draft.typed) if draft is not None else {}

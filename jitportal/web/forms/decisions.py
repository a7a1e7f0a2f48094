"""The forms of the three verdicts, each bound to exactly what the approver saw."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Max

from jitportal.models import AccessRequest
from jitportal.operations import decisions
from jitportal.rules.durations import spoken
from jitportal.rules.policy import LONGEST_JUSTIFICATION
from jitportal.rules.vocabulary import Pathway, Verdict
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.lengths import LengthField, MinutesOrUnitsField

#: Longer than any window that a policy may allow, and still a number that databases hold.
MOST_MINUTES = 10_000_000


class VerdictForm(PortalForm):
    """``digest`` is the hash of what the form was shown with; ``seen`` says it so that a page can
    tell what has changed since. ``back`` is the queue as its approver had it, to go back to.
    """

    verdict: Verdict
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    back = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=LONGEST_JUSTIFICATION,
        error_messages={"required": "Say why, so that the requester knows what to do."},
    )

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {**_shown(access_request), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)

    def show_anew(self, access_request: AccessRequest) -> None:
        """Bind the form to the request as it reads now; what was typed stays."""
        fresh = {name: str(value) for name, value in _shown(access_request).items() if name in _BOUND}
        self.data = {**dict(self.data.items()), **fresh}


class ApproveForm(VerdictForm):
    """The approver may shorten, and may say something with it."""

    verdict = Verdict.APPROVE
    minutes = forms.IntegerField(
        label="Minutes",
        min_value=1,
        max_value=MOST_MINUTES,
        error_messages={
            "required": "Say for how many minutes.",
            "invalid": "Give a whole number of minutes.",
        },
    )
    field_order = ("minutes", "reason")

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(access_request, *args, **kwargs)
        if access_request.pathway == Pathway.TEMPORARY:  # nobody thinks of days in minutes
            self.fields["minutes"] = MinutesOrUnitsField(label="For how long", autofocus=True)
            self.order_fields(self.field_order)
        else:
            self.fields["minutes"].widget.attrs |= {"max": access_request.minutes, "autofocus": True}
        asked = spoken(access_request.minutes)
        self.fields["minutes"].help_text = f"You may shorten the {asked} that are asked for."
        self.fields["reason"].required = False
        self.fields["reason"].label = "Note for the requester and the record (optional)"

    @property
    def length_id(self) -> str:
        """Where the page has the number, for its button and its shorter lengths."""
        return "id_minutes_0" if self.unit_id else "id_minutes"

    @property
    def unit_id(self) -> str:
        return "id_minutes_1" if isinstance(self.fields["minutes"], LengthField) else ""


class DenyForm(VerdictForm):
    verdict = Verdict.DENY

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(access_request, *args, **kwargs)
        self.fields["reason"].label = "Why is it denied?"
        self.fields["reason"].widget.attrs["autofocus"] = True
        self.fields["reason"].help_text = "The requester reads this, and it stays in the record."


class SendBackForm(VerdictForm):
    verdict = Verdict.SEND_BACK

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(access_request, *args, **kwargs)
        self.fields["reason"].label = "What should the requester change, or explain?"
        self.fields["reason"].widget.attrs["autofocus"] = True


#: The form of each verdict.
FORMS: dict[Verdict, type[VerdictForm]] = {
    form.verdict: form for form in (ApproveForm, DenyForm, SendBackForm)
}
#: What the form is bound to, and follows the request when it is shown anew.
_BOUND = frozenset({"digest", "seen"})


def seen_of(access_request: AccessRequest) -> str:
    """What somebody sees who looks at the request now: revision, stage, minutes and latest verdict."""
    return seen_words(access_request, access_request.approvals.aggregate(last=Max("pk"))["last"] or 0)


def seen_words(access_request: AccessRequest, latest: int) -> str:
    """The same, where the id of the latest verdict is known."""
    revision = access_request.current
    number = revision.number if revision is not None else 0
    return f"{number}-{access_request.stage}-{access_request.minutes}-{latest}"


def _shown(access_request: AccessRequest) -> dict[str, object]:
    return {
        "digest": decisions.seen_digest(access_request),
        "seen": seen_of(access_request),
        "minutes": access_request.minutes,
    }

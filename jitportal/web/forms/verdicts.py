"""The forms of several verdicts at once: one for each request, and one for what they share."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms

from jitportal.models import AccessRequest
from jitportal.operations import decisions
from jitportal.operations.submissions import Wish
from jitportal.rules.durations import spoken
from jitportal.rules.policy import LONGEST_JUSTIFICATION
from jitportal.rules.vocabulary import Pathway, Verdict
from jitportal.web.forms.base import PortalForm
from jitportal.web.forms.decisions import MOST_MINUTES, seen_words
from jitportal.web.forms.lengths import MinutesOrUnitsField

LATER = ""
VERDICTS = [
    (LATER, "Leave it for later"),
    (Verdict.APPROVE.value, "Approve"),
    (Verdict.SEND_BACK.value, "Send back"),
    (Verdict.DENY.value, "Deny"),
]


class TogetherForm(PortalForm):
    """What the verdicts share. ``token`` makes the form one submission, however often it is sent."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    back = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)
    all_verdict = forms.ChoiceField(
        choices=[("", "Choose a verdict"), *VERDICTS[1:]], required=False, label="Verdict for all"
    )
    all_reason = forms.CharField(
        required=False,
        max_length=LONGEST_JUSTIFICATION,
        label="Reason for all that have none",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"token": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)


class StagedForm(PortalForm):
    """One verdict that isn't given yet. Shortening is the only change that an approver can make."""

    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)
    verdict = forms.ChoiceField(
        choices=VERDICTS,
        required=False,
        label="Verdict",
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of these."},
    )
    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_MINUTES,
        error_messages={"invalid": "Give a whole number of minutes."},
    )
    reason = forms.CharField(
        required=False,
        max_length=LONGEST_JUSTIFICATION,
        label="Reason, or a note",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    field_order = ("verdict", "minutes", "reason")

    def __init__(self, access_request: AccessRequest, latest: int, *args: Any, **kwargs: Any) -> None:
        """``latest`` is the id of the request's latest verdict."""
        self.access_request = access_request
        self.current = {
            "digest": decisions.seen_digest(access_request),
            "seen": seen_words(access_request, latest),
        }
        kwargs["initial"] = {**self.current, "minutes": access_request.minutes, "verdict": LATER}
        super().__init__(*args, prefix=f"r{access_request.pk}", **kwargs)
        most = access_request.minutes
        if access_request.pathway == Pathway.TEMPORARY:  # nobody thinks of days in minutes
            length = MinutesOrUnitsField(label=f"For how long, at most {spoken(most)}", required=False)
            self.fields["minutes"] = length
            self.order_fields(self.field_order)
        else:
            self.fields["minutes"].label = f"Minutes, at most {most}"
            self.fields["minutes"].widget.attrs["max"] = most

    def clean(self) -> None:
        verdict, minutes = self.cleaned_data.get("verdict"), self.cleaned_data.get("minutes")
        if verdict == Verdict.APPROVE and "minutes" not in self.errors:
            if minutes is None:
                self.add_error("minutes", "Say for how long.")
            elif minutes > self.access_request.minutes and not self.is_stale:
                most = spoken(self.access_request.minutes)
                self.add_error("minutes", f"Choose at most {most}: an approver may only shorten.")
        if verdict in (Verdict.DENY, Verdict.SEND_BACK) and not self.cleaned_data.get("reason"):
            self.add_error("reason", "Say why, so that the requester knows what to do.")

    @property
    def wish(self) -> Wish | None:
        """The verdict that is wanted; None for one that is left for later."""
        verdict = self.read.get("verdict")
        if not verdict:
            return None
        approves = verdict == Verdict.APPROVE
        return Wish(
            self.access_request,
            Verdict(verdict),
            digest=self.read.get("digest", ""),
            reason=self.read.get("reason", ""),
            minutes=self.read.get("minutes") if approves else None,
        )

    @property
    def is_stale(self) -> bool:
        """Whether the request reads otherwise now than when the form was shown."""
        return self.is_bound and self.data.get(self.add_prefix("digest")) != self.current["digest"]

    def show_anew(self) -> None:
        """Bind the form to the request as it reads now; what was typed stays."""
        fresh = {self.add_prefix(name): value for name, value in self.current.items()}
        self.data = {**dict(self.data.items()), **fresh}

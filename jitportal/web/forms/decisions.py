"""The forms of the three verdicts, each bound to exactly what the approver saw."""

from __future__ import annotations

from typing import Any

from django import forms

from jitportal.models import AccessRequest
from jitportal.operations import decisions
from jitportal.rules.policy import LONGEST_JUSTIFICATION
from jitportal.rules.vocabulary import Verdict
from jitportal.web.forms.base import PortalForm

#: Longer than any window that a policy may allow, and still a number that databases hold.
MOST_MINUTES = 10_000_000


class VerdictForm(PortalForm):
    """``digest`` is the hash of what the form was shown with; ``seen`` says it so that a page can
    tell what has changed since: revision, stage and minutes.
    """

    verdict: Verdict
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=LONGEST_JUSTIFICATION,
        error_messages={"required": "Say why, so that the requester knows what to do."},
    )

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).update(_shown(access_request))
        super().__init__(*args, **kwargs)

    def show_anew(self, access_request: AccessRequest) -> None:
        """Bind the form to the request as it reads now; what was typed stays."""
        fresh = {name: str(value) for name, value in _shown(access_request).items() if name in _HIDDEN}
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
        self.fields["minutes"].widget.attrs["max"] = access_request.minutes
        self.fields["minutes"].help_text = f"You may shorten the {access_request.minutes} that are asked for."
        self.fields["reason"].required = False
        self.fields["reason"].label = "Note for the requester and the record (optional)"


class DenyForm(VerdictForm):
    verdict = Verdict.DENY

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(access_request, *args, **kwargs)
        self.fields["reason"].label = "Why is it denied?"
        self.fields["reason"].help_text = "The requester reads this, and it stays in the record."


class SendBackForm(VerdictForm):
    verdict = Verdict.SEND_BACK

    def __init__(self, access_request: AccessRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(access_request, *args, **kwargs)
        self.fields["reason"].label = "What should the requester change?"
        self.fields["reason"].help_text = "They can edit the request and send it again."


_HIDDEN = frozenset({"digest", "seen"})


def _shown(access_request: AccessRequest) -> dict[str, object]:
    revision = access_request.current
    number = revision.number if revision is not None else 0
    return {
        "digest": decisions.seen_digest(access_request),
        "seen": f"{number}-{access_request.stage}-{access_request.minutes}",
        "minutes": access_request.minutes,
    }

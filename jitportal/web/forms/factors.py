"""Adding second factors. What the page was made with travels sealed, and is stored nowhere meanwhile."""

from __future__ import annotations

from django import forms

from jitportal.operations.factors import LONGEST_NAME
from jitportal.web.forms.base import PortalForm, ReasonForm
from jitportal.web.forms.search import SearchForm


class CodeInput(forms.TextInput):
    """A field for a one-time code: digits on a phone, and filled in by password managers."""

    def __init__(self) -> None:
        super().__init__(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "spellcheck": "false",
                "class": "mono code-input",
            }
        )


class CodesForm(PortalForm):
    """``setup`` is the app's secret, as ``web.views.factors`` sealed it."""

    setup = forms.CharField(widget=forms.HiddenInput, max_length=2_000, required=False)
    code = forms.CharField(
        label="The code that the app shows now",
        widget=CodeInput(),
        max_length=20,
        error_messages={"required": "Type the code that the app shows."},
    )


class PasskeyForm(PortalForm):
    """``setup`` is what the browser was asked for; ``answer`` is what it said."""

    setup = forms.CharField(widget=forms.HiddenInput, max_length=10_000, required=False)
    answer = forms.CharField(
        widget=forms.HiddenInput,
        max_length=64_000,
        error_messages={"required": "Your browser hasn't made a passkey. Press the button again."},
    )
    name = forms.CharField(
        label="Name it, so that you know it again",
        max_length=LONGEST_NAME,
        required=False,
        help_text="For example: laptop, or blue security key.",
    )


class HolderForm(SearchForm):
    """Whose they are."""

    q = forms.CharField(
        label="Their name or username",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


class ResetForm(ReasonForm):
    """Why somebody's second factors are reset."""

"""Looking for words in a recording."""

from __future__ import annotations

from django import forms

from jitportal.web.forms.base import PortalForm


class RecordingSearchForm(PortalForm):
    q = forms.CharField(
        label="Words",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )

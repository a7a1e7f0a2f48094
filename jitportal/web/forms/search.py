"""Words to look for."""

from __future__ import annotations

from django import forms

from jitportal.web.forms.base import PortalForm


class SearchForm(PortalForm):
    q = forms.CharField(
        label="What do you want to do?",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "read orders in production", "autocomplete": "off"}
        ),
    )

    @property
    def words(self) -> str:
        """What to look for; nothing where it can't be looked for."""
        return str(self.cleaned_data.get("q", "")) if self.is_bound and self.is_valid() else ""


class PaletteForm(SearchForm):
    """Where to go."""

    q = forms.CharField(
        label="A page, a role, a system, or a number",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )

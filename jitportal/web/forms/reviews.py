"""The after-use review: what the holder says, and what the reviewer finds."""

from __future__ import annotations

from django import forms

from jitportal.web.forms.base import PortalForm


def _words(label: str, help_text: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say it in a few words."},
    )


class StatementForm(PortalForm):
    statement = _words("What did you do, and with what result?", "Those who review it read this.")
    changes_left = _words(
        "What did you leave changed? (optional)", "Data, settings or files that stay.", required=False
    )


class DeterminationForm(PortalForm):
    prefix = "determine"
    determination = _words(
        "What do you find?", "Was the access used as it was asked for? This closes the review."
    )


class ReturnForm(PortalForm):
    prefix = "return"
    note = _words("What is missing?", "The holder is told, and hands it in again.")

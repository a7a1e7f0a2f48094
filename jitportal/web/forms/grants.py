"""Ending a grant early."""

from __future__ import annotations

from jitportal.web.forms.base import NoteForm, ReasonForm


class HandBackForm(NoteForm):
    field_names = {"reason": "note"}


class RevokeForm(ReasonForm):
    """The reason goes to the holder and into the record."""

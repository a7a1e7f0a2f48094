"""Ending a grant early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from jitportal.models import AccessRequest, Grant
from jitportal.web.forms.base import NoteForm, ReasonForm


class HandBackForm(NoteForm):
    """With what goes on from the grant, or waits to, if the holder wants that: at first, yes."""

    field_names = {"reason": "note"}
    renewal = forms.BooleanField(
        label="Hand its renewal back too",
        help_text="Otherwise the renewal starts by itself at its time.",
        required=False,
        initial=True,
    )
    field_order = ("renewal", "note")

    def __init__(self, renewal: Grant | None, asked: AccessRequest | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asked is not None and renewal is None:
            self.fields["renewal"].label = "Withdraw the request to go on, too"
            self.fields["renewal"].help_text = "Otherwise it still waits, and begins when it is approved."
        elif renewal is None:
            del self.fields["renewal"]


class RevokeSeveralForm(ReasonForm):
    """Which of these grants, all of them at first, and why."""

    grants = forms.MultipleChoiceField(
        label="Grants",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "Choose one of them at least.",
            "invalid_choice": "One of these has ended, or isn't yours to revoke. Look at the list again.",
        },
    )
    field_order = ("grants", "reason")

    def __init__(self, listed: Sequence[Grant], *args: Any, **kwargs: Any) -> None:
        pks = [str(grant.pk) for grant in listed]
        kwargs["initial"] = {"grants": pks, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        words = [f"{grant.role} ({grant.scope}) of {grant.person}" for grant in listed]
        cast("forms.MultipleChoiceField", self.fields["grants"]).choices = list(zip(pks, words, strict=True))


class RevokeForm(ReasonForm):
    """The reason goes to the holder and into the record."""

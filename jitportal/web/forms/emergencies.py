"""The forms of break-glass. What may be is asked below; here is what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from jitportal.rules.durations import spoken
from jitportal.rules.emergencies import LONGEST_INCIDENT, Claim
from jitportal.rules.plain_text import LONGEST_WORDS
from jitportal.rules.policy import RoleRules
from jitportal.web.forms.base import NoteForm, PortalForm, ReasonForm
from jitportal.web.forms.lengths import LengthField

#: Between a role's key, a scope's and an account's: none of them has it.
_BETWEEN = " "


def _words(label: str, help_text: str, needed: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": needed},
    )


class ActivateForm(PortalForm):
    """``roles``: those of whose population the person is; ``accounts`` and ``criteria``: keys and names."""

    field_names = {"role": "use", "scope": "use", "account": "use"}

    criterion = forms.ChoiceField(
        label="Which criterion holds?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the criterion that holds. Without one there is no break-glass."},
    )
    incident = forms.CharField(
        label="Incident (its reference)",
        required=False,
        max_length=LONGEST_INCIDENT,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    broken = _words(
        "What is broken?",
        "Those who are alerted read this first.",
        "Say what is broken.",
    )
    expected = _words(
        "What do you expect to do?",
        "The review compares it with what was done. Doing something else is allowed; say why afterwards.",
        "Say what you expect to do.",
    )
    use = forms.ChoiceField(
        label="Which access?", widget=forms.RadioSelect, error_messages={"required": "Choose what you need."}
    )
    minutes = LengthField(label="For how long?")
    drill = forms.BooleanField(
        label="This is a drill",
        help_text="Everything happens for real, and is marked as a drill. Security is forewarned.",
        required=False,
    )

    def __init__(
        self,
        *args: Any,
        roles: Sequence[RoleRules],
        accounts: dict[str, str],
        criteria: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.roles = roles
        choices = [
            (
                _BETWEEN.join((role.key, scope.key, account)),
                f"{role.name}, {scope.name}, as {accounts[account]}",
            )
            for role in roles
            for scope in role.scopes.values()
            for account in role.accounts
            if account in accounts
        ]
        self.fields["use"].choices = choices  # type: ignore[attr-defined]
        self.fields["criterion"].choices = criteria  # type: ignore[attr-defined]
        longest = max((role.max_minutes for role in roles), default=0)
        self.fields["minutes"].help_text = f"At most {spoken(longest)}. You can extend it, and hand it back."
        self.initial.setdefault("minutes", min(longest, 30))
        account = self.initial.get("account")
        likely = [use for use, _ in choices if use.split(_BETWEEN)[2] == account] if account else []
        if len(uses := likely or [use for use, _ in choices]) == 1:
            self.initial.setdefault("use", uses[0])

    def claim(self) -> Claim:
        """What was typed, once the form is valid."""
        said = self.cleaned_data
        role, scope, account = said["use"].split(_BETWEEN)
        return Claim(
            role_key=role,
            scope=scope,
            account=account,
            criterion=said["criterion"],
            incident=said["incident"],
            broken=said["broken"],
            expected=said["expected"],
            minutes=said["minutes"],
            drill=said["drill"],
        )


class EndForm(ReasonForm):
    """The reason goes to the responder, to everybody who was alerted, and into the review."""


class GiveBackForm(NoteForm):
    field_names = {"reason": "note"}


class ExtendForm(PortalForm):
    field_names = {"expected": "why"}

    minutes = LengthField(label="For how long, from now?")
    why = _words(
        "What is left to do?", "It stands in the new activation's review.", "Say what is left to do."
    )

    def __init__(self, *args: Any, longest: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minutes"].help_text = f"At most {spoken(longest)}."
        self.initial.setdefault("minutes", min(longest, 30))


YES_NO = [("yes", "Yes"), ("no", "No")]


class DecideForm(PortalForm):
    """Four questions. Any answer that lets routine access serve leads there."""

    broken = forms.CharField(
        label="What is broken?",
        help_text="It goes along to whichever form you need.",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=LONGEST_WORDS,
        required=False,
    )
    incident = forms.CharField(label="Incident, if there is one", max_length=LONGEST_INCIDENT, required=False)
    criterion = forms.ChoiceField(
        label="1. Which of these is the case now?",
        widget=forms.RadioSelect,
        error_messages={"required": "Answer this one."},
    )
    reachable = forms.ChoiceField(
        label="2. Can the people who approve routine access be reached through this portal?",
        widget=forms.RadioSelect,
        choices=YES_NO,
        error_messages={"required": "Answer this one."},
    )
    waits = forms.ChoiceField(
        label="3. Can it wait for their decision, as long as that usually takes?",
        widget=forms.RadioSelect,
        choices=YES_NO,
        error_messages={"required": "Answer this one."},
    )
    enough = forms.ChoiceField(
        label="4. Would a role that you may ask for be enough?",
        widget=forms.RadioSelect,
        choices=YES_NO,
        error_messages={"required": "Answer this one."},
    )

    def __init__(self, *args: Any, criteria: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["criterion"].choices = [*criteria, ("none", "None of them")]  # type: ignore[attr-defined]

    def why_not(self) -> str:
        """The sentence that leads to routine access; empty: this is what break-glass is for."""
        said = self.cleaned_data
        if said["criterion"] == "none":
            return "Break-glass is for the criteria of the policy alone, and none of them holds."
        if said["reachable"] == "yes" and said["waits"] == "yes":
            return "Somebody can approve it, and it can wait for that."
        if said["enough"] == "yes" and said["reachable"] == "yes":
            return "A role that you may ask for is enough, and somebody can approve it."
        return ""

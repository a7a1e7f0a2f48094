"""The forms of a request: one for temporary access, one for JIT, one for a renewal.

They know the shape of what is asked. Whether it may be is the policy's to say, in one place.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from jitportal.models import AccessRequest, Grant
from jitportal.operations.asking import Ask
from jitportal.rules.policy import LONGEST_JUSTIFICATION, RoleRules
from jitportal.rules.vocabulary import StartMode
from jitportal.web.forms.base import MomentField, PortalForm
from jitportal.web.forms.lengths import LengthField, length_hint

STARTS = [
    (StartMode.AT_ONCE.value, "At once, on the last approval"),
    (StartMode.SCHEDULED.value, "At a time"),
    (StartMode.ON_CLICK.value, "When I click, within a window"),
]


class AskForm(PortalForm):
    """What every request says. Built for one role's rules and one moment."""

    scope = forms.ChoiceField()  # shaped by the role
    minutes = LengthField(label="For how long")
    justification = forms.CharField(
        label="Why you need it",
        widget=forms.Textarea(attrs={"rows": 5}),
        required=False,  # the policy says how much, together with all else that it asks
    )
    ticket = forms.CharField(required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=32_767)

    def __init__(self, rules: RoleRules, now: datetime, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rules, self.now = rules, now
        self._shape_scope()
        self._shape_minutes()
        self._shape_words()

    def _shape_scope(self) -> None:
        scopes = sorted(self.rules.scopes.values(), key=lambda scope: scope.name.casefold())
        self.fields["scope"] = forms.ChoiceField(
            choices=[(scope.key, scope.name) for scope in scopes],
            initial=scopes[0].key if len(scopes) == 1 else None,
            widget=forms.RadioSelect,
            error_messages={
                "required": "Choose a scope.",
                "invalid_choice": "This role has no such scope. Choose one of those shown.",
            },
        )

    def _shape_minutes(self) -> None:
        self.fields["minutes"].initial = self.rules.recommended_minutes
        self.fields["minutes"].help_text = length_hint(self.rules.recommended_minutes, self.rules.max_minutes)

    def _shape_words(self) -> None:
        least = self.rules.least_justification
        self.fields["justification"].help_text = (
            f"What you will do, and why now. {least or 1} to {LONGEST_JUSTIFICATION:,} characters. "
            "Those who decide and review read it."
        )
        ticket = self.fields["ticket"]
        ticket.label = "Change ticket" if self.rules.ticket_required else "Change ticket (optional)"
        ticket.help_text = self.rules.ticket_hint

    def ask(self, **more: Any) -> Ask:
        """What the valid form says."""
        said = self.cleaned_data
        return Ask(
            role_key=self.rules.key,
            pathway=self.rules.pathway,
            scope=said["scope"],
            minutes=said["minutes"],
            justification=said["justification"],
            ticket=said["ticket"],
            **{**self.start(), **more},
        )

    def start(self) -> dict[str, Any]:
        """When it is to start, as arguments of an ``Ask``."""
        return {"start_mode": StartMode.RENEWAL}


class StartFields(PortalForm):
    """When it is to start, for what isn't a renewal. Built for one moment, ``now``."""

    now: datetime

    start_mode = forms.ChoiceField(
        label="When it starts",
        choices=STARTS,
        initial=StartMode.AT_ONCE.value,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Say when it should start.",
            "invalid_choice": "Choose one of those shown.",
        },
    )
    starts_at = MomentField(label="Start at", required=False)
    opens_at = MomentField(label="From", required=False, help_text="Empty: from now on.")
    closes_at = MomentField(label="Until", required=False, help_text="The last moment to start it.")

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        mode = said.get("start_mode")
        if mode == StartMode.SCHEDULED and not said.get("starts_at") and "starts_at" not in self.errors:
            self.add_error("starts_at", "Say when it should start.")
        if mode == StartMode.ON_CLICK and not said.get("closes_at") and "closes_at" not in self.errors:
            self.add_error("closes_at", "Say until when you may start it.")
        for name in self._unused(mode):
            self.errors.pop(name, None)
        return said

    def _unused(self, mode: str | None) -> set[str]:
        """Moments of another choice: what stands in them doesn't count, and is no error."""
        used = {
            StartMode.SCHEDULED.value: {"starts_at"},
            StartMode.ON_CLICK.value: {"opens_at", "closes_at"},
        }
        return {"starts_at", "opens_at", "closes_at"} - used.get(str(mode), set())

    def refuse(self, sentence: str, field: str | None, status: int) -> None:
        """The rules know one ``opens_at``; here a planned start has a field of its own."""
        if field == "opens_at":
            field = self._opening_field()
        super().refuse(sentence, field, status)

    def _opening_field(self) -> str:
        mode = self.data.get("start_mode")
        if mode == StartMode.SCHEDULED:
            return "starts_at"
        return "opens_at" if mode == StartMode.ON_CLICK else "start_mode"

    def start(self) -> dict[str, Any]:
        """When it is to start, as arguments of an ``Ask``."""
        said = self.cleaned_data
        mode = StartMode(said["start_mode"])
        if mode is StartMode.SCHEDULED:
            return {"start_mode": mode, "opens_at": said["starts_at"]}
        if mode is StartMode.ON_CLICK:
            opens_at = said["opens_at"] or self.now
            return {"start_mode": mode, "opens_at": opens_at, "closes_at": said["closes_at"]}
        return {"start_mode": mode}


class StartForm(StartFields, AskForm):
    """A request that isn't a renewal says when it is to start."""


class TemporaryForm(StartForm):
    """Temporary access: for days, by people's approval."""


class JitForm(StartForm):
    """JIT: for minutes, now or in a change window."""


class RenewalForm(AskForm):
    """To go on from a grant: the same role and scope, from its end, for a fresh reason."""

    def __init__(self, grant: Grant, rules: RoleRules, now: datetime, *args: Any, **kwargs: Any) -> None:
        super().__init__(rules, now, *args, **kwargs)
        self.fields["scope"] = forms.ChoiceField(
            choices=[(grant.scope.key, grant.scope.name)], initial=grant.scope.key, widget=forms.HiddenInput
        )
        self.fields["justification"].label = "Why you need to go on"


def said_before(access_request: AccessRequest, *, again: bool = False) -> dict[str, Any]:
    """What a request says, to fill its form with; ``again`` leaves out the moments, which have passed."""
    revision = access_request.current
    if revision is None:
        return {}
    said: dict[str, Any] = {
        "scope": access_request.scope.key,
        "minutes": revision.minutes,
        "justification": revision.justification,
        "ticket": revision.ticket,
    }
    if again:
        return said
    planned = revision.start_mode == StartMode.SCHEDULED
    return {
        **said,
        "revision": revision.number,
        "start_mode": revision.start_mode,
        "starts_at": revision.opens_at if planned else None,
        "opens_at": None if planned else revision.opens_at,
        "closes_at": revision.closes_at,
    }

"""Several roles in one go: what is said once for all of them, and what is said of each.

Each becomes a request of its own. All are on one pathway: the pathways differ in who decides and how long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms

from jitportal.operations.asking import Ask
from jitportal.rules.policy import LONGEST_JUSTIFICATION, RoleRules
from jitportal.web.forms.asking import AskForm, StartFields

#: More than anybody asks for at once, and a page stays readable.
MOST_ROLES = 10
#: Fields that are said once: what is wrong with them for one role stands with that role.
SHARED = {"justification", "ticket", "start_mode", "starts_at", "opens_at", "closes_at"}


class SharedForm(StartFields):
    """Why, for which ticket, and when: once for all."""

    justification = forms.CharField(
        label="Why you need them", widget=forms.Textarea(attrs={"rows": 5}), required=False
    )
    ticket = forms.CharField(required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, roles: Sequence[RoleRules], now: datetime, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        least = max((rules.least_justification for rules in roles), default=1)
        self.fields["justification"].help_text = (
            f"What you will do with them, and why now. {least or 1} to {LONGEST_JUSTIFICATION:,} characters. "
            "It goes with each request."
        )
        required = [rules for rules in roles if rules.ticket_required]
        self.fields["ticket"].label = "Change ticket" if required else "Change ticket (optional)"
        self.fields["ticket"].help_text = next((rules.ticket_hint for rules in (required or roles)), "")


class PartForm(AskForm):
    """The scope and the length of one role's request."""

    justification = None  # type: ignore[assignment]  # Django: takes the field out
    ticket = None  # type: ignore[assignment]
    revision = None  # type: ignore[assignment]

    def _shape_words(self) -> None:
        """Nothing: the words are shared."""

    def refuse(self, sentence: str, field: str | None, status: int) -> None:
        """What is said once has no field here."""
        super().refuse(sentence, None if field in SHARED else field, status)


class SeveralForm:
    """The shared form and one for each role, bound together; what is typed survives every refusal."""

    def __init__(
        self, roles: Sequence[RoleRules], now: datetime, data: Mapping[str, Any] | None = None
    ) -> None:
        self.shared = SharedForm(roles, now, data)
        self.parts = [PartForm(rules, now, data, prefix=rules.key) for rules in roles]

    def __iter__(self) -> Iterator[PartForm]:
        return iter(self.parts)

    @property
    def is_bound(self) -> bool:
        return self.shared.is_bound

    def is_valid(self) -> bool:
        """Whether all of it can be read."""
        return self.shared.is_valid() and all(part.is_valid() for part in self.parts)

    def leave_out(self, parts: Sequence[PartForm]) -> None:
        """Go on without these: their requests are made, or aren't wanted any more."""
        self.parts = [part for part in self.parts if part not in parts]

    def want_words(self) -> None:
        """Say that the reason is missing together with what else can't be read, and not after it."""
        if not self.shared.cleaned_data.get("justification"):
            self.shared.add_error("justification", "Say why you need them.")

    @property
    def status(self) -> int:
        return max(form.status for form in (self.shared, *self.parts))

    def ask(self, part: PartForm) -> Ask:
        """One role's request, from a form that can be read."""
        said, own = self.shared.cleaned_data, part.cleaned_data
        return Ask(
            role_key=part.rules.key,
            pathway=part.rules.pathway,
            scope=own["scope"],
            minutes=own["minutes"],
            justification=said["justification"],
            ticket=said["ticket"],
            **self.shared.start(),
        )

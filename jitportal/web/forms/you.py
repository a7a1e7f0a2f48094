"""One's own page: the time zone, and who decides while one is away."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from jitportal.models import Person
from jitportal.operations.time_zones import zone_names
from jitportal.web.forms.base import MomentField, PortalForm


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in zone_names()]


class TimeZoneForm(PortalForm):
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=_zones,
        help_text="Times are shown, and read, in this zone.",
        error_messages={"invalid_choice": "Choose a time zone of the list."},
    )


class DelegationForm(PortalForm):
    """``to`` takes a username, or a name that one person alone has."""

    to = forms.CharField(
        label="Who decides for you",
        max_length=200,
        help_text="Their username or their name.",
        widget=forms.TextInput(attrs={"list": "colleagues", "autocomplete": "off"}),
        error_messages={"required": "Name somebody."},
    )
    starts_at = MomentField(label="From (optional)", required=False, help_text="Empty: from now on.")
    ends_at = MomentField(
        label="Until",
        help_text="90 days at most; you can end it at any time.",
        error_messages={"required": "Choose when it ends."},
    )
    reason = forms.CharField(
        label="Why",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=4000,
        error_messages={"required": "Say why, for the record."},
    )

    def clean_to(self) -> Person:
        said = self.cleaned_data["to"].strip()
        found = list(Person.objects.active().filter(username=said)[:1])
        found = found or list(Person.objects.active().filter(name__iexact=said)[:2])
        if len(found) == 1:
            return found[0]
        if found:
            raise ValidationError(f"Several people are called {said}. Give the username.")
        raise ValidationError(f"There is nobody here called {said}. Give a username.")

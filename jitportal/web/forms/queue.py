"""The queue's filters: what is typed, read from the address."""

from __future__ import annotations

from django import forms

from jitportal.models import Target
from jitportal.operations.queue import Sought
from jitportal.rules.vocabulary import Pathway, Risk
from jitportal.web.forms.base import PortalForm

MINE, ALL = "", "all"


class QueueFilter(PortalForm):
    """Each field is a parameter of the address; an empty one filters nothing."""

    show = forms.ChoiceField(
        choices=[(MINE, "Mine to decide"), (ALL, "All that I may see")],
        required=False,
        label="Whose",
    )
    who = forms.CharField(required=False, max_length=200, label="Who asks")
    role = forms.CharField(required=False, max_length=200, label="Role")
    target = forms.ModelChoiceField(
        Target.objects.filter(retired_at__isnull=True).order_by("name"),
        required=False,
        to_field_name="key",
        empty_label="Any target",
        error_messages={"invalid_choice": "There is no such target. Choose one of the list."},
    )
    pathway = forms.ChoiceField(
        choices=[("", "Any pathway"), (Pathway.TEMPORARY, "Temporary"), (Pathway.JIT, "JIT")],
        required=False,
        error_messages={"invalid_choice": "There is no such pathway. Choose one of the list."},
    )
    risk = forms.ChoiceField(
        choices=[("", "Any risk"), *((risk.value, risk.value.capitalize()) for risk in Risk)],
        required=False,
        error_messages={"invalid_choice": "There is no such risk. Choose one of the list."},
    )

    @property
    def sought(self) -> Sought:
        """What could be read of the filters: a wrong one restricts nothing, and is said."""
        read = {name: value for name, value in self.read.items() if name != "show" and value}
        return Sought(**read)

    @property
    def everybodys(self) -> bool:
        """Whether also what others decide is wanted."""
        return self.read.get("show") == ALL

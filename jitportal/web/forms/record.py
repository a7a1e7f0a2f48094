"""The record's filters: what is typed, read from the address."""

from __future__ import annotations

import re

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from jitportal.models import Person, Role, Target
from jitportal.web.forms.base import MomentField, PortalForm

#: More people than this share the words typed: the name is too short to be a filter.
MOST_PEOPLE = 50
_VERB = re.compile(r"[a-z_]+(\.[a-z_]+)?")


class RecordFilter(PortalForm):
    """Each field is a parameter of the address; an empty one filters nothing."""

    words = forms.CharField(required=False, max_length=200, label="Words", strip=True)
    person = forms.CharField(
        required=False, max_length=200, label="Person", help_text="Who did it, or whom it is about."
    )
    role = forms.ModelChoiceField(
        Role.objects.order_by("name"), required=False, to_field_name="key", empty_label="Any role"
    )
    target = forms.ModelChoiceField(
        Target.objects.order_by("name"), required=False, to_field_name="key", empty_label="Any target"
    )
    verb = forms.CharField(
        required=False, max_length=60, label="Kind", help_text="As request, or request.approved."
    )
    since = MomentField(required=False, label="From")
    until = MomentField(required=False, label="Until")

    def clean_verb(self) -> str:
        verb: str = self.cleaned_data["verb"]
        if verb and not _VERB.fullmatch(verb):
            raise ValidationError("A kind is a word as request, or two with a full stop as request.approved.")
        return verb

    def clean_person(self) -> list[int]:
        """The people whom the words may mean: a whole username, or else a part of the name."""
        typed: str = self.cleaned_data["person"]
        if not typed:
            return []
        found = list(Person.objects.filter(username=typed).values_list("pk", flat=True))
        if not found:
            named = Person.objects.filter(Q(name__icontains=typed) | Q(username__icontains=typed))
            found = list(named.values_list("pk", flat=True)[: MOST_PEOPLE + 1])
        if not found:
            raise ValidationError("Nobody has this name or username. Type a part of either.")
        if len(found) > MOST_PEOPLE:
            raise ValidationError("Too many people have this in their name. Type more of it.")
        return found

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until <= since:
            self.add_error("until", "This is before the start. Choose a later time.")

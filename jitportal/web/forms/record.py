"""The record's filters: what is typed, read from the address."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from jitportal.audit.search import Wanted
from jitportal.models import Person, Role, Target
from jitportal.web.forms.base import MomentField, PortalForm
from jitportal.web.forms.long_select import LongSelect

#: More people than this share the words typed: the name is too short to be a filter.
MOST_PEOPLE = 50
#: Fewer letters than this begin half of all words.
FEWEST_LETTERS = 2
_VERB = re.compile(r"[a-z_]+(\.[a-z_]+)?")
#: Times that are meant from now: what the address says, what it means, and how it is called.
WITHIN = {
    "1h": (timedelta(hours=1), "The last hour"),
    "1d": (timedelta(days=1), "The last 24 hours"),
    "7d": (timedelta(days=7), "The last 7 days"),
    "30d": (timedelta(days=30), "The last 30 days"),
    "90d": (timedelta(days=90), "The last 90 days"),
}


class RecordFilter(PortalForm):
    """Each field is a parameter of the address; an empty one filters nothing."""

    words = forms.CharField(
        required=False,
        max_length=200,
        label="Words",
        strip=True,
        help_text="Whole, or begun as migrat*",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    person = forms.CharField(
        required=False, max_length=200, label="Person", help_text="Who did it, or whom it is about."
    )
    role = forms.ModelChoiceField(
        Role.objects.order_by("name"),
        required=False,
        to_field_name="key",
        empty_label="Any role",
        widget=LongSelect,
    )
    target = forms.ModelChoiceField(
        Target.objects.order_by("name"), required=False, to_field_name="key", empty_label="Any target"
    )
    verb = forms.CharField(
        required=False,
        max_length=60,
        label="Kind",
        help_text="As request, request.approved, or grant.live where access began.",
        widget=forms.TextInput(attrs={"list": "kinds", "autocomplete": "off"}),
    )
    within = forms.ChoiceField(
        choices=[("", "Any time"), *((key, label) for key, (_, label) in WITHIN.items())],
        required=False,
        label="When",
    )
    since = MomentField(required=False, label="From")
    until = MomentField(required=False, label="Until")

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = now

    @property
    def wanted(self) -> Wanted:
        """The search that a valid form asks for."""
        read = self.cleaned_data
        starts = [read["since"], self._now - WITHIN[read["within"]][0] if read["within"] else None]
        return Wanted(
            words=read["words"],
            people=tuple(read["person"]),
            role=read["role"].pk if read["role"] else None,
            target=read["target"].pk if read["target"] else None,
            verb=read["verb"],
            since=max((start for start in starts if start), default=None),
            until=read["until"],
        )

    def clean_words(self) -> str:
        words: str = self.cleaned_data["words"]
        phrases = list(Wanted(words=words).phrases())
        if words and not phrases:
            raise ValidationError("Type words of letters or digits: signs alone aren't looked for.")
        if any(phrase.begins and len(phrase.words[-1]) < FEWEST_LETTERS for phrase in phrases):
            raise ValidationError(f"Type at least {FEWEST_LETTERS} letters before the asterisk.")
        return words

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


class ExportForm(PortalForm):
    """Which kind of file is wanted."""

    kind = forms.ChoiceField(choices=[("CSV", "CSV"), ("JSON", "JSON")])

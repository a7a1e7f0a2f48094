"""The post-incident review's forms. The rules tell what is missing: a draft may lack anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from jitportal.models import Person
from jitportal.operations.post_incident_steps import Mark
from jitportal.rules.post_incident_words import (
    Classification,
    CouldJit,
    CriterionMet,
    Determination,
    Fit,
    ModelOutcome,
    PersonOutcome,
    RecordingFound,
    Remediation,
    Statement,
    spoken,
)
from jitportal.web.forms.base import DayField, PortalForm

EXPLAINED, UNEXPLAINED = "explained", "unexplained"
#: So many lines are marked one by one; what a session did after them is marked all at once.
MOST_MARKED = 1_000
_MARKS = [(EXPLAINED, "Explained"), (UNEXPLAINED, "Unexplained")]


def _words(label: str, help_text: str = "", *, rows: int = 3) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=False, widget=forms.Textarea(attrs={"rows": rows})
    )


def _one_of(enum: type[StrEnum], label: str, help_text: str = "") -> forms.ChoiceField:
    choices = [(member.value, spoken(member)) for member in enum]
    return forms.ChoiceField(
        label=label, help_text=help_text, required=False, choices=choices, widget=forms.RadioSelect
    )


class DraftedForm(PortalForm):
    """A form whose text is kept while somebody is at it."""

    @property
    def typed(self) -> dict[str, str]:
        """What stands in each field, readable or not, as the draft keeps it."""
        names = {name: self.add_prefix(name) for name in self.fields}
        return {name: str(self.data[html]) for name, html in names.items() if self.data.get(html)}


class StatementForm(DraftedForm):
    prefix = "state"
    broken = _words("What was broken?", "As it showed itself to you.")
    normal_path = _words("Why couldn't the normal path serve?", "Just-in-time access, or somebody else.")
    done = _words("What was done, and with what result?", rows=5)
    outside = _words("What did you do outside the declared activities, and why?", "If nothing: say so.")
    sensitive_data = _words("Which sensitive or customer data did you see?", "If none: say so.")
    changes_left = _words("Which changes are left in place?", "If none: say so.")
    changes_to_revert = _words("Which changes have to be reverted?", "If none: say so.")
    secrets_seen = _words("Which secrets did you see or copy?", "If none: say so.")

    @property
    def said(self) -> Statement:
        return Statement(**self.cleaned_data)


class DeterminationForm(DraftedForm):
    prefix = "determine"
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    classification = _one_of(Classification, "What was it?")
    criterion = _one_of(CriterionMet, "Was the criterion met?")
    fit = _one_of(Fit, "Scope and duration were")
    could_jit = _one_of(CouldJit, "Could just-in-time access have served?")
    recording = _one_of(RecordingFound, "The recording is")
    recording_reason = _words("Why is the gap acceptable?", "Where you accept one.", rows=2)
    finding = _words("What do you find?", "In words that somebody else understands in a year.", rows=4)
    rest = forms.ChoiceField(
        label="All lines that you leave unmarked are",
        required=False,
        choices=[("", "Left unmarked"), *_MARKS],
    )

    def __init__(self, *args: Any, lines: Mapping[str, str], drill: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = lines
        self._one_by_one = dict(islice(lines.items(), MOST_MARKED))
        other = Classification.EMERGENCY if drill else Classification.DRILL
        kinds = [(one.value, spoken(one)) for one in Classification if one is not other]
        self.fields["classification"].choices = kinds  # type: ignore[attr-defined]  # a choice field's
        for key in self._one_by_one:
            self.fields[f"mark-{key}"] = forms.ChoiceField(
                required=False, choices=[("", "Not marked"), *_MARKS], label="This line is"
            )
            self.fields[f"note-{key}"] = forms.CharField(required=False, label="Note")
        if not lines:
            del self.fields["rest"]

    @property
    def found(self) -> Determination:
        read = self.cleaned_data
        return Determination(
            classification=Classification(read["classification"]) if read["classification"] else None,
            criterion=CriterionMet(read["criterion"]) if read["criterion"] else None,
            fit=Fit(read["fit"]) if read["fit"] else None,
            could_jit=CouldJit(read["could_jit"]) if read["could_jit"] else None,
            recording=RecordingFound(read["recording"]) if read["recording"] else None,
            recording_reason=read["recording_reason"],
            finding=read["finding"],
        )

    @property
    def marks(self) -> dict[str, Mark]:
        """One for each line, marked or not."""
        rest = self.cleaned_data.get("rest") or ""
        return {key: self._mark(key, rest) for key in self.lines}

    def _mark(self, key: str, rest: str) -> Mark:
        said = self.cleaned_data.get(f"mark-{key}") or rest
        return Mark(None if not said else said == EXPLAINED, self.cleaned_data.get(f"note-{key}", ""))

    @property
    def line_fields(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """The text of each line that is marked by itself, with its two fields."""
        return [(text, self[f"mark-{key}"], self[f"note-{key}"]) for key, text in self._one_by_one.items()]

    @property
    def beyond(self) -> int:
        """How many lines have no fields of their own."""
        return len(self.lines) - len(self._one_by_one)


class RemediationForm(DraftedForm):
    prefix = "remediate"
    sessions_ended = _words("How do you know that no emergency session is left?", rows=2)
    reverted = _words("How were improper changes reverted?", "Or why they stay.", rows=2)
    person_outcome = _one_of(PersonOutcome, "What follows for the person?")
    model_outcome = _one_of(ModelOutcome, "What follows for how access is modelled?")
    outcome_note = _words("Why so?", "Needed where misuse has no consequence.", rows=2)
    reportable = forms.ChoiceField(
        label="Does this have to be reported?",
        help_text="To a regulator, customers or an insurer.",
        required=False,
        choices=[("no", "No"), ("yes", "Yes")],
        widget=forms.RadioSelect,
    )
    reportable_note = _words("To whom is it reported, and by when?", rows=2)

    @property
    def done(self) -> Remediation:
        read = self.cleaned_data
        return Remediation(
            sessions_ended=read["sessions_ended"],
            reverted=read["reverted"],
            person_outcome=PersonOutcome(read["person_outcome"]) if read["person_outcome"] else None,
            model_outcome=ModelOutcome(read["model_outcome"]) if read["model_outcome"] else None,
            outcome_note=read["outcome_note"],
            reportable=None if not read["reportable"] else read["reportable"] == "yes",
            reportable_note=read["reportable_note"],
        )


class PersonField(forms.CharField):
    """Somebody's username, typed or chosen from those that the browser offers."""

    def clean(self, value: Any) -> Any:
        username = super().clean(value)
        found = Person.objects.active().filter(username=username).first()
        if found is None:
            raise ValidationError("Nobody here has this username. Type it as it stands beside their name.")
        return found


class FollowUpForm(PortalForm):
    prefix = "follow_up"
    what = forms.CharField(
        label="What is to be done?",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what is to be done."},
    )
    owner = PersonField(
        label="Who does it?",
        help_text="Their username.",
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
        error_messages={"required": "Say who does it."},
    )
    due_at = DayField(label="By when?", error_messages={"required": "Say by when."})
    ticket = forms.CharField(label="Ticket (optional)", required=False, max_length=100)

    def clean_due_at(self) -> datetime:
        """The day's end in the viewer's zone."""
        day = self.cleaned_data["due_at"]
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time())) - timedelta(minutes=1)


class ReturnForm(PortalForm):
    prefix = "return"
    note = _words("What is missing?", "The responder is told, and hands the statement in again.", rows=2)


class SendBackForm(PortalForm):
    prefix = "send_back"
    note = _words("What is wrong with the determination?", "It is then determined anew.", rows=2)


class NameForm(PortalForm):
    prefix = "name"
    person = PersonField(
        label="Who signed in?",
        help_text="Their username. They are asked for a statement.",
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
        error_messages={"required": "Say who it was."},
    )


class WithoutForm(PortalForm):
    prefix = "without"
    reason = _words("What was done to find out who it was?", "It is then reviewed without a statement.")


class RotationForm(PortalForm):
    prefix = "confirm_rotation"
    evidence = _words(
        "How can the rotation be checked?", "A ticket, a vault's version, the target's own log line.", rows=2
    )


class DrillForm(PortalForm):
    prefix = "drill"
    scenario = _words("Which scenario was drilled?", rows=2)
    custody_checked = forms.BooleanField(
        label="The credential was where it should be, and its seal whole", required=False
    )
    custody_note = _words("What was found of its custody? (optional)", rows=2)
    resealed = forms.BooleanField(label="The credential is sealed again", required=False)


class OverrideForm(PortalForm):
    prefix = "override"
    reason = _words("Why can't this wait for the statement?", "A second person has to agree.", rows=2)


class CompleteForm(PortalForm):
    prefix = "complete"
    note = _words("What was done?", rows=2)


class NothingToFill(PortalForm):
    """An act of one button."""

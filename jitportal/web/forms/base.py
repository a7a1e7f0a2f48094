"""What all forms share. A form knows the shape of its fields; whether they may be is asked below."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?")


class PortalForm(forms.Form):
    """A form that can take an operation's refusal, and knows the status of its page."""

    #: Fields of a refusal (the rules' names) that have another name in this form.
    field_names: dict[str, str] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if field.error_messages.get("required") == forms.Field.default_error_messages["required"]:
                # a list of errors at the top of the page would say the same of each
                field.error_messages["required"] = f"Fill in “{field.label or name.capitalize()}”."
        self.refused = 0  # the status of the gravest refusal
        self.wait: timedelta | None = None  # until it may be sent again, where it came too often
        self._read: dict[str, Any] | None = None

    def refuse(self, sentence: str, field: str | None, status: int) -> None:
        """Show the sentence beside its field, or above the form where it has none."""
        name = self.field_names.get(field or "", field or "")
        self._read = self.read
        self.add_error(name if name in self.fields else NON_FIELD_ERRORS, sentence)
        self.refused = max(self.refused, status)

    @property
    def read(self) -> dict[str, Any]:
        """What could be read of what was typed, refused or not."""
        self.is_valid()  # a form reads what it is bound to when it is asked this
        return self._read if self._read is not None else dict(getattr(self, "cleaned_data", {}))

    @property
    def status(self) -> int:
        if self.refused:
            return self.refused
        return 422 if self.is_bound and self.errors else 200


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """What is no moment is shown as it was typed: in a browser's field for moments it would be lost."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        shown = context["widget"]["value"]
        if shown and not _MOMENT.fullmatch(shown):
            context["widget"]["type"] = "text"
        return context


class MomentField(forms.DateTimeField):
    """A moment in the viewer's zone; one that its clocks skip or repeat is an error of the field."""

    widget = MomentInput
    default_error_messages = {
        "invalid": "Give a date and a time, for example 2030-01-31T14:00.",
        "far": f"Choose a date between {EARLIEST_YEAR} and {LATEST_YEAR}.",
        "clocks": "The clocks change at that hour, so it is skipped or comes twice. Choose another time.",
    }

    def to_python(self, value: Any) -> datetime | None:
        try:
            moment = super().to_python(value)
        except ValidationError as error:
            code = "clocks" if error.code == "ambiguous_timezone" else "invalid"
            raise ValidationError(self.error_messages[code], code=code) from None
        except OverflowError:
            raise ValidationError(self.error_messages["far"], code="far") from None
        if moment is not None and not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            raise ValidationError(self.error_messages["far"], code="far")
        return moment


class DayField(forms.DateField):
    """A day in the viewer's zone."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages = {
        "invalid": "Give a date as 2030-01-31.",
        "far": f"Choose a date between {EARLIEST_YEAR} and {LATEST_YEAR}.",
    }

    def to_python(self, value: Any) -> date | None:
        day = super().to_python(value)
        if day is not None and not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise ValidationError(self.error_messages["far"], code="far")
        return day


class ReasonForm(PortalForm):
    """A reason that must be given."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        error_messages={"required": "Say why."},
    )


class NoteForm(PortalForm):
    """A note that may be given."""

    note = forms.CharField(
        label="Note (optional)", widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, required=False
    )

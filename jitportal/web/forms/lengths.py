"""How long: a number and a unit, as one value in minutes."""

from __future__ import annotations

from typing import Any

from django import forms

from jitportal.rules.durations import MINUTES_IN, spoken

#: Beyond what any policy allows, and far below what a database column holds.
LARGEST_NUMBER = 1_000_000
UNITS = [("minutes", "minutes"), ("hours", "hours"), ("days", "days")]


class LengthInput(forms.MultiWidget):
    use_fieldset = True
    number_name = "number"

    def __init__(self) -> None:
        # A browser that puts back what stood here before would show another length than the one answered.
        kept = {"autocomplete": "off"}
        number = forms.NumberInput({"aria-label": "Number", "min": "1", "inputmode": "numeric", **kept})
        super().__init__(
            {self.number_name: number, "unit": forms.Select({"aria-label": "Unit", **kept}, UNITS)}
        )

    def decompress(self, value: Any) -> list[Any]:
        """The number in the largest unit that divides it: 120 is 2 hours."""
        if value is None or value == "":
            return [None, "minutes"]
        minutes = int(value)
        unit = next((name for name, size in reversed(MINUTES_IN.items()) if minutes % size == 0), "minutes")
        return [minutes // MINUTES_IN[unit], unit]


class LengthField(forms.MultiValueField):
    """Minutes, typed as a number and a unit."""

    widget = LengthInput
    default_error_messages = {"required": "Say for how long.", "incomplete": "Say for how long."}

    def __init__(self, **kwargs: Any) -> None:
        number = forms.IntegerField(
            min_value=1,
            max_value=LARGEST_NUMBER,
            error_messages={
                "invalid": "Give a whole number.",
                "min_value": "Ask for at least one minute.",
                "max_value": "That is longer than any policy allows. Ask for less.",
            },
        )
        unit = forms.ChoiceField(
            choices=UNITS, error_messages={"invalid_choice": "Choose minutes, hours or days."}
        )
        super().__init__(fields=(number, unit), require_all_fields=True, **kwargs)

    def compress(self, data_list: list[Any]) -> int | None:
        number, unit = data_list or (None, "")
        if number is None:
            return None
        return int(number) * MINUTES_IN[unit]


class MinutesOrUnitsInput(LengthInput):
    """For a field of minutes that may be typed in hours and days, too: without a unit, minutes are meant."""

    number_name = ""

    def __init__(self, *, autofocus: bool = False) -> None:
        super().__init__()
        if autofocus:
            self.widgets[0].attrs["autofocus"] = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Any]:
        number, unit = super().value_from_datadict(data, files, name)
        return [number, unit or "minutes"]


class HiddenMinutesOrUnits(MinutesOrUnitsInput):
    """The same, carried through a page that shows it in words."""

    def __init__(self) -> None:
        super().__init__()
        self.widgets = [forms.HiddenInput() for _ in self.widgets]


class MinutesOrUnitsField(LengthField):
    """A length that a form of plain minutes sends, too: a number without a unit is so many minutes."""

    hidden_widget = HiddenMinutesOrUnits

    def __init__(self, *, autofocus: bool = False, **kwargs: Any) -> None:
        super().__init__(widget=MinutesOrUnitsInput(autofocus=autofocus), **kwargs)


def length_hint(recommended: int, longest: int) -> str:
    return f"Recommended: {spoken(recommended)}. At most {spoken(longest)}."

"""Typing, or handing in, a policy document; and turning one down."""

from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from jitportal.web.forms.base import PortalForm

#: Characters of text, bytes of a file: a document with thousands of roles stays well below.
LARGEST = 500_000
#: Lines that can be added to the document before its numbers end, where no script adds more.
SPARE_LINES = 12
WIDEST = 400


class PolicyForm(PortalForm):
    """``planned`` is the hash of the text whose plan the page shows: only that text is proposed.

    ``base`` is the number of the version that the text was made from; empty: there was none.
    """

    text = forms.CharField(
        label="Policy document",
        required=False,
        strip=False,
        max_length=LARGEST,
        widget=forms.Textarea(attrs={"class": "code", "spellcheck": "false", "wrap": "off"}),
    )
    file = forms.FileField(
        label="Or a file", required=False, help_text="A YAML file takes the place of the text above."
    )
    note = forms.CharField(
        label="What it changes, and why",
        required=False,
        max_length=500,
        help_text="The second person reads this first.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    planned = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    base = forms.IntegerField(required=False, min_value=1, max_value=2_000_000_000, widget=forms.HiddenInput)

    def clean_text(self) -> str:
        """The text with the line ends that the rules and the hash count by."""
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def clean_file(self) -> str:
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is None:
            return ""
        if (file.size or 0) > LARGEST:
            raise ValidationError(f"This file is larger than {LARGEST // 1000} kB. A policy is shorter.")
        try:
            text = str(file.read(), "utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError("This file isn't text in UTF-8. Save it so, or paste the text.") from None
        if "\x00" in text:
            raise ValidationError("This file isn't text: it holds null characters. Choose the YAML file.")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def clean(self) -> dict[str, Any]:
        """The file's text, where there is one, is the text: it shows in the page to be mended there."""
        cleaned = self.cleaned_data
        if cleaned.get("file"):
            cleaned["text"] = cleaned["file"]
            self.show(text=cleaned["file"])
        if not cleaned.get("text", "").strip() and not {"text", "file"} & set(self.errors):
            self.add_error("text", "Type the policy, or choose a file.")
        return cleaned

    def show(self, **values: object) -> None:
        """Have the page show these in place of what was sent, or of what the form begins with."""
        if self.is_bound:
            self.data = {**dict(self.data.items()), **{name: str(value) for name, value in values.items()}}
        else:
            self.initial.update(values)

    @property
    def is_planned(self) -> bool:
        """Whether the page that was sent had shown the plan of this very text."""
        return bool(self.read["planned"] == digest_of(self.read["text"]))

    @property
    def lines(self) -> int:
        """How many lines the text has as it stands in the page, with room for more."""
        return len(self._shown_lines()) + SPARE_LINES

    def fit(self) -> None:
        """Make the field as large as its text, so that its line numbers scroll with it."""
        longest = max(map(len, self._shown_lines()))
        attrs = self.fields["text"].widget.attrs
        attrs |= {"rows": str(self.lines), "cols": str(min(longest + 2, WIDEST))}

    def _shown_lines(self) -> list[str]:
        return str(self["text"].value() or "").replace("\r\n", "\n").split("\n")


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class RejectForm(PortalForm):
    reason = forms.CharField(
        label="Why is it turned down?",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why this change is turned down."},
    )


class VersionsForm(PortalForm):
    """Which two versions are compared."""

    old = forms.IntegerField(label="From policy", min_value=1, max_value=2_000_000_000)
    new = forms.IntegerField(label="to policy", min_value=1, max_value=2_000_000_000)

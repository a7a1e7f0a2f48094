"""People's own SSH keys, and a certificate for one of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from jitportal.models import SshKey
from jitportal.operations import ssh_keys
from jitportal.web.forms.base import PortalForm

PASTED = "pasted"


class KeyForm(PortalForm):
    name = forms.CharField(
        label="Name (optional)", max_length=100, required=False, help_text="Such as laptop or jump host."
    )
    public_key = forms.CharField(
        label="Public key",
        max_length=ssh_keys.LONGEST_KEY,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text="The one line of your .pub file, for example ~/.ssh/id_ed25519.pub.",
        error_messages={"required": "Paste your public key."},
    )


class CertificateForm(PortalForm):
    """One of one's keys, or another that is pasted."""

    key = forms.ChoiceField(
        label="Key",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a key.", "invalid_choice": "Choose one of your keys."},
    )
    public_key = forms.CharField(
        label="Another public key",
        max_length=ssh_keys.LONGEST_KEY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text="The one line of your .pub file, for example ~/.ssh/id_ed25519.pub.",
    )

    def __init__(self, *args: Any, keys: list[SshKey], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keys = {str(key.pk): key for key in keys}
        named = [(pk, f"{key.name}, {key.fingerprint[:19]}…") for pk, key in self._keys.items()]
        field = self.fields["key"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type checker
        field.choices = [*named, (PASTED, "Another, pasted below")]
        self.initial.setdefault("key", named[0][0] if named else PASTED)

    def clean(self) -> dict[str, Any]:
        read: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = read.get("key")
        if chosen == PASTED and not read.get("public_key", "").strip() and "public_key" not in self.errors:
            self.add_error("public_key", ValidationError("Paste your public key."))
        return read

    @property
    def chosen(self) -> str:
        """The key that was chosen."""
        key = self.cleaned_data["key"]
        return str(self.cleaned_data["public_key"]) if key == PASTED else self._keys[key].public_key

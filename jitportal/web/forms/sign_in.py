"""The sign-in form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """Django's, with messages that say what to do."""

    error_messages = {
        "invalid_login": "That username and password don't belong together. Check both and try again.",
        "inactive": "This account is deactivated. Ask an administrator.",
    }
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, show_cast: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if show_cast:
            # The cast comes first in the page, and a field with the focus scrolls past it.
            del self.fields["username"].widget.attrs["autofocus"]

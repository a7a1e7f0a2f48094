"""The sign-in form."""

from __future__ import annotations

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

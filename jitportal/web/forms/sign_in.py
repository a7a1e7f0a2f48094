"""The sign-in form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from jitportal.operations import emergency_sign_in, signing_in
from jitportal.rules.errors import TooOften
from jitportal.web import known_browsers


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
        error_messages={"required": "Type your password."},
    )

    door = "sign_in"  # each is counted by itself
    wait: timedelta | None = None  # until the next try, where there were too many

    def clean(self) -> dict[str, Any]:
        """Every try is counted before its password is looked at; one that has to wait isn't looked at."""
        username = self.cleaned_data.get("username")
        if not username or not self.cleaned_data.get("password"):
            return self.cleaned_data
        browser = known_browsers.known_as(self.request, username) if self.request else ""
        try:
            attempt = signing_in.begin(username, browser=browser, door=self.door)
        except TooOften as error:
            self.wait = error.wait
            raise ValidationError(error.sentence, code="too_often") from None
        try:
            cleaned = super().clean()
        except ValidationError:
            signing_in.failed(attempt)
            raise
        signing_in.succeeded(attempt)
        return cleaned

    def __init__(self, *args: Any, show_cast: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].error_messages["required"] = "Type your username."
        if show_cast:
            # The cast comes first in the page, and a field with the focus scrolls past it.
            del self.fields["username"].widget.attrs["autofocus"]


class EmergencySignInForm(SignInForm):
    """For emergencies: with fewer tries, and one answer, which tells nobody whether a password is right."""

    error_messages = {
        "invalid_login": (
            "That username and password don't belong together, or the policy doesn't name you for "
            "emergencies. Check both, or sign in by single sign-on."
        ),
        "inactive": SignInForm.error_messages["inactive"],
    }
    door = "emergency"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "show_cast": False})

    def confirm_login_allowed(self, user: Any) -> None:
        """The password was theirs; this door may not be."""
        super().confirm_login_allowed(user)
        if not emergency_sign_in.may_use_password(user):
            emergency_sign_in.refused(user)
            raise self.get_invalid_login_error()

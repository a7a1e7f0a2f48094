"""What ``manage.py check --deploy`` says of second factors that are switched off, and of weak secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

#: What a random text of 32 bytes has at least, however it is written.
LEAST_SECRET, LEAST_SIGNS = 32, 12


def connect() -> None:
    checks.register(second_factors, checks.Tags.security, deploy=True)
    checks.register(secrets, checks.Tags.security, deploy=True)


def second_factors(**_options: Any) -> Sequence[checks.CheckMessage]:
    """A warning for each setting that lets a password alone do, or something that may be no more."""
    found = []
    if not settings.STEP_UP:
        found.append(
            checks.Warning(
                "What can do much harm takes no fresh second factor.",
                hint="Unset JITPORTAL_STEP_UP, or set it to 1.",
                id="jitportal.W001",
            )
        )
    if not settings.SECOND_FACTOR:
        found.append(
            checks.Warning(
                "People decide with a password alone.",
                hint="Unset JITPORTAL_SECOND_FACTOR, or set it to 1.",
                id="jitportal.W002",
            )
        )
    if settings.STEP_UP_BY_PROVIDER and not settings.STEP_UP_ACR:
        found.append(
            checks.Warning(
                "Signing in again at the provider counts as a second factor, whatever was asked for there.",
                hint="Set JITPORTAL_STEP_UP_ACR to the classes (acr) with which the provider says that a "
                "second factor was shown.",
                id="jitportal.W003",
            )
        )
    if settings.STEP_UP_BY_PROVIDER and settings.SIGN_ON is None:
        found.append(
            checks.Warning(
                "Signing in again at the provider counts as a second factor, and there is no provider.",
                hint="Set JITPORTAL_OIDC_ISSUER, or unset JITPORTAL_STEP_UP_BY_PROVIDER.",
                id="jitportal.W004",
            )
        )
    return found


def secrets(**_options: Any) -> Sequence[checks.CheckMessage]:
    """A warning for each secret that somebody may guess. Its value is never repeated."""
    named = [
        ("JITPORTAL_SEALING_KEY", settings.SEALING_KEYS[0], "jitportal.W005"),
        ("JITPORTAL_SIGN_IN_REPORT_TOKEN", settings.SIGN_IN_REPORT_TOKEN, "jitportal.W006"),
    ]
    return [
        checks.Warning(
            f"{name} is short, or of few different signs: it can be guessed.",
            hint="Set it to 32 random bytes: openssl rand -base64 32",
            id=number,
        )
        for name, said, number in named
        if said and (len(said) < LEAST_SECRET or len(set(said)) < LEAST_SIGNS)
    ]

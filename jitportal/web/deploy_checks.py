"""What ``manage.py check --deploy`` says of a portal whose second factors are switched off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks


def connect() -> None:
    checks.register(second_factors, checks.Tags.security, deploy=True)


def second_factors(**_options: Any) -> Sequence[checks.CheckMessage]:
    """A warning for each of the two settings that lets a password alone do."""
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
    return found

"""A fresh second factor from a shell: a code, as on the page, for exactly what the command does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.management.base import CommandError

from jitportal.management.command import REFUSED
from jitportal.models import Person, StepUpProof
from jitportal.operations import proving, step_up
from jitportal.operations.step_up import StepUpNeeded

T = TypeVar("T")


def with_code(actor: Person, code: str, do: Callable[[StepUpProof | None], T]) -> T:
    """Do it; where it takes a second factor, show the code for just that, and do it then.

    Raises ``CommandError`` where it takes one and there is no code, ``StepUpNeeded`` for a wrong one.
    """
    try:
        return do(None)
    except StepUpNeeded as needed:
        if not code:
            raise CommandError(
                f"{needed.sentence}\nThis takes a fresh second factor: add --code with a code of your "
                "authenticator app, or do it in the browser.",
                returncode=REFUSED,
            ) from needed
        asked = step_up.ask(actor, needed.act, needed.about, needed.sentence)
    return do(proving.prove_by_code(actor=actor, asked=asked, code=code))

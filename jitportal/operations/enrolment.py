"""Who decides has a second factor: before they decide, and not only where one is asked for."""

from __future__ import annotations

from django.conf import settings

from jitportal.models import Person
from jitportal.operations.step_up import EnrolmentNeeded, has_factor, is_story


def require(actor: Person, what: str) -> None:
    """Let who has a second factor pass. ``what`` begins the sentence of the refusal, as "Deciding".

    Where signing in again at the provider counts, the provider sees to second factors. Raises
    ``EnrolmentNeeded``.
    """
    if actor.is_system or is_story() or not settings.SECOND_FACTOR or settings.STEP_UP_BY_PROVIDER:
        return
    if not has_factor(actor):
        raise EnrolmentNeeded(f"{what} takes a second factor, and you have none yet.")

"""Who looked at the action log of a review: nothing of it is shown that wasn't written down."""

from __future__ import annotations

from datetime import datetime

from jitportal.models import Person, PostIncidentReview
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.post_incident import about, say
from jitportal.operations.transaction import operation
from jitportal.rules.permissions import Verb


def viewed(*, actor: Person, review: PostIncidentReview) -> None:
    """Somebody is about to see what was typed and run. Raises ``NotAllowed``."""
    with operation(actor):
        now = clock.now()
        require(Verb.ACTION_LOG_VIEW, actor, review, now)
        note(review, actor, now)


def note(review: PostIncidentReview, actor: Person, now: datetime) -> None:
    """The event of one viewing, in the transaction of whatever shows it."""
    say(review, actor, "log_viewed", f"{actor} looked at the action log of {about(review)}.", now)

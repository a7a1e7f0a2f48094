"""What people fill in on a review's page, and what they look up of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from jitportal.models import PostIncidentReview
from tests.web.world import World

As = Callable[[str], Client]


FOUND = {
    "act": "determine",
    "determine-classification": "emergency",
    "determine-criterion": "yes",
    "determine-fit": "right",
    "determine-could_jit": "no",
    "determine-recording": "gap_accepted",
    "determine-recording_reason": "Doors aren't recorded.",
    "determine-finding": "As declared.",
}
DONE = {
    "act": "remediate",
    "remediate-sessions_ended": "The doors are shut.",
    "remediate-reverted": "Nothing was changed.",
    "remediate-person_outcome": "none",
    "remediate-model_outcome": "none",
    "remediate-reportable": "no",
}


def seen(client: Client, address: str) -> dict[str, str]:
    """The digest of the facts, as the form holds it."""
    found = re.search(rb'name="determine-seen" value="([0-9a-f]{64})"', client.get(address).content)
    assert found is not None
    return {"determine-seen": found[1].decode()}


def review_of(made: World) -> PostIncidentReview:
    return PostIncidentReview.objects.get(pk=made.incident)

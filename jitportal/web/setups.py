"""What a page for a new second factor was made with: sealed into its form, and read when it comes back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from jitportal.models import Person
from jitportal.operations import clock, sealing
from jitportal.operations.sealing import Unreadable

PURPOSE = "setting a second factor up"
#: To find one's phone takes minutes, and not hours.
LASTS = timedelta(minutes=15)


def sealed(person: Person, what: str, content: object) -> str:
    """For this person and this kind of factor, for a while."""
    said = {"person": person.pk, "what": what, "at": clock.now().isoformat(), "content": content}
    return sealing.seal(PURPOSE, json.dumps(said))


def opened(text: str, person: Person, what: str) -> Any:
    """The content; None where it is another's, another kind's, too old, or no such thing."""
    try:
        said = json.loads(sealing.unseal(PURPOSE, text))
    except (Unreadable, ValueError):
        return None
    if said["person"] != person.pk or said["what"] != what:
        return None
    age = clock.now() - datetime.fromisoformat(said["at"])
    return said["content"] if timedelta() <= age <= LASTS else None

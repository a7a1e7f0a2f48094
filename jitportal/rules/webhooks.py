"""When a webhook is tried again (Standard Webhooks 1.0.0), and what an answer to it means."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

#: The waits before the second attempt, the third and so on; after the last it is given up.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: A wait is longer by up to this share of it, so that what failed together doesn't come back together.
JITTER = 0.1
#: A receiver may ask for a longer wait, and not for one without end.
LONGEST_ASKED = timedelta(hours=24)
LARGEST = 20_000  # bytes of a body
GONE = 410


class Outcome(StrEnum):
    """What an answer's status means."""

    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"
    FAILED = "failed"


def outcome_of(status: int) -> Outcome:
    """2xx takes the message; 410 wants none any more; everything else, a redirect too, is a failure."""
    if 200 <= status < 300:
        return Outcome.ACKNOWLEDGED
    return Outcome.GONE if status == GONE else Outcome.FAILED


def wait_after(attempts: int, *, chance: float, asked: str = "") -> timedelta | None:
    """How long to wait after so many attempts; None: there is no further one.

    ``chance`` is drawn between 0 and 1; ``asked`` is the answer's Retry-After, of which seconds count.
    """
    if attempts > len(WAITS):
        return None
    wait = WAITS[attempts - 1]
    wait += wait * JITTER * chance
    seconds = int(asked[:9]) if asked[:9].isdecimal() and asked.isascii() else 0
    return max(wait, min(timedelta(seconds=seconds), LONGEST_ASKED))

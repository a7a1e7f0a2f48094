"""Pages that wait for a target: never in more than half of a process's threads at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings

from jitportal.rules.errors import OutsideError

#: For so long, in seconds, a page waits for its turn: what answers at all answers sooner.
TURN = 2.0

_turns = BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@contextmanager
def waits_for_target() -> Iterator[None]:
    """Around a call to a target from a page. A target that gives no answer for ten seconds, and clicks on
    it meanwhile, would otherwise hold up every page of the portal.

    Raises ``OutsideError`` where too many wait already.
    """
    if not _turns.acquire(timeout=TURN):
        raise OutsideError("Others wait for an answer of their targets already. Try again in a moment.")
    try:
        yield
    finally:
        _turns.release()

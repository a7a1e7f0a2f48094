"""The action log of a session: what was typed or run in it, line by line."""

from __future__ import annotations

from functools import lru_cache

from jitportal.models import Recording
from jitportal.operations import recording_text
from jitportal.operations.recordings import path_of

#: A line like the others, so that whoever reviews has to say what they find of the rest.
UNSEEN = "More was entered than the screen showed as lines: watch the recording for the rest."
AWAY = "The recording's file isn't there, so what was done in this session can't be read."
CUT = "The log is cut here: what was done after this stands in the recording alone."


def lines_of(recording: Recording) -> list[tuple[str, str]]:
    """Each line with the key that it is known by for good: its recording and its place in it."""
    if recording.size and not path_of(recording).exists():  # its disk may be away: nothing of it is kept
        return [(f"{recording.pk}:file", AWAY)]
    texts = _texts(recording.pk, recording.size, recording.chain)
    return [(f"{recording.pk}:{number}", text) for number, text in enumerate(texts, start=1)]


@lru_cache(maxsize=64)
def _texts(pk: int, size: int, chain: str) -> tuple[str, ...]:
    """Read once for what was received so far: it is asked for with each look at a review's page."""
    del size, chain
    reading = recording_text.read(Recording.objects.get(pk=pk))
    cut = not reading.whole or reading.more > 0
    unseen = [UNSEEN] if reading.unseen or reading.full_screen else []
    return (*(line.text for line in reading.commands), *unseen, *([CUT] if cut else ()))

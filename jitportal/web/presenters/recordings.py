"""A recording as people see it: its facts, its commands, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from jitportal.models import Grant, Recording
from jitportal.operations import facts, recording_text
from jitportal.operations.recording_text import Reading
from jitportal.operations.recordings import CUT_OFF
from jitportal.rules.permissions import Verb
from jitportal.rules.terminal_text import Line
from jitportal.rules.vocabulary import RecordingKind, RecordingState
from jitportal.web.http import PortalRequest

_STATES = {
    RecordingState.RECEIVING: ("waiting", "Being received", "loader-circle"),
    RecordingState.COMPLETE: ("force", "Complete", "circle-check"),
    RecordingState.TRUNCATED: ("failed", "Not whole", "triangle-alert"),
}
_CUT_OFF = ("failed", "Cut off: it has no end", "scissors")
_KINDS = {
    RecordingKind.ASCIICAST_V2: "a terminal's output (asciicast, version 2)",
    RecordingKind.ASCIICAST_V3: "a terminal's output (asciicast, version 3)",
    RecordingKind.PLAIN: "lines of text",
    RecordingKind.STATEMENTS: "the statements that the database server logged",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """``badge``: colour, words and icon of its state."""

    badge: tuple[str, str, str]
    kind: str
    pieces: int
    last: datetime | None  # when the last piece came; none where its end came too


@dataclass(frozen=True, slots=True)
class Timed:
    """A line with the moment to play from."""

    line: Line
    clock: str
    seek: str


@dataclass(frozen=True, slots=True)
class Shown:
    token: str
    facts: Facts
    plays: bool
    exact: bool  # the commands are the server's own log, and no guess
    how: str  # where the commands are from, and what nobody can know of them
    more: int  # commands beyond those that are listed
    words: str
    found: Sequence[Timed]
    commands: Sequence[Timed]
    lines: Sequence[Timed]
    whole: bool  # it was read to its end
    looked: int  # how many bytes were read


def facts_of(recording: Recording) -> Facts:
    badge = _CUT_OFF if CUT_OFF in recording.gaps else _STATES[RecordingState(recording.state)]
    pieces = recording.pieces.aggregate(count=Count("pk"), last=Max("received_at"))
    last = None if recording.state == RecordingState.COMPLETE else pieces["last"]
    return Facts(badge, _KINDS[RecordingKind(recording.kind)], pieces["count"], last)


def shown(recording: Recording, words: str, token: str) -> Shown:
    reading = recording_text.read(recording, words)
    return Shown(
        token=token,
        facts=facts_of(recording),
        plays=recording_text.is_cast(recording),
        exact=recording.kind == RecordingKind.STATEMENTS,
        how=_how(recording, reading),
        more=reading.more,
        words=words,
        found=[_timed(line) for line in reading.found],
        commands=[_timed(line) for line in reading.commands],
        lines=[_timed(line) for line in reading.lines],
        whole=reading.whole,
        looked=reading.looked,
    )


def _how(recording: Recording, reading: Reading) -> str:
    if recording.kind == RecordingKind.STATEMENTS:
        return "As the database server logged them; secrets were taken out."
    if reading.noted:
        return (
            "Each line that was entered at the terminal, as the screen showed it."
            f"{_unseen(reading)} What scripts and programs did by themselves isn't listed."
        )
    if reading.asked:
        return (
            "What the session was asked to run. It had no terminal: what was fed to its standard input, and "
            "what it ran by itself, nobody noted."
        )
    return (
        "Read from the screen: lines that look like a prompt with something behind it. Others may be missing."
    )


def _unseen(reading: Reading) -> str:
    said = ""
    if reading.unseen:
        more = "line was" if reading.unseen == 1 else "lines were"
        said += (
            f" {reading.unseen} more {more} entered that it didn't show: passwords and empty lines, mostly."
        )
    if reading.full_screen:
        times = "once" if reading.full_screen == 1 else f"{reading.full_screen} times"
        said += f" Enter was pressed {times} in full-screen programs: watch those."
    return said


def of_grant(request: PortalRequest, grant: Grant) -> list[Recording]:
    """The grant's recordings, where the viewer may see them."""
    found = list(grant.recordings.select_related("grant").order_by("started_at")[:100])
    if not found or not facts.may(Verb.RECORDING_VIEW, request.user, found[0]):
        return []
    return found


def _timed(line: Line) -> Timed:
    clock = str(timedelta(seconds=int(line.seconds))).removeprefix("0:")
    return Timed(line, clock, f"{line.seconds:.3f}")

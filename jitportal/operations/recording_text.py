"""Reading recordings: as something to play, as lines to search, as commands. Always as a stream.

What a host sent may be anything. A line that is no event is left out, a long one is cut, and no more than a
bounded part is looked at; how much of it was, is said.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from jitportal.models import Recording
from jitportal.operations.recordings import path_of
from jitportal.rules.entered_lines import MARK, EnteredLines
from jitportal.rules.player_text import CUT, PlayerText
from jitportal.rules.terminal_text import Line, ScreenText, command_in
from jitportal.rules.vocabulary import RecordingKind

LONGEST_LINE = 262_144


class Bounds(NamedTuple):
    """How much of a recording is looked at: bytes, lines of its file, sequences and line breaks in those."""

    size: int
    lines: int
    acts: int


#: How much is played, and how much is read for the lists beside it. A line takes microseconds, and so does
#: a sequence, however short they are: without a bound, a recording made of them would keep a thread busy for
#: minutes.
PLAYED = Bounds(64 * 1_048_576, 600_000, 1 << 40)
READ = Bounds(24 * 1_048_576, 400_000, 1_000_000)
FIRST = Bounds(LONGEST_LINE, 1, 1 << 40)
#: What was put out within so many seconds is played at once: no screen shows more pictures.
TOGETHER = 1 / 60
MOST_TOGETHER = 65_536
MOST_FOUND, MOST_COMMANDS, MOST_LINES = 200, 500, 400
LONGEST_SECONDS = 40 * 86_400.0
CASTS = (RecordingKind.ASCIICAST_V2, RecordingKind.ASCIICAST_V3)
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})", re.ASCII)
#: The smallest and the largest terminal that is shown.
_COLUMNS, _ROWS = (20, 400), (5, 150)


@dataclass(frozen=True, slots=True)
class CastEvent:
    seconds: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a database session, exactly as its server logged it."""

    at: datetime | None
    text: str
    seconds: float


@dataclass(slots=True)
class Reading:
    """What was found by reading. ``whole``: it was read to its end; ``looked``: how many bytes were.

    ``noted``: its host noted each line that was entered, so the commands are all that the screen showed;
    ``unseen`` lines it didn't show, and ``full_screen`` were entered in programs that have all of it.
    ``asked``: the session ran this one command, without anybody at a keyboard where it isn't noted.
    """

    found: list[Line] = field(default_factory=list)
    commands: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    whole: bool = True
    looked: int = 0
    noted: bool = False
    unseen: int = 0
    full_screen: int = 0
    more: int = 0  # commands beyond those that are listed
    asked: str = ""
    entered: EnteredLines | None = None


def is_cast(recording: Recording) -> bool:
    """Whether the player can play it."""
    return recording.kind in CASTS


def read(recording: Recording, words: str = "") -> Reading:
    """The first lines, the commands, and the lines in which all of the words stand."""
    reading = Reading()
    wanted = [word.casefold() for word in words.split()][:20]
    guessed: list[Line] = []
    if is_cast(recording):
        _begin(reading, recording)
    entered = len(reading.commands)
    for line in lines(recording, reading):
        if len(reading.lines) < MOST_LINES:
            reading.lines.append(line)
        if len(guessed) <= MOST_COMMANDS:
            text = line.text if recording.kind == RecordingKind.STATEMENTS else command_in(line.text)
            if text:
                guessed.append(Line(line.seconds, text))
        if wanted and len(reading.found) < MOST_FOUND and _has(line.text, wanted):
            reading.found.append(line)
    _conclude(reading, guessed, entered)
    return reading


def _begin(reading: Reading, recording: Recording) -> None:
    """What its beginning says of the session, and of what its host notes."""
    header = _header(recording)
    reading.noted = header.get("notes") == "lines"
    reading.entered = EnteredLines(_window(recording)[0])
    asked = header.get("command")
    if isinstance(asked, str) and asked.strip():
        (line,) = _plain(0.0, _sound(asked[:LONGEST_LINE]))
        reading.asked = line.text
        reading.commands.append(line)


def _conclude(reading: Reading, guessed: list[Line], before: int) -> None:
    """Take the entered lines where somebody told which they are, and the guesses where nobody did."""
    entered = reading.entered
    if entered is not None:
        entered.close()
        if reading.noted:
            reading.unseen, reading.full_screen = entered.unseen, entered.full_screen
    if not reading.noted and (entered is None or not entered.edited):
        reading.commands = reading.commands[:before] + guessed
        reading.more = 0
    reading.more += max(0, len(reading.commands) - MOST_COMMANDS)
    del reading.commands[MOST_COMMANDS:]


def _enter(reading: Reading, event: CastEvent) -> None:
    """Follow what was entered, beside the lines of the screen."""
    entered = reading.entered
    if entered is None:
        return
    if event.kind == "o":
        for line in entered.feed(event.seconds, event.text):
            if len(reading.commands) < MOST_COMMANDS:
                reading.commands.append(line)
            else:
                reading.more += 1
    elif event.kind == "m" and (mark := MARK.fullmatch(event.text)):
        entered.entered(int(mark[1]))
    elif event.kind == "r" and (size := _size(event.text)):
        entered.resize(size[0])


def lines(recording: Recording, reading: Reading | None = None) -> Iterator[Line]:
    """A recording as lines of text, with their times where they have any."""
    reading = reading or Reading()
    if is_cast(recording):
        screen = ScreenText()
        for event in cast_events(recording, READ, reading):
            _enter(reading, event)
            if event.kind == "o":
                yield from screen.feed(event.seconds, event.text)
        yield from screen.close()
        return
    began = recording.started_at
    for raw in _raw_lines(recording, READ, reading):
        text, seconds = raw, 0.0
        if recording.kind == RecordingKind.STATEMENTS:
            statement = _statement(raw, began)
            if statement is None:
                continue
            text, seconds = statement.text, statement.seconds
        yield from _plain(seconds, text)


def _plain(seconds: float, text: str) -> list[Line]:
    """A text as one line that nothing could act in."""
    screen = ScreenText()
    shown = [line.text for line in (*screen.feed(seconds, text.replace("\n", " ")), *screen.close())]
    return [Line(seconds, " ".join(shown))]


def playable(recording: Recording) -> Iterator[bytes]:
    """An asciicast that the player takes, whatever came: a header made here, and sound events alone."""
    columns, rows = _window(recording)
    header = {"version": 2, "width": columns, "height": rows}
    yield _json_line(header)
    reading, player, seconds = Reading(), PlayerText(columns, rows), 0.0
    for event in _together(cast_events(recording, PLAYED, reading)):
        seconds, text = event.seconds, event.text
        if event.kind == "r":
            player.resize(*(_size(text) or (columns, rows)))
        elif event.kind == "o":
            text = player.feed(text)
        if player.left <= 0:
            break
        yield _json_line([round(seconds, 6), event.kind, text])
    if player.left <= 0 or not reading.whole:
        yield _json_line([round(seconds, 6), "o", CUT])


def _json_line(said: object) -> bytes:
    return f"{json.dumps(said)}\n".encode()


def _together(events: Iterator[CastEvent]) -> Iterator[CastEvent]:
    """Those that the player takes; what is put out at almost the same time as one."""
    first, parts, length = 0.0, list[str](), 0
    for event in events:
        if event.kind == "m" and MARK.fullmatch(event.text):
            continue  # so many dots on the time line would hide it
        follows = event.kind == "o" and event.seconds - first < TOGETHER and length < MOST_TOGETHER
        if parts and not follows:
            yield CastEvent(first, "o", "".join(parts))
            parts, length = [], 0
        if event.kind == "o":
            first = event.seconds if not parts else first
            parts.append(event.text)
            length += len(event.text)
        elif event.kind == "m":
            yield event
        elif size := _size(event.text):
            yield CastEvent(event.seconds, "r", f"{size[0]}x{size[1]}")
    if parts:
        yield CastEvent(first, "o", "".join(parts))


def cast_events(recording: Recording, most: Bounds, reading: Reading) -> Iterator[CastEvent]:
    """The events of an asciicast, in time; those of version 3 count from the one before."""
    relative = recording.kind == RecordingKind.ASCIICAST_V3
    seconds = 0.0
    for number, raw in enumerate(_raw_lines(recording, most, reading)):
        if number == 0 or raw.startswith("#"):
            continue
        event = _event(raw)
        if event is None:
            continue
        moment = seconds + event.seconds if relative else event.seconds
        seconds = min(max(seconds, moment), LONGEST_SECONDS)
        yield CastEvent(seconds, event.kind, event.text)


def _event(raw: str) -> CastEvent | None:
    said = _json(raw)
    if not isinstance(said, list) or len(said) < 3:
        return None
    seconds, kind, text = said[:3]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isinstance(text, str):
        return None
    if kind not in ("o", "r", "m") or not 0 <= seconds < math.inf:  # a whole number may exceed any float
        return None
    return CastEvent(float(min(seconds, LONGEST_SECONDS)), kind, _sound(text))


def _sound(text: str) -> str:
    """Without halves of characters, which nothing can write."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _header(recording: Recording) -> dict[str, Any]:
    """What the recording's first line says of it; empty where it is none."""
    said = _json(next(_raw_lines(recording, FIRST, Reading()), ""))
    return said if isinstance(said, dict) else {}


def _window(recording: Recording) -> tuple[int, int]:
    """The terminal's size at the beginning, as far as it can be one."""
    header = _header(recording)
    term = header.get("term")
    named: dict[str, Any] = term if isinstance(term, dict) else {}
    columns, rows = header.get("width", named.get("cols")), header.get("height", named.get("rows"))
    return _bounded(columns, 80, *_COLUMNS), _bounded(rows, 24, *_ROWS)


def _size(said: str) -> tuple[int, int] | None:
    """What a terminal was resized to, as far as it can be one."""
    found = _SIZE.fullmatch(said)
    return (_bounded(int(found[1]), 80, *_COLUMNS), _bounded(int(found[2]), 24, *_ROWS)) if found else None


def _bounded(said: object, usual: int, least: int, most: int) -> int:
    if isinstance(said, bool) or not isinstance(said, int):
        return usual
    return min(max(said, least), most)


def _statement(raw: str, began: datetime) -> Statement | None:
    said = _json(raw)
    if not isinstance(said, dict) or not isinstance(said.get("statement"), str):
        return None
    text = _sound(said["statement"])
    try:
        at = datetime.fromisoformat(str(said.get("at")))
        seconds = max(0.0, (at - began).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return Statement(None, text, 0.0)
    return Statement(at, text, seconds)


def _json(raw: str) -> object:
    try:
        said: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return said


def _raw_lines(recording: Recording, most: Bounds, reading: Reading) -> Iterator[str]:
    """The file's lines, a few at a time; the rest of one that is too long is skipped."""
    path = path_of(recording)
    if not path.exists():
        return
    left, lines_left, acts_left = min(most.size, recording.size), most.lines, most.acts
    reading.whole = recording.size <= most.size
    with path.open("rb") as file:
        skipping = False
        while left > 0:
            if lines_left <= 0 or acts_left <= 0:
                reading.whole = False
                return
            raw = file.readline(min(LONGEST_LINE, left))
            if not raw:
                return
            left -= len(raw)
            reading.looked += len(raw)
            lines_left -= 1
            acts_left -= raw.count(b"\\")  # in JSON, each of them is an escape
            ended = raw.endswith(b"\n")
            if not skipping and (ended or left == 0 or len(raw) < LONGEST_LINE):
                yield raw.decode("utf-8", "replace").rstrip("\r\n")
            skipping = not ended


def _has(text: str, wanted: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in wanted)

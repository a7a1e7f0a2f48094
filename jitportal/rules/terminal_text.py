"""What a terminal was sent, as lines that people read: no colours, no cursor, nothing that could act."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_LINE = 2_000
#: A sequence that hasn't ended after so many characters isn't one.
LONGEST_SEQUENCE = 4_096

_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # control sequences: colours, the cursor
    r"|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # strings: a window's title, a link
    r"|[ -/]*[0-OQ-WYZ`-~]"  # short ones
    r")|[\x80-\x9f]"
)
#: One that is not whole yet.
_BEGUN = re.compile(r"\x1b(?:[\]PX^_][^\x07\x1b]*\x1b?|\[[0-?]*[ -/]*|[ -/]*)\Z")
#: What shows a line in another order than it was put out in, or breaks it.
_HIDING = re.compile(r"[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]")
#: What a shell or psql shows before it takes a command.
PROMPT = re.compile(
    r"(?:\([\w.-]{1,40}\) )?"
    r"(?:\[?[\w.-]{1,64}@[\w.-]{1,64}[^$#%>\n]{0,200}[$#%>]|(?:ba|z|)sh-[\d.]{1,8}[$#]|[\w-]{1,63}[=(*!'\"-]{1,3}[>#]|[$#])"
    r"\s+(?P<command>\S.{0,1000})"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and how many seconds after the beginning it was whole."""

    seconds: float
    text: str


class ScreenText:
    """Fed with output as it comes, gives the lines that it makes; never holds more than one of them."""

    def __init__(self) -> None:
        self._rest = ""
        self._line: list[str] = []
        self._length = 0
        self._seconds = 0.0

    def feed(self, seconds: float, text: str) -> Iterator[Line]:
        self._seconds = seconds
        text = self._rest + text
        self._rest = ""
        begun = _BEGUN.search(text, max(0, len(text) - LONGEST_SEQUENCE))
        if begun:
            text, self._rest = text[: begun.start()], begun.group()
        plain = _CONTROL.sub("", _SEQUENCE.sub("", text).replace("\x1b", ""))
        *whole, last = plain.split("\n")
        for part in whole:
            self._add(part)
            yield self._take()
        self._add(last)

    def close(self) -> Iterator[Line]:
        """The last line, which no line break ended."""
        if "".join(self._line).strip():
            yield self._take()

    def _add(self, part: str) -> None:
        if part and self._length < LONGEST_LINE * 4:
            part = part[: LONGEST_LINE * 4]
            self._line.append(part)
            self._length += len(part)

    def _take(self) -> Line:
        line = Line(self._seconds, visible(_edited("".join(self._line)))[:LONGEST_LINE])
        self._line, self._length = [], 0
        return line


def visible(text: str) -> str:
    """With a name in the place of each character that would have others read in another order."""
    return text if text.isascii() else _HIDING.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def _edited(typed: str) -> str:
    """The line as it stood in the end: a backspace takes away, a return begins it anew."""
    if "\b" not in typed:
        return typed.rstrip("\r").rpartition("\r")[2].rstrip()
    shown: list[str] = []
    begun_anew = False
    for character in typed:
        if character == "\b":
            if shown:
                shown.pop()
        elif character == "\r":
            begun_anew = True
        else:
            if begun_anew:
                shown, begun_anew = [], False
            shown.append(character)
    return "".join(shown).rstrip()


def command_in(line: str) -> str:
    """What follows a prompt, where the line looks like one; a guess, and no more than that."""
    found = PROMPT.fullmatch(line)
    return found["command"] if found else ""

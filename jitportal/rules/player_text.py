"""What a player of recordings is given: a terminal's output whose cost is bounded.

A few characters can have a terminal redraw all of itself, or print one character a hundred million times.
Whoever is recorded chooses them, and whoever reviews has them played: so they are counted and cut before.
"""

from __future__ import annotations

import re

#: Controls that act in the middle of a sequence, without ending it; the others cancel it.
_C = r"[\x00-\x17\x19\x1c-\x1f\x7f]"
_CSI = rf"(?:\x1b{_C}*\[|\x9b)"
_SEQUENCE = re.compile(
    rf"{_CSI}(?P<given>[\x00-\x17\x19\x1c-\x3f\x7f]*)(?P<act>[@-~])"
    rf"|\x1b{_C}*(?P<all>c|#{_C}*8)|(?P<row>[\x84\x85\x8d]|\x1b{_C}*[DEM])"
)
_BEGUN = re.compile(rf"(?:{_CSI}[\x00-\x17\x19\x1c-\x3f\x7f]*|\x1b{_C}*(?:#{_C}*)?)\Z")
_CONTROLS = re.compile(_C)
#: What begins a row wherever it stands, in the middle of a sequence too.
_ROWS = ("\n", "\x0b", "\x0c")
#: A sequence that hasn't ended after so many characters is left out.
_LONGEST = 256
#: Sequences that touch all of the screen.
_WHOLE_SCREEN = frozenset("JLMSThl")
#: To print a character again costs as much as to fill so many cells; to begin a row, more.
_PRINT, _ROW = 40, 1_000
#: So many cells of a screen are filled within seconds.
MOST_CELLS = 2_000_000_000
CUT = "\r\n\x1b[0m[It is played no further here: the file has all of it.]\r\n"


class PlayerText:
    """Fed with output as it comes, gives what is played of it, as long as ``left`` is above nothing."""

    def __init__(self, columns: int, rows: int) -> None:
        self.left = MOST_CELLS
        self._rest = ""
        self._columns, self._rows = columns, rows

    def resize(self, columns: int, rows: int) -> None:
        """All of the screen is laid out anew."""
        self._columns, self._rows = columns, rows
        self.left -= columns * rows * 10

    def feed(self, text: str) -> str:
        """The same, but for what is cut; a sequence that has only begun waits for the rest of it."""
        text = self._rest + text
        self._rest = ""
        begun = _BEGUN.search(text)
        if begun:
            text, self._rest = text[: begun.start()], begun.group()
            if len(self._rest) > _LONGEST:
                self._rest = ""
        self.left -= sum(map(text.count, _ROWS)) * (_ROW + self._columns)
        return _SEQUENCE.sub(self._sequence, text)

    def _sequence(self, found: re.Match[str]) -> str:
        self.left -= self._columns
        if self.left <= 0:
            return ""
        if found["row"]:
            self.left -= _ROW
            return found[0]
        if found["all"]:
            self.left -= self._columns * self._rows
            return found[0]
        act = found["act"]
        if act in _WHOLE_SCREEN:
            self.left -= self._columns * self._rows
        if act == "t":
            return ""  # a window's size is the recording's to say, in events of its own
        return self._again(found["given"]) if act == "b" else found[0]

    def _again(self, given: str) -> str:
        """The last character, as often as a row is long at most."""
        times = re.sub(r"\D", "", _CONTROLS.sub("", given).split(";", maxsplit=1)[0])[:9]
        bounded = min(int(times or 1), self._columns)
        self.left -= bounded * _PRINT
        return f"\x1b[{bounded}b"

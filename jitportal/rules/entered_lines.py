"""The lines that somebody entered at a terminal, as its screen showed them, whatever the prompt looked like.

Two things tell where they are: an editor of lines (bash's, zsh's, psql's) says when it begins and ends to
read one, by switching bracketed paste on and off; and where none does, whoever records says when Enter was
pressed. What was typed is never recorded, so a line that the screen didn't show is only counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jitportal.rules.terminal_text import LONGEST_LINE, PROMPT, Line, command_in, visible

#: How a recording's mark says that Enter was pressed so many times.
MARK = re.compile(r"entered (\d{1,4})")
_TOKEN = re.compile(
    r"\x1b\[(?P<given>[0-?]*)[ -/]*(?P<act>[@-~])"
    r"|\x1b(?:[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ`-~])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f\x1b]+)"
    r"|(?P<control>[\r\b\n])|[\x00-\x07\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]+|\x1b"
)
_BEGUN = re.compile(r"\x1b(?:[\]PX^_][^\x07\x1b]*\x1b?|\[[0-?]*[ -/]*|[ -/]*)\Z")
_LONGEST_SEQUENCE = 4_096
_LONGEST = LONGEST_LINE * 2
_FULL_SCREEN = {"?1049", "?1047", "?47"}
_EDITING = "?2004"


class EnteredLines:
    """Fed with what was put out and with the marks, gives each entered line once it is whole."""

    def __init__(self, columns: int) -> None:
        self.unseen = 0  # lines that were entered and the screen didn't show
        self.full_screen = 0  # lines that were entered in programs that have the whole screen
        self.edited = False  # whether an editor of lines said where they are
        self._columns = columns
        self._cells: list[str] = []
        self._at = 0
        self._wraps = False
        self._rest = ""
        self._reads = self._whole_screen = False
        self._pending = 0
        self._offered: str | None = None
        self._prompts: set[str] = set()

    def resize(self, columns: int) -> None:
        self._columns = columns

    def entered(self, times: int) -> None:
        """Enter was pressed so often."""
        if self._whole_screen:
            self.full_screen += times
        elif not self._reads:  # an editor says itself which line it took
            self._pending += times

    def feed(self, seconds: float, text: str) -> Iterator[Line]:
        text = self._rest + text
        self._rest = ""
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        if begun:
            text, self._rest = text[: begun.start()], begun.group()
        for token in _TOKEN.finditer(text):
            if token["act"]:
                yield from self._sequence(seconds, token["given"], token["act"])
            elif self._whole_screen:
                continue
            elif token["text"]:
                self._print(token["text"])
            elif token["control"]:
                yield from self._control(seconds, token["control"])
        if self._reads and self._offered is None and self._cells:
            self._offered = self._shown()  # what stands there before anything was typed: the prompt

    def close(self) -> None:
        """Nothing comes any more."""
        self.unseen += self._pending
        self._pending = 0

    def _sequence(self, seconds: float, given: str, act: str) -> Iterator[Line]:
        if act in "hl" and given in _FULL_SCREEN:
            self._whole_screen = act == "h"
            self._clear()
        elif self._whole_screen:
            return
        elif act in "hl" and given == _EDITING:
            yield from self._editing(seconds, begins=act == "h")
        else:
            self._move(given, act)

    def _editing(self, seconds: float, *, begins: bool) -> Iterator[Line]:
        if begins:
            self.unseen += self._pending
            self._pending, self._offered = 0, None
            self.edited = self._reads = True
        elif self._reads:
            self._reads = False
            line = self._without_prompt(self._shown())
            if line:
                yield Line(seconds, visible(line)[:LONGEST_LINE])
        self._clear()

    def _without_prompt(self, shown: str) -> str:
        """The line without what stood before it, as far as that is known: never less than was entered."""
        offered = self._offered or ""
        typed = shown.removeprefix(offered).strip()
        if offered and shown.startswith(offered) and (typed or offered in self._prompts):
            self._prompts.add(offered)
            return typed
        if PROMPT.fullmatch(f"{shown} x"):
            return ""
        return command_in(shown) or shown

    def _control(self, seconds: float, control: str) -> Iterator[Line]:
        if control == "\r":
            row = (self._at - 1 if self._wraps else self._at) // self._columns
            self._at, self._wraps = row * self._columns, False
        elif control == "\b":
            self._at, self._wraps = max(0, self._at - 1), False
        elif control == "\n" and self._reads:
            self._at = min(self._at + self._columns, _LONGEST)
        elif control == "\n":
            shown = self._shown() if self._pending else ""
            self._clear()
            if self._pending:
                self._pending -= 1
                line = command_in(shown) or shown
                if line and not PROMPT.fullmatch(f"{line} x"):
                    yield Line(seconds, visible(line)[:LONGEST_LINE])
                else:
                    self.unseen += 1

    def _print(self, text: str) -> None:
        text = text[: max(0, _LONGEST - self._at)]
        if len(self._cells) < self._at:
            self._cells.extend(" " * (self._at - len(self._cells)))
        self._cells[self._at : self._at + len(text)] = text
        self._at += len(text)
        self._wraps = bool(text) and self._at % self._columns == 0

    def _move(self, given: str, act: str) -> None:
        first = given.split(";", maxsplit=1)[0]
        times = max(1, min(int(first[:9]), _LONGEST)) if first.isascii() and first.isdigit() else 1
        at = self._at
        row_end = (at // self._columns + 1) * self._columns
        if act in "CD":
            self._at = at + times if act == "C" else max(0, at - times)
        elif act in "AB":
            self._at = at + times * self._columns * (1 if act == "B" else -1)
        elif act == "G":
            self._at = at // self._columns * self._columns + times - 1
        elif act == "K" and first in ("", "0"):
            self._cells[at:row_end] = " " * max(0, min(row_end, len(self._cells)) - at)
        elif act == "J" and first in ("", "0"):
            del self._cells[at:]
        elif act == "P":
            del self._cells[at : at + times]
        elif act == "@":
            self._cells[at:at] = " " * min(times, self._columns)
            del self._cells[_LONGEST:]
        self._at = min(max(0, self._at), _LONGEST)
        self._wraps = self._wraps and act == "K"

    def _shown(self) -> str:
        """What stands there: rows that are full to their end go on in the next."""
        text = "".join(self._cells)
        rows = [text[at : at + self._columns] for at in range(0, len(text), self._columns)]
        joined = "".join(row if len(row.rstrip()) == self._columns else f"{row.rstrip()}\n" for row in rows)
        return " ".join(part.strip() for part in joined.split("\n") if part.strip())[:LONGEST_LINE]

    def _clear(self) -> None:
        self._cells, self._at, self._wraps = [], 0, False

"""The parts of a PostgreSQL statement: words, literals and comments, with where each stands.

As the server's own scanner reads them, in one pass over the text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_PART = re.compile(
    r"(?P<space>\s++)"
    r"|(?P<line>--[^\n\r]*+)"
    r"|(?P<block>/\*)"
    r"|(?P<string>(?:[EeNnBbXx]|[Uu]&)?+')"
    r"|(?P<dollar>\$(?:[^\W\d]\w*+)?+\$)"
    r'|(?P<name>(?:[Uu]&)?+"(?:[^"]++|"")*+"?+)'
    r"|(?P<word>[^\W\d][\w$]*+|\d[\w.]*+)"
    r"|(?P<end>;)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
_PLAIN_BODY = re.compile(r"(?:[^']++|'')*+")
_ESCAPED_BODY = re.compile(r"(?:[^'\\]++|''|\\.)*+", re.DOTALL)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(
    r"''|\\(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{1,3}|.)|\\\Z", re.DOTALL
)
_UNICODE_ESCAPE = re.compile(r"''|\\\\|\\[0-9A-Fa-f]{4}|\\\+[0-9A-Fa-f]{6}")
_NAMED_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Kind(Enum):
    WORD = auto()  # a keyword, a name or a number
    NAME = auto()  # a name in double quotes
    LITERAL = auto()
    COMMENT = auto()
    MARK = auto()
    END = auto()  # of a statement


_KINDS = {
    "line": Kind.COMMENT,
    "name": Kind.NAME,
    "word": Kind.WORD,
    "end": Kind.END,
    "mark": Kind.MARK,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part. ``inner``: where a literal's or a comment's own text begins and ends."""

    kind: Kind
    start: int
    end: int
    inner: tuple[int, int]
    prefix: str = ""  # of a literal: "e", "u&", "$" and others

    def of(self, text: str) -> str:
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Content:
    """What a literal says, and where each character of that stands in the statement."""

    text: str
    places: range | list[int]

    def place(self, at: int) -> int:
        """Where that character begins in the statement; the one after the last: where the last one ends."""
        if at < len(self.places):
            return self.places[at]
        return self.places[-1] + 1 if self.places else 0


def parts(text: str, *, backslashes: bool = False) -> Iterator[Part]:
    """The parts in their order, the space between them left out. What isn't closed goes on to the end.

    ``backslashes``: they escape in literals without a prefix too (standard_conforming_strings is off).
    """
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        assert found is not None  # noqa: S101 - any character is a mark
        part = _part(text, found, backslashes=backslashes)
        at = part.end if part else found.end()
        if part:
            yield part


def _part(text: str, found: re.Match[str], *, backslashes: bool) -> Part | None:
    start, end = found.span()
    group = found.lastgroup
    if group == "space":
        return None
    if group == "block":
        return _block(text, start)
    if group == "string":
        return _string(text, start, end, backslashes=backslashes)
    if group == "dollar":
        return _dollar(text, start, end)
    inner = (start + 2, end) if group == "line" else (start, end)
    return Part(_KINDS[str(group)], start, end, inner)


def _block(text: str, start: int) -> Part:
    """A comment between marks; they nest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return Part(Kind.COMMENT, start, mark.end(), (start + 2, mark.start()))
    return Part(Kind.COMMENT, start, len(text), (start + 2, len(text)))


def _dollar(text: str, start: int, opened: int) -> Part:
    tag = text[start:opened]
    close = text.find(tag, opened)
    if close < 0:
        return Part(Kind.LITERAL, start, len(text), (opened, len(text)), "$")
    return Part(Kind.LITERAL, start, close + len(tag), (opened, close), "$")


def _string(text: str, start: int, opened: int, *, backslashes: bool) -> Part:
    prefix = text[start : opened - 1].lower()
    body = _ESCAPED_BODY if prefix == "e" or (backslashes and prefix in {"", "n"}) else _PLAIN_BODY
    found = body.match(text, opened)
    inner = found.end() if found else opened
    end = inner + 1 if text[inner : inner + 1] == "'" else len(text)
    return Part(Kind.LITERAL, start, end, (opened, min(inner, end)), prefix)


def content(text: str, literal: Part, *, backslashes: bool = False) -> Content:
    """What the literal says, its escapes undone."""
    first, last = literal.inner
    if literal.prefix == "$":
        return Content(text[first:last], range(first, last))
    escape = _ESCAPE if literal.prefix == "e" or backslashes else _UNICODE_ESCAPE
    if literal.prefix not in {"e", "u&"} and not backslashes:
        if "''" not in text[first:last]:
            return Content(text[first:last], range(first, last))
        escape = re.compile("''")
    said: list[str] = []
    places: list[int] = []
    at = first
    for found in escape.finditer(text, first, last):
        said.append(text[at : found.start()])
        places.extend(range(at, found.start()))
        said.append(_meant(found.group()))
        places.append(found.start())
        at = found.end()
    said.append(text[at:last])
    places.extend(range(at, last))
    return Content("".join(said), places)


def _meant(escape: str) -> str:
    """The one character that an escape stands for."""
    if escape == "''":
        return "'"
    said = escape[1:]
    if not said:
        return "\\"
    digits = said.lstrip("xuU+") if said[0] in "xuU+" else said
    if said[0] in "xuU+" or len(said) == 4:
        return _character(digits, 16) if digits else said[0]
    if said[0] in "01234567":
        return _character(said, 8)
    return _NAMED_ESCAPES.get(said, said)


def _character(digits: str, base: int) -> str:
    number = int(digits, base)
    return chr(number) if number <= 0x10FFFF else "?"

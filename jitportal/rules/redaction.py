"""Secrets taken out of statements before they are kept. What is taken out can't be had back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jitportal.rules.sql_text import Content, Kind, Part, content, parts

_MARK = "[redacted]"
REDACTED = f"'{_MARK}'"

_NEAR_SECRETS = (
    r"passw|passphrase|passcode|passkey|pwd|secret|token|credential|bearer|jwt"
    r"|(?:api|private|access|account|encryption|signing|master|session|shared|storage)[_ -]?key"
    r"|(?<![a-z])(?:pass|pw|pin|otp|psk|salt|auth)(?![a-z])"
)
#: A name that says that secrets are near.
_SECRETIVE = re.compile(_NEAR_SECRETS, re.IGNORECASE)
#: Names of functions and clauses that take secrets, or text that holds them.
_TAKES_SECRETS = re.compile(
    r"(?:crypt|hmac|digest|set_config|connection|conninfo|primary_conninfo|identified|uescape|gen_salt"
    r"|(?:en|de)crypt\w*|pgp_\w+|dblink\w*)",
    re.IGNORECASE,
)
#: What follows these is a program.
_CODE_FOLLOWS = frozenset({"do", "as", "execute"})
#: Programs in programs are looked through so far; what lies deeper is taken out.
_DEEPEST = 4

#: A value in quotes of its own, or up to a space: a secret may hold any other character.
_VALUE = (
    r"(?P<v>\"(?:[^\"\\]++|\\.)*+|'(?:[^'\\]++|\\.|'')*+|\$(?P<tag>\w*+)\$.*?(?:\$(?P=tag)\$|\Z)|[^\s\"]++)"
)
_FLAGS = re.IGNORECASE | re.DOTALL
#: Within a literal's text or a comment: a name of a secret, and what it is set to. Nothing is tried in more
#: than one way (``*+``, ``(?>``): a statement that was written to hold the worker up takes no longer.
_SET_TO = (
    re.compile(
        rf"(?<![\w.])(?>[\w.]*?(?:{_NEAR_SECRETS}))[\w.]*+[\"'\]\\]*+\s*+(?:=>|:=|[=:>])\s*+{_VALUE}", _FLAGS
    ),
    re.compile(rf"(?<![\w-])--(?>[\w-]*?(?:{_NEAR_SECRETS}|key))[\w-]*+[=\s]\s*+{_VALUE}", _FLAGS),
    re.compile(rf"(?<!\S)(?:-u|--user)[\s=]*+[^\s:'\"]{{0,100}}+:{_VALUE}", _FLAGS),
    re.compile(rf"\b(?:sshpass|mysql|mariadb)\w*+(?:\s++(?!-p)\S++){{0,9}}\s++-p\s*+{_VALUE}", _FLAGS),
    re.compile(rf"\b(?:bearer|basic)\s++{_VALUE}", _FLAGS),
)
#: Secrets that show by themselves, wherever they stand.
_SHOWN = (
    re.compile(r"(?P<v>\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}+|glpat-[\w-]{10,}+|xox[abprs]-[\w-]{10,}+))"),
    re.compile(r"(?P<v>(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+)"),  # a signed token
    re.compile(
        r"(?P<v>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z))",
        _FLAGS,
    ),
    re.compile(r"(?P<v>\bSCRAM-SHA-256\$[\w:+/=$]++|\bmd5[0-9a-f]{32}\b)"),
)

_WORDS = re.compile(r"\S++")

Ranges = dict[tuple[int, int], str]


def redact(statement: str) -> str:
    """The statement without the secrets that can be told by where they stand or how they look.

    A guess to the safe side: where a statement names a secret, each of its literals is gone, whatever it
    was. Programs (of ``DO``, of functions, of ``EXECUTE``) are looked through in the same way. A secret that
    a user writes where nothing says so stays.
    """
    # Whether a backslash escapes in plain literals is a setting that the log doesn't tell.
    ambiguous = "\\'" in statement
    found: Ranges = {}
    for backslashes in (False, True) if ambiguous else (False,):
        found |= _in_program(statement, backslashes=backslashes, depth=0)
    for start, end in _shown(statement):
        found.setdefault((start, end), _MARK)
    return _without(statement, found)


def _without(text: str, ranges: Ranges) -> str:
    kept: list[str] = []
    at = 0
    for (start, end), mark in sorted(ranges.items(), key=lambda one: (one[0][0], -one[0][1])):
        if end <= at:
            continue
        if start >= at:
            kept += [text[at:start], mark]
        at = end
    return "".join([*kept, text[at:]])


@dataclass(slots=True)
class _Statement:
    """What is gathered of one statement, up to its semicolon."""

    literals: list[tuple[Part, bool]] = field(default_factory=list)  # each with whether it is a program
    comments: list[Part] = field(default_factory=list)
    values: list[tuple[int, int]] = field(default_factory=list)  # what a secret is set to, unquoted
    first: str = ""
    last: tuple[str, str] = ("", "")
    names_secret: bool = False
    sets: bool = False
    assigns: bool = False

    def take(self, part: Part, said: str) -> None:
        """Gather one more part; a comment may stand anywhere."""
        if part.kind is Kind.COMMENT:
            self.comments.append(part)
            return
        if part.kind is Kind.LITERAL:
            is_program = self.last[1] in _CODE_FOLLOWS or self.last[0] == "language"
            self.literals.append((part, is_program))
        elif self.assigns and part.kind is not Kind.MARK:
            self.values.append((part.start, part.end))  # SET my.secret TO word
        elif part.kind is not Kind.MARK:
            self.names_secret = self.names_secret or _is_secretive(said, part.kind)
        word = said.lower() if part.kind in {Kind.WORD, Kind.MARK} else ""
        self.first = self.first or word
        self.sets = self.sets or word == "set"
        self.assigns = self.assigns or (self.sets and self.names_secret and word in {"=", "to"})
        self.last = (self.last[1], word)


def _in_program(text: str, *, backslashes: bool, depth: int) -> Ranges:
    """What is to go of a text that may be SQL: where, and what stands there instead."""
    found: Ranges = {}
    now = _Statement()
    for part in parts(text, backslashes=backslashes):
        if part.kind is Kind.END:
            found |= _of_statement(text, now, backslashes=backslashes, depth=depth)
            now = _Statement()
        else:
            now.take(part, part.of(text))
    return found | _of_statement(text, now, backslashes=backslashes, depth=depth)


def _is_secretive(name: str, kind: Kind) -> bool:
    if kind is Kind.NAME and name[:1] in "uU" and "\\" in name:
        return True  # spelt in numbers
    return bool(_SECRETIVE.search(name) or _TAKES_SECRETS.fullmatch(name.strip('"')))


def _of_statement(text: str, statement: _Statement, *, backslashes: bool, depth: int) -> Ranges:
    found: Ranges = {}
    said = [content(text, part, backslashes=backslashes) for part, _ in statement.literals]
    naming = [bool(_SECRETIVE.search(one.text)) for one in said]
    naming_all = sum(naming)
    # A word may be put together of several literals.
    joined = not naming_all and len(said) > 1 and bool(_SECRETIVE.search("".join(one.text for one in said)))
    everything = statement.names_secret or joined or (depth == 0 and statement.first == "execute")
    for (part, is_program), inside, names in zip(statement.literals, said, naming, strict=True):
        others = naming_all > names
        if (everything or others) and not (is_program and depth < _DEEPEST):
            found[part.start, part.end] = REDACTED
        else:
            found |= _within(part, inside, names=names or is_program, backslashes=backslashes, depth=depth)
    for comment in statement.comments:
        first, last = comment.inner
        inside = Content(text[first:last], range(first, last))
        if everything or naming_all:
            found[first, last] = f" {_MARK} " if first < last else ""
        else:
            found |= dict.fromkeys(_values(inside), _MARK)
    if statement.names_secret:
        found |= dict.fromkeys(statement.values, _MARK)
    return found


def _within(literal: Part, inside: Content, *, names: bool, backslashes: bool, depth: int) -> Ranges:
    """What is to go of a literal's own text: that may be a program, or settings, or prose."""
    found = dict.fromkeys(_values(inside), _MARK)
    if names and depth >= _DEEPEST:
        return {(literal.start, literal.end): REDACTED}
    if names:
        nested = _in_program(inside.text, backslashes=backslashes, depth=depth + 1)
        for (start, end), mark in nested.items():
            # In quotes that are doubled, the mark's own are too.
            plain = mark if literal.prefix == "$" else mark.strip("'")
            found[inside.place(start), inside.place(end)] = plain
    return found


def _values(inside: Content) -> Iterator[tuple[int, int]]:
    """Where a text says what a secret is set to."""
    for pattern in _SET_TO:
        for one in pattern.finditer(inside.text):
            yield inside.place(one.start("v")), inside.place(one.end("v"))
    for start, end in (*_shown(inside.text), *_addresses(inside.text)):
        yield inside.place(start), inside.place(end)


def _shown(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _SHOWN:
        for one in pattern.finditer(text):
            yield one.span("v")


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """The passwords in addresses: from the name's colon to the last at sign before a space."""
    for run in _WORDS.finditer(text) if "://" in text else ():
        said = run.group()
        begins, at_sign = said.find("://"), said.rfind("@")
        colon = said.find(":", begins + 3) if begins >= 0 else -1
        if 0 <= colon < at_sign and "/" not in said[begins + 3 : colon]:
            yield run.start() + colon + 1, run.start() + at_sign

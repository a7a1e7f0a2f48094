"""Regular expressions that a policy may use: those that can't take forever on what people type.

Python's ``re`` backtracks, so ``(a+)+`` takes time that doubles with each character. Instead of
running a pattern to find out, the ways in which it can match are counted from above: repeats and
alternatives multiply, and the product is bounded.
"""

from __future__ import annotations

import re
from math import log2

from jitportal.rules.policy import LONGEST_TICKET

LONGEST_PATTERN = 200
#: At most 2 to the power of this many ways to match, about a second of work for ``re``.
MOST_BITS = 24.0

_TOKEN = re.compile(
    r"(?P<escape>\\.)"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\\[])*\])"
    r"|(?P<special>\(\?(?!:))"
    r"|(?P<open>\((?:\?:)?)"
    r"|(?P<close>\))"
    r"|(?P<repeat>(?:[*+?]|\{(?:\d+,?\d*|,\d*)\})[?+]?)"
    r"|(?P<either>\|)"
    r"|(?P<lone>\[)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_SET_OPERATORS = ("--", "&&", "~~", "||")


class _Unusable(Exception):
    """The pattern is refused; the message is a sentence."""


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with the pattern, as a sentence; None: nothing."""
    if len(pattern) > LONGEST_PATTERN:
        return f"The pattern has {len(pattern)} characters, and {LONGEST_PATTERN} are allowed. Shorten it."
    try:
        bits = _bits(pattern)
        re.compile(pattern)
    except _Unusable as unusable:
        return str(unusable)
    except (re.error, OverflowError) as error:
        return f"`{pattern}` isn't a regular expression: {error}. Mend it."
    if bits > MOST_BITS:
        return (
            f"`{pattern}` can match in too many ways and could take very long on a wrong ticket. Put no "
            "repeat inside a repeat, and use fewer of `*`, `+` and `|`."
        )
    return None


def matches_anything(pattern: str) -> bool:
    """Whether the pattern lets an empty or an arbitrary text through, and so asks for nothing."""
    return not pattern or all(re.fullmatch(pattern, text) for text in ("", "x", "no ticket 0"))


def _bits(pattern: str) -> float:
    """The logarithm of the most ways in which the pattern can match a ticket's characters."""
    groups = [0.0]
    atom = 0.0
    for token in _TOKEN.finditer(pattern):
        kind, text = token.lastgroup, token.group()
        if kind == "repeat":
            least, most = _bounds(text)
            groups[-1] += atom * (most - 1) + log2(most - least + 1) if most else 0.0
            atom = 0.0
        elif kind == "open":
            groups.append(0.0)
        elif kind == "close" and len(groups) > 1:
            atom = groups.pop()
            groups[-1] += atom
        else:
            _refuse_special(kind, text)
            groups[-1] += 1.0 if kind == "either" else 0.0
            atom = 0.0
    return sum(groups)


def _bounds(repeat: str) -> tuple[int, int]:
    if repeat[0] in "*+?":
        return int(repeat[0] == "+"), 1 if repeat[0] == "?" else LONGEST_TICKET
    least, comma, most = repeat.strip("{}?+").partition(",")
    low = min(int(least or 0), LONGEST_TICKET)
    high = min(int(most), LONGEST_TICKET) if most else LONGEST_TICKET if comma else low
    return low, max(low, high)


def _refuse_special(kind: str | None, text: str) -> None:
    if kind == "special":
        raise _Unusable("`(?` begins something that patterns can't use here. Only groups, `(?:` too, are.")
    if kind == "escape" and text[1].isdigit():
        raise _Unusable(f"`{text}` refers back to a group, which patterns can't use here. Write it out.")
    if kind == "lone":
        raise _Unusable(
            "A `[` has no closing `]`, or a set holds another `[`. Write `\\[` for the sign itself."
        )
    if kind == "set" and any(operator in text for operator in _SET_OPERATORS):
        raise _Unusable(f"`{text}` repeats a sign that Python may read as a set operation. Write it once.")

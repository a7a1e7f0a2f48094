"""Plain values as people read them: no brackets, no quotes, no underscores."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jitportal.rules.canonical import Plain

#: As the canonical form writes it: the fraction of a second says nothing to people.
_MOMENT = re.compile(r"\A(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?\+00:00\Z")
_NOTHING: tuple[Plain, ...] = (None, "", [], {})


def label_of(name: str) -> str:
    """A key as the label of a row."""
    return name.replace("_", " ").capitalize()


def in_words(value: Plain) -> str:
    """A value on lines: one for each of several, with what is said of it behind each other."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in _NOTHING:
        return "none"
    if isinstance(value, Mapping):
        said = {name: it for name, it in value.items() if it is False or it not in _NOTHING}
        return "; ".join(f"{name.replace('_', ' ')}: {in_words(it)}" for name, it in said.items())
    if isinstance(value, list):
        return "\n".join(in_words(it) for it in value)
    return _MOMENT.sub(r"\1 \2 UTC", str(value))

"""Two people changed one text at the same time: their changes in one text, where none touches the other's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class _Hunk:
    """The lines of the old text from ``start`` to before ``end`` become these."""

    start: int
    end: int
    lines: tuple[str, ...]


def merged(base: str, theirs: str, ours: str) -> str | None:
    """The base with both changes made; None where they touch the same or neighbouring lines.

    A change that both made alike is made once. What comes out is text: whether it still is a policy that
    both would want is for the check, and for a reader of its plan.
    """
    old = base.split("\n")
    hunks = sorted(
        {*_hunks(old, theirs.split("\n")), *_hunks(old, ours.split("\n"))},
        key=lambda hunk: (hunk.start, hunk.end),
    )
    if any(after.start <= before.end for before, after in pairwise(hunks)):
        return None
    lines: list[str] = []
    done = 0
    for hunk in hunks:
        lines += [*old[done : hunk.start], *hunk.lines]
        done = hunk.end
    return "\n".join([*lines, *old[done:]])


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[_Hunk]:
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Hunk(start, end, tuple(new[new_start:new_end]))

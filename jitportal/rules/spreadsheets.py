"""Text that a spreadsheet shows, and doesn't run."""

from __future__ import annotations

import unicodedata

#: What begins a formula, a command or a lookup in one spreadsheet or another, in full width too.
STARTS = frozenset("=+-@|%") | frozenset("\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212")
#: A sign before the text makes it text, and shows in no spreadsheet.
AS_TEXT = "'"


def as_text(cell: str) -> str:
    """The cell as one that no spreadsheet takes for a formula.

    Tabs, line ends and signs that don't show are skipped by some programs before they look, so that the
    first sign after them counts too; a cell that begins with a tab or a line end is text in any case.
    """
    if cell[:1] in ("\t", "\r", "\n"):
        return AS_TEXT + cell
    for sign in cell:
        if unicodedata.category(sign)[0] not in "ZC":
            return AS_TEXT + cell if sign in STARTS else cell
    return cell

"""Text that every database can store and every page can show."""

from __future__ import annotations

#: Nobody needs more for a reason, a note or a statement, and a page must stay readable.
LONGEST_WORDS = 4_000


#: What shows the words after it in the reverse of their order: they would read as something else.
_REVERSING = frozenset("\u202d\u202e")


def is_plain(text: str) -> bool:
    """Whether the text holds neither NUL, which PostgreSQL can't store, nor half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def printable(text: str) -> str:
    """The text with a question mark for each sign that prints nothing, such as control characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def words_problem(text: str) -> str | None:
    """What is wrong with a reason, a note or a statement, as a sentence; None: nothing."""
    if len(text) > LONGEST_WORDS:
        return f"Keep it under {LONGEST_WORDS} characters (now {len(text)})."
    return text_problem(text)


def text_problem(text: str, what: str = "text") -> str | None:
    """Why nobody could read what was typed, as a sentence; None: they can."""
    if not is_plain(text):
        return f"The {what} holds characters that aren't text. Type it again."
    if _REVERSING & set(text):
        return f"The {what} holds a hidden character that reverses what stands after it. Type it again."
    return None

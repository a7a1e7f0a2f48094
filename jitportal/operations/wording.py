"""What people type beside a verb: reasons, notes and statements."""

from __future__ import annotations

from jitportal.rules.errors import Invalid
from jitportal.rules.plain_text import words_problem


def words(text: str, field: str, *, needed: str = "") -> str:
    """The text without space around it. Raises ``Invalid`` where it can't be kept, and with the sentence
    ``needed``, where there is one, for an empty text.
    """
    text = text.strip()
    problem = words_problem(text) or (needed if not text else "")
    if problem:
        raise Invalid(problem, field=field)
    return text

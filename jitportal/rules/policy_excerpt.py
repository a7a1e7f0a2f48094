"""The lines of a policy document that are about one role."""

from __future__ import annotations

from dataclasses import dataclass

from jitportal.rules.policy_document import PolicyDocument


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of a document; ``first`` is the number of the first, counting from 1."""

    first: int
    lines: tuple[str, ...]


def role_excerpt(document: PolicyDocument, key: str) -> Excerpt | None:
    """What the document says of the role, in its own words; None: it doesn't speak of it.

    From its key to before the next line that stands no deeper; in brackets that is one line.
    """
    place = document.role_places.get(key)
    if place is None:
        return None
    first, *rest = document.text.split("\n")[place.line - 1 :]
    lines = [first]
    for line in rest:
        if line.strip() and len(line) - len(line.lstrip(" ")) < place.column:
            break
        lines.append(line)
    while not lines[-1].strip():
        lines.pop()
    return Excerpt(place.line, tuple(lines))

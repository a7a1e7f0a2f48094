"""What is looked for in the record, and what a word is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

#: Signs that part words on both databases, beside what isn't a letter or a digit anywhere.
PARTING = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_SPACED = str.maketrans(PARTING, " " * len(PARTING))

#: Where a page begins: after the event of this moment and id.
Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other. ``begins``: the last may go on. They hold no sign that is syntax."""

    words: tuple[str, ...]
    begins: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of a search; an empty one filters nothing.

    ``people`` did it, or it is about them. ``verb`` is whole as "request.approved", or the first part of
    many, as "request". Every word of ``words`` has to stand in the event's sentence, whole; or as the
    beginning of one, where it ends with an asterisk. What holds a hyphen and the like ("orders-db") is
    words that follow each other.
    """

    words: str = ""
    people: tuple[int, ...] = ()
    role: int | None = None
    target: int | None = None
    verb: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def phrases(self) -> Iterator[Phrase]:
        """The words, each as those that it is made of; signs alone are none."""
        for typed in self.words.split():
            if parts := typed.translate(_SPACED).split():
                yield Phrase(tuple(parts), begins=typed.endswith("*"))

    @property
    def by_time_alone(self) -> bool:
        """Whether nothing but the times narrows it."""
        fixed = self.people or self.role is not None or self.target is not None or self.verb
        return not fixed and not any(self.phrases())


class TooSlow(Exception):
    """The search was ended: it had taken all the time that it was given."""

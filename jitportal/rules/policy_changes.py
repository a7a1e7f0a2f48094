"""One change between two policy documents, as a reviewer reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Whether somebody may come to hold, decide or escape more than before.

    Where that can't be told from the document (another pattern, another host, another owner), a
    change counts as widening: a reviewer should look.
    """

    WIDENS = "widens"
    NEUTRAL = "neutral"
    NARROWS = "narrows"


class Concern(StrEnum):
    """What a change touches, in the order in which a reviewer should see it."""

    APPROVAL = "who has to agree"
    REACH = "what access reaches"
    ELIGIBILITY = "who may ask"
    LENGTH = "for how long"
    PROOF = "what has to be said, and who looks afterwards"
    REST = "other settings"


_DIRECTIONS = list(Direction)
_CONCERNS = list(Concern)


@dataclass(frozen=True, slots=True)
class Change:
    """A sentence, and what it does. ``subject`` is the key of the role, target or section."""

    subject: str
    sentence: str
    direction: Direction
    concern: Concern = Concern.REST

    def __str__(self) -> str:
        return f"{self.subject}: {self.sentence}"


def most_dangerous_first(changes: Iterable[Change]) -> list[Change]:
    """What widens, then what is neutral, then what narrows; each by its concern, then by subject."""
    return sorted(
        changes,
        key=lambda change: (
            _DIRECTIONS.index(change.direction),
            _CONCERNS.index(change.concern),
            change.subject,
            change.sentence,
        ),
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """Makes the changes of one subject."""

    subject: str

    def widens(self, concern: Concern, sentence: str) -> Change:
        return Change(self.subject, sentence, Direction.WIDENS, concern)

    def narrows(self, concern: Concern, sentence: str) -> Change:
        return Change(self.subject, sentence, Direction.NARROWS, concern)

    def neutral(self, sentence: str) -> Change:
        return Change(self.subject, sentence, Direction.NEUTRAL)

    def either(self, widens: bool, concern: Concern, sentence: str) -> Change:
        return self.widens(concern, sentence) if widens else self.narrows(concern, sentence)


def added(old: Iterable[str], new: Iterable[str]) -> list[str]:
    """What is new, in order."""
    return sorted(set(new) - set(old))


def moved(what: str, old: int, new: int, said: Callable[[int], str] = str) -> str:
    """A number that rises or falls, in words."""
    return f"{what} {'rises' if new > old else 'falls'} from {said(old)} to {said(new)}"


def values_changed(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each key whose value differs, and what happens to it, in words."""
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before is None:
            yield key, f"is now {after}"
        elif after is None:
            yield key, f"is no longer {before}"
        elif before != after:
            yield key, f"changes from {before} to {after}"

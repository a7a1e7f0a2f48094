"""Versions of the policy: the text with its lines, and what a version changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.rules.policy_difference import Change, Direction, difference, text_difference
from jitportal.rules.policy_document import PolicyDocumentError
from jitportal.rules.vocabulary import PolicyStatus
from jitportal.web.presenters.states import Badge

#: A longer difference is read in an editor.
MOST_LINES = 5_000
DIRECTIONS = {
    Direction.WIDENS: Badge("waiting", "Widens", "triangle-alert"),
    Direction.NEUTRAL: Badge("ended", "Neutral", "minus"),
    Direction.NARROWS: Badge("force", "Narrows", "shield-check"),
}
STATUSES = {
    PolicyStatus.PROPOSED: Badge("waiting", "Proposed", "hourglass"),
    PolicyStatus.APPROVED: Badge("waiting", "Approved, not in force", "hourglass"),
    PolicyStatus.IN_FORCE: Badge("force", "In force", "circle-check"),
    PolicyStatus.SUPERSEDED: Badge("ended", "Superseded", "clock"),
    PolicyStatus.REJECTED: Badge("ended", "Rejected", "circle-slash"),
}
_KINDS = {"+": "added", "-": "gone", "@": "place"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a unified difference. ``kind``: added, gone, place or same."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """The changes of one direction, in the order of the rules: the most dangerous first."""

    badge: Badge
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a version changes. ``unread``: why the documents can't be compared; mostly empty."""

    groups: Sequence[Group]
    lines: Sequence[Line]
    too_long: bool
    unread: str = ""

    @property
    def empty(self) -> bool:
        return not (self.groups or self.lines or self.unread)


def badge_of(version: PolicyVersion) -> Badge:
    return STATUSES[PolicyStatus(version.status)]


def against_base(version: PolicyVersion) -> Difference:
    """What the version changes against the one that was in force when it was proposed."""
    return difference_of(version.base.text if version.base else "", version.text)


def difference_of(old: str, new: str) -> Difference:
    """What a text changes against another, in sentences and by lines; empty ``old``: there was none."""
    lines, too_long = _lines(old, new)
    try:
        changes = difference(policies.document_in(old) if old else None, policies.document_in(new))
    except PolicyDocumentError as error:
        return Difference((), lines, too_long, f"This portal can't read one of the two documents: {error}")
    return Difference(grouped(changes), lines, too_long)


def grouped(changes: Iterable[Change]) -> list[Group]:
    """The changes by direction; they come in the order of the rules already."""
    return [
        Group(DIRECTIONS[direction], list(of_one))
        for direction, of_one in groupby(changes, lambda one: one.direction)
    ]


def _lines(old: str, new: str) -> tuple[list[Line], bool]:
    """The texts line by line; too long to be worth the time where either has very many lines."""
    if max(old.count("\n"), new.count("\n")) > MOST_LINES:
        return [], True
    shown = text_difference(old, new).split("\n")[2:-1]  # without the files' names
    return [Line(_KINDS.get(line[:1], "same"), line) for line in shown], False

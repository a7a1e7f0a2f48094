"""What the editor says of a text while it is written: its problems by line, or what it would change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from jitportal.models import PolicyVersion
from jitportal.operations import policies
from jitportal.rules.policy_document import LineProblem, PolicyDocumentError
from jitportal.rules.policy_merge import merged
from jitportal.web.forms.policy import digest_of
from jitportal.web.presenters.policies import MOST_LINES, Difference, difference_of
from jitportal.web.presenters.second_person import Seconds


@dataclass(frozen=True, slots=True)
class Misprint:
    """A problem of a document, with the line that it is about."""

    problem: LineProblem
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A text as far as it is known. ``against``: the version in force, which it would follow.

    Where there are ``misprints`` there is no difference; ``planned`` is the hash of the text whose
    difference is shown.
    """

    against: PolicyVersion | None
    misprints: Sequence[Misprint] = ()
    difference: Difference | None = None
    warnings: Sequence[Misprint] = ()
    planned: str = ""

    @property
    def same(self) -> bool:
        """Whether it is the policy in force, word for word."""
        return self.difference is not None and self.difference.empty


@dataclass(frozen=True, slots=True)
class Clash:
    """Somebody else's version came into force since the text was begun.

    ``theirs`` is what it changed, ``ours`` what the text changes, both against what the text was made
    from; ``merged`` is the text with both, where neither touches the other's lines.
    """

    current: PolicyVersion
    base: PolicyVersion | None
    theirs: Difference
    ours: Difference
    merged: str | None


@dataclass(frozen=True, slots=True)
class Editor:
    """The page's parts beside the form's fields. ``wrong``: numbers of lines that a problem stands on.

    ``unplanned``: the text was to be proposed, and its plan hadn't been shown. ``written``: the line at
    which a form has changed the text; 0: none has. ``roles``: keys and names of those that a form may change.
    ``second``: who can approve what this person proposes.
    """

    clash: Clash | None
    lines: int
    wrong: Collection[int]
    unplanned: bool = False
    written: int = 0
    roles: Sequence[tuple[str, str]] = ()
    second: Seconds | None = None


def checked(text: str) -> Checked:
    """The text against the version in force."""
    version = policies.current_version()
    try:
        document = policies.check(text)
    except PolicyDocumentError as error:
        return Checked(version, misprints=misprints(error.problems, text))
    return Checked(
        version,
        difference=difference_of(version.text if version else "", text),
        warnings=misprints(document.warnings, text),
        planned=digest_of(text),
    )


def clash(base: int | None, text: str) -> Clash | None:
    """What stands against the text; None while what it was made from is in force."""
    current = policies.current_version()
    if current is None or current.number == base:
        return None
    begun = PolicyVersion.objects.filter(number=base).first() if base is not None else None
    old = begun.text if begun else ""
    return Clash(
        current=current,
        base=begun,
        theirs=difference_of(old, current.text),
        ours=difference_of(old, text),
        merged=merged(old, current.text, text) if begun and text.count("\n") < MOST_LINES else None,
    )


def misprints(problems: Sequence[LineProblem], text: str) -> list[Misprint]:
    """Each problem beside the text of its line."""
    lines = text.split("\n")
    return [
        Misprint(problem, lines[problem.line - 1] if 0 < problem.line <= len(lines) else "")
        for problem in problems
    ]


def first_changed(old: str, new: str) -> int:
    """The first line of the new text that isn't as in the old one."""
    pairs = zip_longest(old.split("\n"), new.split("\n"))
    return next((number for number, (before, after) in enumerate(pairs, 1) if before != after), 1)


def wrong_lines(found: Checked | None) -> frozenset[int]:
    """Those that a problem stands on."""
    return frozenset(one.problem.line for one in found.misprints) if found else frozenset()

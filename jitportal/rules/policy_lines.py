"""Where in the policy document something stands, and what is wrong there, as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from jitportal.rules.errors import Invalid

#: The keys and list indexes that lead to a place: ("elevation_policy", "roles", "orders-read").
Path = tuple[str | int, ...]

TOP = "elevation_policy"
#: So many problems are listed; a document with more is wrong altogether.
MOST_PROBLEMS = 200
#: So many are looked for, so that a document that is wrong everywhere is refused in seconds.
MOST_LOOKED_FOR = 1_000
#: A word is compared with so many others at most, to find what was meant.
MOST_COMPARED = 300
LONGEST_COMPARED = 80


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in the text; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class LineProblem:
    """One thing that is wrong, or worth a look, at one place of the document."""

    line: int
    column: int
    path: str
    sentence: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.path else f"line {self.line}"
        return f"{where}: {self.sentence}"


class PolicyDocumentError(Invalid):
    """The document can't be accepted; ``problems`` is everything that is wrong with it, by line."""

    def __init__(self, problems: Iterable[LineProblem]) -> None:
        self.problems = tuple(problems)
        number = len(self.problems)
        head = f"The policy document has {number} {'problem' if number == 1 else 'problems'}."
        super().__init__("\n".join([head, *map(str, self.problems)]), field="text")


def spoken_path(path: Path) -> str:
    """The path as a person writes it, without the document's own key: ``roles.orders-read.stages[0]``."""
    said = ""
    for step in path[1:] if path[:1] == (TOP,) and len(path) > 1 else path:
        said += f"[{step}]" if isinstance(step, int) else f".{step}" if said else step
    return said


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint to end a sentence with: the known word that is most like it; empty: none is."""
    candidates = sorted(known)
    if len(candidates) > MOST_COMPARED:
        candidates = [one for one in candidates if one[:1] == word[:1]][:MOST_COMPARED]
    near = get_close_matches(word[:LONGEST_COMPARED], candidates, n=1, cutoff=0.6)
    return f" Did you mean `{near[0]}`?" if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to end a sentence with: the nearest known word, or else what there is."""
    known = sorted(known)
    hint = nearest(word, known)
    if hint or not known:
        return hint
    listed = ", ".join(f"`{one}`" for one in known[:20])
    return f" Known here: {listed}{' and more' if len(known) > 20 else ''}."


class TooManyProblems(Exception):
    """Looking on makes no sense: the report is full."""


@dataclass(slots=True)
class Report:
    """Collects what is wrong. A place that is spoiled already gets no second complaint.

    ``problem`` raises ``TooManyProblems`` when the report is full.
    """

    marks: Mapping[Path, Mark]
    spoiled: set[Path] = field(default_factory=set)
    problems: list[LineProblem] = field(default_factory=list)
    warnings: list[LineProblem] = field(default_factory=list)

    def problem(self, path: Path, sentence: str) -> None:
        if not self.is_spoiled(path):
            self.problems.append(self.at(path, sentence))
            if len(self.problems) >= MOST_LOOKED_FOR:
                raise TooManyProblems

    def warn(self, path: Path, sentence: str) -> None:
        self.warnings.append(self.at(path, sentence))

    def spoil(self, path: Path) -> None:
        """What stands here couldn't be read: nothing that follows from its absence is worth saying."""
        self.spoiled.add(path)

    def is_spoiled(self, path: Path) -> bool:
        return any(path[:length] in self.spoiled for length in range(len(path) + 1))

    def mark(self, path: Path) -> Mark:
        """The place of the path, or of what it would stand in."""
        return self.marks[self._known(path)]

    def at(self, path: Path, sentence: str) -> LineProblem:
        """The sentence about the path, with its place."""
        mark = self.mark(path)
        return LineProblem(mark.line, mark.column, spoken_path(self._known(path)), sentence)

    def _known(self, path: Path) -> Path:
        while path not in self.marks:
            path = path[:-1]
        return path


def shortened(problems: Iterable[LineProblem]) -> list[LineProblem]:
    """By line, each once, and no more than a person reads: the last then says that there are more."""
    ordered = sorted(set(problems))
    if len(ordered) <= MOST_PROBLEMS:
        return ordered
    last = ordered[MOST_PROBLEMS]
    return [
        *ordered[:MOST_PROBLEMS],
        LineProblem(last.line, last.column, "", "More problems follow from here. Mend those above first."),
    ]

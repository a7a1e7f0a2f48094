"""The policy document's text as plain data with the place of everything in it.

A narrow YAML: text keys, no anchors, no tags, no duplicate keys, bounded in size and depth. A scalar
keeps what was written, so that ``no``, ``010`` or a date is never converted behind the writer's back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import yaml

from jitportal.rules.policy_lines import LineProblem, Mark, Path, spoken_path

LARGEST_BYTES = 512 * 1024
DEEPEST = 12

#: What YAML 1.1 doesn't count as printable, and what shows a reader another order or other lines
#: than the parser's: bidirectional controls (CVE-2021-42574) and exotic line ends.
_NO_TEXT = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_resolver = yaml.resolver.Resolver()


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written. ``kind`` is what YAML 1.1 takes it for: str, int, bool, null, timestamp ..."""

    text: str
    kind: str
    plain: bool = True


Data: TypeAlias = "Scalar | list[Data] | dict[str, Data]"


@dataclass(slots=True)
class Source:
    """What was read: the data, where everything stands, and what was wrong on the way.

    ``data`` is None where the text isn't YAML at all. A path in ``spoiled`` holds no usable value.
    """

    data: Data | None = None
    marks: dict[Path, Mark] = field(default_factory=lambda: {(): Mark(1, 1)})
    problems: list[LineProblem] = field(default_factory=list)
    spoiled: set[Path] = field(default_factory=set)


class _Stop(Exception):
    """Reading on makes no sense."""


def read(text: str) -> Source:
    """The text as data. Never raises: what is wrong is in the source's problems."""
    source = Source()
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST_BYTES:
        sentence = f"The document has {size:,} bytes, and {LARGEST_BYTES:,} are allowed. Shorten it."
        source.problems.append(LineProblem(1, 1, "", sentence))
        return source
    source.problems += _forbidden_characters(text)
    if not source.problems:
        _Reader(source, text).read()
    return source


def _forbidden_characters(text: str) -> list[LineProblem]:
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        for found in _NO_TEXT.finditer(line):
            if (number, found.start(), found.group()) == (1, 0, "\ufeff"):
                continue  # a byte order mark, which editors write
            code = f"U+{ord(found.group()):04X}"
            sentence = f"The character {code} isn't text, or hides text from a reader. Take it out."
            problems.append(LineProblem(number, found.start() + 1, "", sentence))
    return problems


class _Reader:
    """Builds the data from the parser's events."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)

    def read(self) -> None:
        try:
            self._document()
        except yaml.MarkedYAMLError as error:
            mark = _mark(error.problem_mark or error.context_mark)
            self._problem(mark, (), _syntax_sentence(error))
            self.source.data = None
        except _Stop:
            self.source.data = None

    def _document(self) -> None:
        next(self.events)  # the stream's start
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            self._problem(Mark(1, 1), (), "The document is empty. It begins with `elevation_policy:`.")
            return
        self.source.data = self._node(next(self.events), (), 1)
        next(self.events)  # the document's end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._problem(_mark(event.start_mark), (), "A second YAML document begins here. Keep one.")

    def _node(self, event: yaml.Event, path: Path | None, depth: int) -> Data:
        """The node that begins with the event. Without a path it is read over, and dropped."""
        mark = _mark(event.start_mark)
        if path is not None:
            self.source.marks.setdefault(path, mark)
        if depth > DEEPEST:
            self._problem(mark, (), f"This is nested more than {DEEPEST} levels deep. Flatten it.")
            raise _Stop
        self._refuse_cleverness(event, path, mark)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        return Scalar("", "null")  # an alias, refused above

    def _refuse_cleverness(self, event: yaml.Event, path: Path | None, mark: Mark) -> None:
        """No anchors and aliases (they can multiply without bound, and hide), and no tags."""
        if isinstance(event, yaml.AliasEvent):
            self._spoil(mark, path, f"`*{event.anchor}` stands for text elsewhere. Write it out here.")
            return
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._problem(mark, path or (), f"Anchors such as `&{event.anchor}` can't be used. Take it out.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._spoil(mark, path, f"YAML tags such as `{tag}` can't be used. Take it out.")

    def _sequence(self, path: Path | None, depth: int) -> Data:
        items: list[Data] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._node(event, None if path is None else (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: Path | None, depth: int) -> Data:
        values: dict[str, Data] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, mark = self._key(event, path, depth), _mark(event.start_mark)
            place = None if key is None or path is None else (*path, key)
            if key in values and place is not None:
                first = self.source.marks[place].line
                sentence = f"`{key}` stands here twice; the first is on line {first}. Keep one."
                self._problem(mark, place, sentence)
                place = None
            if place is not None:
                self.source.marks[place] = mark
            value = self._node(next(self.events), place, depth + 1)
            if key is not None and place is not None:
                values[key] = value
        return values

    def _key(self, event: yaml.Event, path: Path | None, depth: int) -> str | None:
        mark = _mark(event.start_mark)
        key = self._node(event, None, depth + 1)
        if isinstance(event, yaml.AliasEvent):
            return None
        if not isinstance(key, Scalar):
            self._problem(mark, path or (), "A key is plain text, not a list or a mapping.")
            return None
        if key.kind == "merge":
            self._problem(mark, path or (), "`<<` can't be used to merge mappings. Write the keys out.")
            return None
        if key.kind != "str":
            sentence = f"The key `{key.text}` isn't read as text by YAML. Put it in quotes, or rename it."
            self._problem(mark, path or (), sentence)
        return key.text

    def _spoil(self, mark: Mark, path: Path | None, sentence: str) -> None:
        if path is not None:
            self.source.spoiled.add(path)
        self._problem(mark, path or (), sentence)

    def _problem(self, mark: Mark, path: Path, sentence: str) -> None:
        self.source.problems.append(LineProblem(mark.line, mark.column, spoken_path(path), sentence))


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    plain = bool(event.implicit[0])
    tag = _resolver.resolve(yaml.ScalarNode, event.value, (True, False)) if plain else ":str"
    kind = str(tag).rsplit(":", 1)[-1]
    return Scalar(event.value, "str" if kind == "value" else kind, plain)


class _Place(Protocol):
    """A mark of PyYAML's; its two parsers have a class each. Counts from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _mark(mark: _Place | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


def _syntax_sentence(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem or "it can't be read")
    if "'\\t'" in problem:
        return "A tab can't indent YAML. Use spaces. What follows couldn't be checked."
    context = str(error.context or "")
    if "alias" in problem + context or "anchor" in problem + context:
        return "`*` and `&` begin YAML's aliases and anchors. Put text that holds them in quotes."
    if context and error.context_mark:
        context = f" ({context} that begins on line {error.context_mark.line + 1})"
    return (
        f"This isn't YAML: {problem}{context}. Look for a missing colon, quote or indent on this line or "
        "the one before. What follows couldn't be checked."
    )

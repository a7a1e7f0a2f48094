"""The file of people that a company's directory writes: CSV, JSON or YAML, with the line of everything.

Only its shape is looked at here; whether what it says may be is asked where the people are known.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from jitportal.rules.errors import Invalid
from jitportal.rules.plain_text import is_plain
from jitportal.rules.policy_yaml import Data, Scalar, Source
from jitportal.rules.policy_yaml import read as read_yaml

REQUIRED = ("username", "name")
OPTIONAL = ("mail", "manager", "teams", "time_zone", "active")
COLUMNS = (*REQUIRED, *OPTIONAL)
#: A file larger than this is no list of people.
LARGEST_BYTES = 64 * 1024 * 1024
#: Lines with their ends, as ``csv`` wants them.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_YES, _NO = frozenset({"yes", "true", "1", "active"}), frozenset({"no", "false", "0", "inactive"})
#: What turns a reader's lines and order round (CVE-2021-42574).
_HIDING = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class FileKind(StrEnum):
    """How the file is written. JSON is read as the YAML that it is."""

    CSV = "csv"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with the file, at its line."""

    line: int
    column: str
    sentence: str

    def __str__(self) -> str:
        return (
            f"{self.line}: {self.column}: {self.sentence}" if self.column else f"{self.line}: {self.sentence}"
        )


class PeopleFileError(Invalid):
    """The file can't be taken; ``faults`` is everything that is wrong with it, by line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Listed:
    """One person of the file. None: the file doesn't say, and what is known stays."""

    line: int
    username: str
    name: str
    mail: str | None = None
    manager: str | None = None
    teams: frozenset[str] | None = None
    time_zone: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class _Row:
    """What stands in one row, as text by column. ``teams`` may be a list already."""

    line: int
    values: Mapping[str, str | tuple[str, ...]]


def read(text: str, kind: FileKind) -> list[Listed]:
    """The people of the file. Raises ``PeopleFileError`` with everything that is wrong with its shape."""
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_BYTES:
        raise PeopleFileError([Fault(1, "", f"The file is larger than {LARGEST_BYTES // 1024 // 1024} MB.")])
    faults: list[Fault] = []
    rows = _csv_rows(text, faults) if kind is FileKind.CSV else _yaml_rows(text, kind, faults)
    listed = [one for row in rows if (one := _listed(row, faults)) is not None]
    faults += _twice(listed)
    if not listed and not faults:
        faults.append(Fault(1, "", "The file lists nobody. A directory without people is no directory."))
    if faults:
        raise PeopleFileError(faults)
    return listed


def _csv_rows(text: str, faults: list[Fault]) -> list[_Row]:
    head = text.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(_LINE.findall(text), delimiter=delimiter, strict=True)
    rows: list[_Row] = []
    line = 1
    try:
        header = [column.strip() for column in next(reader, [])]
        faults += _header_faults(header)
        if faults:
            return []
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(header):
                    faults.append(
                        Fault(line, "", f"This row has {len(cells)} cells, and the header {len(header)}.")
                    )
                else:
                    rows.append(_Row(line, dict(zip(header, cells, strict=True))))
            line = reader.line_num + 1
    except csv.Error as error:
        faults.append(Fault(line, "", f"This isn't CSV: {error}. What follows couldn't be read."))
    return rows


def _header_faults(header: list[str]) -> Iterator[Fault]:
    if not any(header):
        yield Fault(1, "", f"The file is empty. Its first line names the columns: {', '.join(COLUMNS)}.")
        return
    yield from _unknown_columns(1, header)
    for column in sorted({column for column in header if header.count(column) > 1}):
        yield Fault(1, column, "This column stands here twice. Keep one.")
    for column in REQUIRED:
        if column not in header:
            yield Fault(1, column, "This column is needed, and isn't there.")


def _unknown_columns(line: int, columns: Iterable[str]) -> Iterator[Fault]:
    for column in columns:
        if column not in COLUMNS:
            yield Fault(line, column, f"There is no such column. There are: {', '.join(COLUMNS)}.")


def _yaml_rows(text: str, kind: FileKind, faults: list[Fault]) -> list[_Row]:
    # In JSON a tab stands between values alone, and YAML takes none there.
    source = read_yaml(text.replace("\t", " ") if kind is FileKind.JSON else text)
    if source.problems:
        faults += [Fault(problem.line, problem.path, problem.sentence) for problem in source.problems]
        return []
    if not isinstance(source.data, list):
        faults.append(Fault(1, "", "The file is a list of people, each with: " + ", ".join(COLUMNS) + "."))
        return []
    rows = []
    for number, item in enumerate(source.data):
        line = source.marks[(number,)].line
        if isinstance(item, dict):
            faults += _unknown_columns(line, item)
            rows.append(_Row(line, dict(_yaml_values(item, number, source, faults))))
        else:
            faults.append(Fault(line, "", "A person is written as a mapping: username, name and so on."))
    return rows


def _yaml_values(
    item: Mapping[str, Data], number: int, source: Source, faults: list[Fault]
) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for column, value in item.items():
        if isinstance(value, Scalar):
            yield column, "" if value.kind == "null" else _whole(value.text)
        elif column == "teams" and isinstance(value, list) and all(isinstance(one, Scalar) for one in value):
            yield column, tuple(_whole(one.text) for one in value if isinstance(one, Scalar))
        else:
            faults.append(Fault(source.marks[(number, column)].line, column, "Write plain text here."))
            yield column, ""


def _whole(text: str) -> str:
    """JSON may write a character past the first 65,536 as two halves: here they are one again."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _listed(row: _Row, faults: list[Fault]) -> Listed | None:
    texts = {column: value.strip() for column, value in row.values.items() if isinstance(value, str)}
    wrong = [
        Fault(row.line, column, "This holds characters that aren't text, or hide text. Take them out.")
        for column, text in texts.items()
        if _hides(text)
    ]
    wrong += [Fault(row.line, column, "Everybody needs one.") for column in REQUIRED if not texts.get(column)]
    active = texts.get("active", "yes").lower()
    if active not in _YES | _NO:
        wrong.append(Fault(row.line, "active", f"`{active}` is neither yes nor no. Write yes or no."))
    faults += wrong
    if wrong:
        return None
    plain = Listed(row.line, texts["username"], texts["name"], active=active in _YES)
    return replace(
        plain,
        mail=texts.get("mail"),
        manager=texts.get("manager"),
        time_zone=texts.get("time_zone") or None,
        teams=_teams(row.values["teams"]) if "teams" in row.values else None,
    )


def _teams(value: str | tuple[str, ...]) -> frozenset[str]:
    words = (
        value.replace(",", " ").replace(";", " ").replace("|", " ").split()
        if isinstance(value, str)
        else value
    )
    return frozenset(word.strip() for word in words if word.strip())


def _hides(text: str) -> bool:
    return not is_plain(text) or any(unicodedata.category(sign) == "Cc" or sign in _HIDING for sign in text)


def _twice(listed: Iterable[Listed]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for one in listed:
        line = first.setdefault(one.username, one.line)
        if line != one.line:
            yield Fault(one.line, "username", f"{one.username} stands on line {line} already. Keep one.")

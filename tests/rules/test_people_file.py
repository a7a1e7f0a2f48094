"""The directory's file: its shape in CSV, JSON and YAML, and every fault with its line."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitportal.rules.people_file import COLUMNS, FileKind, Listed, PeopleFileError, read

NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf", "Cn"), max_codepoint=0x2FFFF), min_size=1
).map(str.strip).filter(bool)  # fmt: skip
USERNAMES = st.from_regex(r"[a-z][a-z0-9.]{0,10}", fullmatch=True)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "username": USERNAMES,
            "name": NAMES,
            "mail": st.sampled_from(["", "a@example.test"]),
            "manager": st.sampled_from(["", "boss"]),
            "teams": st.lists(USERNAMES, max_size=3, unique=True).map(" ".join),
            "time_zone": st.just("Europe/Berlin"),
            "active": st.sampled_from(["yes", "no"]),
        }
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one["username"],
)


def as_csv(people: list[dict[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(people)
    return out.getvalue()


def faults(text: str, kind: FileKind = FileKind.CSV) -> list[tuple[int, str]]:
    with pytest.raises(PeopleFileError) as refusal:
        read(text, kind)
    return [(fault.line, fault.column) for fault in refusal.value.faults]


@given(PEOPLE)
def test_the_same_people_are_read_from_each_kind(people: list[dict[str, str]]) -> None:
    readings = [
        [(one.username, one.name, one.mail, one.manager, one.teams, one.active) for one in read(text, kind)]
        for text, kind in (
            (as_csv(people), FileKind.CSV),
            (json.dumps(people, indent="\t"), FileKind.JSON),
            (json.dumps(people), FileKind.YAML),
        )
    ]
    assert readings[0] == readings[1] == readings[2]
    assert [one[0] for one in readings[0]] == [one["username"] for one in people]


@given(st.text(), st.sampled_from(FileKind))
def test_whatever_stands_in_a_file_is_read_or_refused_with_lines(text: str, kind: FileKind) -> None:
    found: list[Listed] = []
    lines: list[int] = []
    try:
        found = read(text, kind)
    except PeopleFileError as refusal:
        lines = [fault.line for fault in refusal.faults]
    assert bool(found) != bool(lines)
    assert all(line >= 1 for line in lines)


def test_all_faults_are_listed_at_once_with_their_lines() -> None:
    text = (
        "username,name,active\n"
        "ada,Ada,yes\n"
        ",Bob,yes\n"
        "carl,,perhaps\n"
        "ada,Ada again,no\n"
        "dora,Dora\n"
        'eve,"E\x1b[31mve",yes\n'
    )
    assert faults(text) == [
        (3, "username"),
        (4, "active"),
        (4, "name"),
        (5, "username"),
        (6, ""),
        (7, "name"),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("", FileKind.CSV, [(1, "")]),
        ("username,name\n", FileKind.CSV, [(1, "")]),
        ("username,nmae\nada,Ada\n", FileKind.CSV, [(1, "name"), (1, "nmae")]),
        ("username,name,name\nada,Ada,A\n", FileKind.CSV, [(1, "name")]),
        ('username,name\nada,"Ada\n', FileKind.CSV, [(2, "")]),
        ("[]", FileKind.JSON, [(1, "")]),
        ("{}", FileKind.JSON, [(1, "")]),
        ('[\n  "ada"\n]', FileKind.JSON, [(2, "")]),
        ("- username: ada\n  name: [A]\n", FileKind.YAML, [(1, "name"), (2, "name")]),
        ("- username: ada\n  name: Ada\n  boss: x\n", FileKind.YAML, [(1, "boss")]),
        ("- username: ada\n  name: &a Ada\n", FileKind.YAML, [(2, "[0].name")]),
    ],
)
def test_files_that_are_refused(text: str, kind: FileKind, found: list[tuple[int, str]]) -> None:
    assert faults(text, kind) == found


def test_what_the_file_does_not_say_stays_open() -> None:
    assert read("username;name\nada;Ada, B.\n", FileKind.CSV) == [Listed(2, "ada", "Ada, B.")]
    assert read("username,name,manager,teams\nada,Ada,,\n", FileKind.CSV) == [
        Listed(2, "ada", "Ada", manager="", teams=frozenset())
    ]


def test_a_cell_of_two_lines_keeps_the_lines_right() -> None:
    assert faults('username,name\nada,"Ada\nB"\n,Bob\n') == [(2, "name"), (4, "username")]

"""Reading recordings, which may be anything: as something to play, as lines, as commands."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from jitportal.models import Recording
from jitportal.operations import action_log, recording_text, recordings
from jitportal.operations.recordings import LARGEST_PIECE
from tests.models import rows

pytestmark = pytest.mark.django_db

HEADER = b'{"version": 2, "width": 80, "height": 24}\n'


@pytest.fixture(autouse=True)
def place(settings: LazySettings, tmp_path: Path) -> Path:
    settings.RECORDINGS_DIR = tmp_path / "recordings"
    return tmp_path / "recordings"


def kept(text: bytes, kind: str = "asciicast_v2") -> Recording:
    made = rows.recording(kind=kind, size=len(text))
    path = recordings.path_of(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return made


def cast(*events: object, header: bytes = HEADER) -> bytes:
    return header + b"".join(json.dumps(event).encode() + b"\n" for event in events)


def played(recording: Recording) -> list[Any]:
    return [json.loads(line) for line in b"".join(recording_text.playable(recording)).splitlines()]


def test_both_versions_are_played_and_read() -> None:
    second = kept(cast([0.5, "o", "rita@web1:~$ ls\r\n"], [2, "o", "file\r\n"], [3.5, "m", "exit 0"]))
    v3 = b'{"version": 3, "term": {"cols": 100, "rows": 30}}\n# a comment\n'
    third = kept(cast([0.5, "o", "rita@web1:~$ ls\r\n"], [1.5, "o", "file\r\n"], header=v3), "asciicast_v3")
    for recording in (second, third):
        reading = recording_text.read(recording, "FILE")
        assert [(line.seconds, line.text) for line in reading.commands] == [(0.5, "ls")]
        assert [(line.seconds, line.text) for line in reading.found] == [(2.0, "file")]
    assert played(third)[0] == {"version": 2, "width": 100, "height": 30}
    assert [event[0] for event in played(third)[1:]] == [0.5, 2.0]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\n\n\n",
        b"not json at all\n",
        b"\xff\xfe\x00\x01\n",
        b'{"version": 2, "width": -5, "height": 1e9}\n',
        b'{"width": "<script>", "height": {}}\n',
        HEADER + b"[" * 100_000 + b"\n",
        HEADER + b'[NaN, "o", "x"]\n[Infinity, "o", "x"]\n[-1, "o", "x"]\n[1e999, "o", "x"]\n',
        HEADER + b'["1", "o", "x"]\n[1, "o"]\n[1, 2, 3]\n{"a": 1}\n[true, "o", "x"]\n[1, "r", "9x9x9"]\n',
        HEADER + b'[1, "i", "typed"]\n[1, "o", null]\n[1, "o", "\\ud800"]\n',
        HEADER + b"[1" + b"0" * 400 + b', "o", "x"]\n',
        HEADER + b'[1, "o", "cut o',
    ],
)
def test_hostile_and_truncated_ones_are_read_as_far_as_they_are_sound(bad: bytes) -> None:
    recording = kept(bad)
    shown = played(recording)
    assert 20 <= shown[0]["width"] <= 400
    assert 5 <= shown[0]["height"] <= 150
    for event in shown[1:]:
        assert event[1] in ("o", "m", "r")
        assert 0 <= event[0] < 1e8
        assert "typed" not in event[2]
    recording_text.read(recording, "x")
    for kind in ("plain", "statements"):
        recording_text.read(kept(bad, kind), "x")


def test_an_action_log_says_where_it_is_cut() -> None:
    commands = [[number, "o", "$ true\r\n"] for number in range(recording_text.MOST_COMMANDS - 1)]
    whole = action_log.lines_of(kept(cast(*commands)))
    assert [text for _, text in whole] == ["true"] * len(commands)
    longer = [*commands, [900, "o", "$ true\r\n$ rm -r /\r\n"]]
    assert action_log.lines_of(kept(cast(*longer)))[-1][1] == action_log.CUT
    flooded = [[1, "o", "x" * 200_000]] * (recording_text.READ // 200_000 + 1)
    assert [text for _, text in action_log.lines_of(kept(cast(*flooded)))] == [action_log.CUT]


def test_what_the_portal_reads_itself_says_when_it_is_full(settings: LazySettings) -> None:
    settings.LARGEST_RECORDING = 10
    made = recordings.append(kept(b"", "statements"), b"12345678", position={})
    assert (made.size, made.gaps) == (8, [])
    made = recordings.append(made, b"90abc", position={}, gap="A part was lost.", last=True)
    assert (made.size, made.state) == (10, "truncated")
    assert made.gaps == [f"A part was lost. {recordings.FULL}"]


def test_a_line_without_an_end_is_not_held_in_memory() -> None:
    recording = kept(HEADER + b'[1, "o", "' + b"x" * 3_000_000 + b'"]\n' + b'[2, "o", "after\\r\\n"]\n')
    reading = recording_text.read(recording)
    assert [line.text for line in reading.lines] == ["after"]


def test_statements_are_exact_and_times_count_from_the_beginning() -> None:
    at = (rows.NOW + timedelta(seconds=7)).isoformat()
    lines = [
        {"at": at, "statement": "SELECT 1;\nSELECT 2"},
        {"at": "nonsense", "statement": "SELECT 3"},
        {"at": at},
    ]
    recording = kept(b"".join(json.dumps(line).encode() + b"\n" for line in lines), "statements")
    assert [(line.seconds, line.text) for line in recording_text.read(recording).commands] == [
        (7.0, "SELECT 1; SELECT 2"),
        (0.0, "SELECT 3"),
    ]


def test_a_path_is_made_of_numbers_alone(place: Path) -> None:
    recording = rows.recording(source="../../etc", session="..%2f", account="/root")
    assert recordings.path_of(recording).relative_to(place).parts == (
        "000000",
        f"{recording.pk}.recording",
    ) or (recordings.path_of(recording).parent.parent == place)


@pytest.fixture
def gigabyte(settings: LazySettings) -> Iterator[Recording]:
    settings.LARGEST_RECORDING = 2 << 30
    line = (
        json.dumps([1.0, "o", "\x1b[31mrita@web1:~$ cat /dev/urandom\x1b[0m" + "x" * 400 + "\r\n"]).encode()
        + b"\n"
    )
    block = line * (LARGEST_PIECE // len(line))
    made = rows.recording()
    path = recordings.path_of(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(HEADER)
        while file.tell() < 1 << 30:
            file.write(block)
        made.size = file.tell()
    made.save(update_fields=["size"])
    yield made
    path.unlink()


@pytest.mark.proof
def test_a_gigabyte_is_read_and_finished_in_bounded_memory(gigabyte: Recording) -> None:
    tracemalloc.start()
    try:
        reading = recording_text.read(gigabyte, "urandom")
        for _block in recording_text.playable(gigabyte):
            pass
        whole = "0" * 64
        piece = recordings.Piece(gigabyte.size, b"", hashlib.sha256(b"").hexdigest(), last=True, whole=whole)
        recordings.receive(gigabyte, piece)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 32 << 20
    assert not reading.whole
    assert len(reading.found) == recording_text.MOST_FOUND
    assert Recording.objects.get().state == "truncated"

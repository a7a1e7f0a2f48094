"""Reading recordings, which may be anything: as something to play, as lines, as commands."""

from __future__ import annotations

import hashlib
import json
import math
import time
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitportal.models import Recording
from jitportal.operations import action_log, recording_text, recordings
from jitportal.operations.recordings import LARGEST_PIECE
from jitportal.rules import player_text
from jitportal.rules.vocabulary import RecordingKind
from tests.models import rows
from tests.operations.hostile_recordings import FLOODS, SEQUENCES, SMALL, flood

pytestmark = pytest.mark.django_db

HEADER = b'{"version": 2, "width": 80, "height": 24}\n'
numbers = count(1_000_000)
#: What could act in a terminal or a page's line, or hide what stands beside it.
ACTS = {
    *map(chr, range(9)),
    *map(chr, range(10, 32)),
    *map(chr, range(127, 160)),
    "\u202e",
    "\u2028",
    "\u2066",
}


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


def loose(data: bytes, kind: str = "asciicast_v2") -> Recording:
    """One that no row tells of: to read it takes none."""
    made = Recording(pk=next(numbers), kind=kind, size=len(data), started_at=rows.NOW)
    path = recordings.path_of(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
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


@pytest.mark.parametrize("name", SMALL)
def test_hostile_and_truncated_ones_are_read_as_far_as_they_are_sound(name: str) -> None:
    sound(loose(SMALL[name]))


def test_what_is_sound_beside_what_is_hostile_is_there() -> None:
    """What stands around it isn't lost, and what would hide is named."""
    for name, data in SMALL.items():
        if b"$ after" in data:
            assert [one.text for one in recording_text.read(loose(data)).commands][-1] == "after", name
    reading = recording_text.read(loose(SMALL["sequences"]))
    assert "$ rm <U+202E>txt.doog<U+202C> <U+2066>a<U+2069><U+2028>b" in [line.text for line in reading.lines]
    shown = "".join(event[2] for event in played(loose(SMALL["sequences"]))[1:])
    assert "9999t" not in shown
    assert [event[2] for event in played(loose(SMALL["sizes that are odd"]))[1:]] == [
        "20x5",
        "400x150",
        "20x5",
    ]


EVENTS = st.one_of(
    st.tuples(
        st.one_of(st.floats(), st.integers(), st.text(max_size=3), st.none()),
        st.sampled_from(["o", "r", "m", "i", "x", None]),
        st.one_of(
            st.text(max_size=40),
            st.sampled_from([*SEQUENCES, "80x24", "entered 3", "$ ls\r\n"]),
            st.integers(),
            st.none(),
        ),
    ).map(lambda event: json.dumps(event).encode()),
    st.recursive(st.none() | st.booleans() | st.text(max_size=5), st.lists, max_leaves=6).map(
        lambda said: json.dumps(said).encode()
    ),
    st.binary(max_size=60),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.one_of(st.binary(max_size=40), st.sampled_from([HEADER, b'{"notes": "lines", "width": 9}'])),
    events=st.lists(EVENTS, max_size=12),
    kind=st.sampled_from(RecordingKind),
    line_break=st.sampled_from([b"\n", b"\r\n"]),
)
def test_whatever_comes_is_read_and_played(
    header: bytes, events: list[bytes], kind: RecordingKind, line_break: bytes
) -> None:
    sound(loose(line_break.join([header.strip(), *events]), kind))


def sound(recording: Recording) -> None:
    """Nothing in what is shown or played could act, and all of it can be written."""
    for reading in (recording_text.read(recording, "x"), recording_text.read(recording)):
        for line in (*reading.lines, *reading.commands, *reading.found):
            assert line.text.isprintable() or not ACTS & set(line.text)
            assert math.isfinite(line.seconds)
            line.text.encode()
    if not recording_text.is_cast(recording):
        return
    shown = played(recording)
    assert 20 <= shown[0]["width"] <= 400
    assert 5 <= shown[0]["height"] <= 150
    moments = [event[0] for event in shown[1:]]
    assert moments == sorted(moments)
    for seconds, kind, text in shown[1:]:
        assert 0 <= seconds <= recording_text.LONGEST_SECONDS
        assert kind in ("o", "m", "r")
        assert "typed" not in text


def test_no_more_is_read_and_played_than_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is dear: its lines, its sequences and the screen's cells are counted, and what is left is said."""
    small = recording_text.Bounds(4 << 20, 1_000, 15_000)
    monkeypatch.setattr(recording_text, "READ", small)
    monkeypatch.setattr(recording_text, "PLAYED", small._replace(acts=1 << 40))
    for name in FLOODS.keys() - {"a line without an end", "controls"}:
        recording = loose(flood(name, 600_000))
        reading = recording_text.read(recording)
        assert not reading.whole, name
        assert len(reading.lines) <= recording_text.MOST_LINES
        assert 0 < reading.looked <= small.size
    for name in ("a million tiny events", "sizes", "marks"):
        assert len(played(loose(flood(name, 200_000)))) <= small.lines + 2
    monkeypatch.setattr(player_text, "MOST_CELLS", 10_000_000)
    for name in ("the same character again", "a screen that is cleared", "lines that are scrolled", "sizes"):
        assert played(loose(flood(name, 2_000_000)))[-1][2] == player_text.CUT, name


@pytest.mark.proof
@pytest.mark.parametrize("name", FLOODS)
def test_what_is_dear_takes_seconds_at_most(name: str) -> None:
    recording = loose(flood(name, recording_text.PLAYED.size))
    began = time.thread_time()
    recording_text.read(recording, "x y")
    for _line in recording_text.playable(recording):
        pass
    assert time.thread_time() - began < 20


def test_an_action_log_says_where_it_is_cut() -> None:
    commands = [[number, "o", "$ true\r\n"] for number in range(recording_text.MOST_COMMANDS - 1)]
    whole = action_log.lines_of(kept(cast(*commands)))
    assert [text for _, text in whole] == ["true"] * len(commands)
    longer = [*commands, [900, "o", "$ true\r\n$ rm -r /\r\n"]]
    assert action_log.lines_of(kept(cast(*longer)))[-1][1] == action_log.CUT
    flooded = [[1, "o", "x" * 200_000]] * (recording_text.READ.size // 200_000 + 1)
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

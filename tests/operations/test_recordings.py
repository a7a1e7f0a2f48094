"""Recordings as hosts deliver them: in pieces, resumable, bounded, whole or said not to be."""

from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from jitportal.models import Event, Person, Recording, SshHost
from jitportal.operations import action_log, clock, recording_text, recordings, ssh_hosts
from jitportal.operations.recordings import LARGEST_PIECE
from jitportal.rules.vocabulary import GrantStatus
from tests.models import rows

pytestmark = pytest.mark.django_db

HEADER = b'{"version": 2, "width": 80, "height": 24}\n'


@pytest.fixture(autouse=True)
def place(settings: LazySettings, tmp_path: Path) -> Path:
    settings.RECORDINGS_DIR = tmp_path / "recordings"
    return tmp_path / "recordings"


class Host:
    """A host that speaks to the portal's addresses, as ``jit-session`` does."""

    def __init__(self, name: str = "web1", host: SshHost | None = None) -> None:
        target = host.target if host else rows.target(connector="ssh")
        self.host, self.token = ssh_hosts.add(actor=rows.person(), target=target, name=name)
        lease = rows.lease(target=target)
        opens = clock.now() - timedelta(minutes=5)
        asked = rows.approved(scope=rows.scope(role=rows.role(target=target)))
        grant = rows.grant(request=asked, opens_at=opens, closes_at=opens)
        self.grant = rows.start(grant, lease=lease)
        self.certificate = rows.ssh_certificate(
            lease=lease, target=target, serial=lease.pk << 16 | 1, principals=["web-ops:rita"]
        )
        self.client = Client()

    def call(
        self, method: str, address: str, data: bytes = b"", token: str | None = None, **headers: str
    ) -> Any:
        said = {"Authorization": f"Bearer {self.token if token is None else token}", **headers}
        return self.client.generic(method, address, data, content_type="application/json", headers=said)

    def announce(self, **changes: object) -> Any:
        said: dict[str, object] = {
            "session": "0123456789abcdef",
            "serial": str(self.certificate.serial),
            "account": "rita",
            "kind": "asciicast_v2",
            "started": clock.now().timestamp(),
        }
        return self.call("POST", "/hosts/recordings/", json.dumps({**said, **changes}).encode())

    def begin(self, **changes: object) -> int:
        answer = self.announce(**changes)
        assert answer.status_code == 201, answer.content
        return int(answer.json()["recording"])

    def send(
        self,
        pk: int,
        offset: int,
        data: bytes,
        *,
        whole: bytes | None = None,
        changes: dict[str, str] | None = None,
    ) -> Any:
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        said = {"Upload-Offset": str(offset), "Repr-Digest": f"sha-256=:{digest}:", **(changes or {})}
        if whole is not None:
            said |= {"Upload-Complete": "?1", "X-Whole-Sha256": hashlib.sha256(whole).hexdigest()}
        return self.call("PATCH", f"/hosts/recordings/{pk}/", data, **said)


@pytest.fixture
def host() -> Host:
    return Host()


def only() -> Recording:
    return Recording.objects.get()


def stored(recording: Recording) -> bytes:
    return recordings.path_of(recording).read_bytes()


def test_a_recording_comes_in_pieces_and_is_whole(host: Host) -> None:
    parts = [HEADER, b'[1.0, "o", "hel', b'lo"]\n']
    pk, offset = host.begin(), 0
    for part in parts:
        answer = host.send(pk, offset, part)
        offset += len(part)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(offset))
        assert only().state == "receiving"
    answer = host.send(pk, offset, b"", whole=b"".join(parts))
    assert answer.status_code == 204
    done = only()
    assert stored(done) == b"".join(parts)
    assert (done.state, done.size, done.gaps) == ("complete", offset, [])
    assert done.sha256 == hashlib.sha256(b"".join(parts)).hexdigest()
    chain = ""
    for piece in done.pieces.order_by("offset"):
        chain = hashlib.sha256(f"{chain}{piece.sha256}".encode()).hexdigest()
    assert done.chain == chain
    assert (done.grant, done.source) == (host.grant, "web1")
    assert [event.verb for event in Event.objects.order_by("id")][-2:] == [
        "recording.begun",
        "recording.finished",
    ]


def test_a_wrong_offset_is_told_the_right_one_and_changes_nothing(host: Host) -> None:
    pk = host.begin()
    host.send(pk, 0, HEADER)
    for offset in (0, len(HEADER) + 5):
        answer = host.send(pk, offset, b"more")
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, str(len(HEADER)))
    assert stored(only()) == HEADER
    asked = host.call("HEAD", f"/hosts/recordings/{pk}/")
    assert (asked.status_code, asked.headers["Upload-Offset"]) == (204, str(len(HEADER)))


def test_announced_again_it_is_the_same_one_and_goes_on(host: Host) -> None:
    pk = host.begin()
    host.send(pk, 0, HEADER)
    again = host.announce()
    assert again.json() == {"recording": pk, "offset": len(HEADER), "finished": False}
    assert host.begin(session="another-session") != pk


def test_what_a_crash_left_behind_without_its_row_is_written_over(host: Host) -> None:
    pk = host.begin()
    host.send(pk, 0, HEADER)
    with recordings.path_of(only()).open("ab") as file:
        file.write(b"half a piece of which no row tells, and longer than the next one")
    host.send(pk, len(HEADER), b"next")
    host.send(pk, len(HEADER) + 4, b"", whole=HEADER + b"next")
    assert stored(only()) == HEADER + b"next"
    assert only().state == "complete"


def test_a_hash_that_differs_is_said(host: Host) -> None:
    pk = host.begin()
    bad = host.send(pk, 0, b"changed on the way", changes={"Repr-Digest": f"sha-256=:{'A' * 43}=:"})
    assert bad.status_code == 422
    assert only().size == 0
    host.send(pk, 0, HEADER)
    host.send(pk, len(HEADER), b"", whole=b"something else")
    done = only()
    assert (done.state, done.sha256) == ("truncated", hashlib.sha256(HEADER).hexdigest())
    assert "the hashes differ" in done.gaps[0]


def test_the_last_piece_again_is_no_error_and_a_later_one_is(host: Host) -> None:
    pk = host.begin()
    for _ in range(2):
        assert host.send(pk, 0, HEADER, whole=HEADER).status_code == 204
    assert host.send(pk, len(HEADER), b"more").status_code == 409
    assert stored(only()) == HEADER


def test_no_more_than_is_allowed_is_kept(host: Host, settings: LazySettings) -> None:
    settings.LARGEST_RECORDING = 100
    pk = host.begin()
    assert host.send(pk, 0, bytes(101)).status_code == 413
    assert host.send(pk, 0, bytes(100)).status_code == 204
    assert host.send(pk, 100, b"x").status_code == 413
    assert host.send(pk, 0, bytes(LARGEST_PIECE + 1)).status_code == 413
    assert len(stored(only())) == 100


@pytest.mark.parametrize(
    "changes",
    [
        {"session": "../../etc/passwd"},
        {"session": "short"},
        {"serial": "1; DROP"},
        {"serial": "18446744073709551616"},
        {"serial": "7"},
        {"account": "root"},
        {"kind": "video"},
        {"started": "now"},
        {"started": 1e300},
        {"started": float("nan")},
        {"kind": None},
    ],
)
def test_what_makes_no_recording_is_refused_with_a_sentence(host: Host, changes: dict[str, object]) -> None:
    answer = host.announce(**changes)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    assert not Recording.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 20_000, b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(host: Host, body: bytes) -> None:
    assert host.call("POST", "/hosts/recordings/", body).status_code == 422
    assert host.call("POST", "/hosts/report/", body).status_code == 200  # a sign of life all the same


@pytest.mark.parametrize(
    "headers",
    [{"Upload-Offset": "-1"}, {"Upload-Offset": "x"}, {"Repr-Digest": "md5=:AA:"}, {"Upload-Complete": "?1"}],
)
def test_a_piece_without_what_it_needs_is_refused(host: Host, headers: dict[str, str]) -> None:
    assert host.send(host.begin(), 0, b"data", changes=headers).status_code == 422
    assert only().size == 0


def test_each_host_has_a_token_of_its_own_and_sees_its_own_recordings(host: Host) -> None:
    other, pk = Host("web2", host.host), host.begin()
    assert other.send(pk, 0, HEADER).status_code == 404
    assert host.call("HEAD", f"/hosts/recordings/{pk}/", token="").status_code == 401
    assert host.call("HEAD", f"/hosts/recordings/{pk}/", token="wrong").status_code == 401
    assert host.token not in str(list(SshHost.objects.values()))
    ssh_hosts.remove(actor=Person.objects.earliest("pk"), host=host.host)
    assert host.send(pk, 0, HEADER).status_code == 401


def test_the_host_hears_of_an_early_end(host: Host) -> None:
    pk = host.begin()
    assert "Session-Ended" not in host.send(pk, 0, HEADER).headers
    rows.stop(host.grant, stopped_at=clock.now())
    assert host.send(pk, len(HEADER), b"x").headers["Session-Ended"] == "it was handed back"
    assert host.grant.status == GrantStatus.REMOVING


def test_one_whose_end_never_comes_is_closed_as_not_whole(host: Host) -> None:
    pk = host.begin()
    host.send(pk, 0, HEADER)
    assert recordings.give_up_on_silent() == 0
    with clock.moved(by=timedelta(hours=25)):
        assert recordings.give_up_on_silent() == 1
        assert recordings.give_up_on_silent() == 0
    done = only()
    assert (done.state, done.gaps) == ("truncated", ["Its end never came."])
    assert done.sha256 == hashlib.sha256(HEADER).hexdigest()


# Reading what may be anything


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
    assert only().state == "truncated"

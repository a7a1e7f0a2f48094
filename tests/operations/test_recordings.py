"""Recordings as hosts deliver them: in pieces, resumable, bounded, whole or said not to be."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from jitportal.models import Event, Person, Recording, SshHost
from jitportal.operations import clock, recordings, ssh_hosts
from jitportal.operations.recordings import LARGEST_PIECE
from jitportal.rules.limits import Limit
from jitportal.rules.vocabulary import GrantStatus
from jitportal.web.presenters import recordings as presenter
from tests.models import rows

pytestmark = pytest.mark.django_db

HEADER = b'{"version": 2, "width": 80, "height": 24}\n'
END = b'[1.5, "m", "exit 0"]\n'


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
            lease=lease, target=target, serial=lease.pk << 16 | 1, principals=["fleet/web-ops:rita"]
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
    parts = [HEADER, b'[1.0, "o", "hel', b'lo"]\n', END]
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
    host.send(pk, len(HEADER), END)
    host.send(pk, len(HEADER + END), b"", whole=HEADER + END)
    assert stored(only()) == HEADER + END
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
    assert "the hashes differ" in done.gaps[-1]


@pytest.mark.parametrize(
    ("last", "kind", "gaps"),
    [
        (END, "asciicast_v2", []),
        (b'[5e-05, "m", "exit -9"]\n', "asciicast_v2", []),
        (b'[0.1, "x", "0"]\n', "asciicast_v3", []),
        (b"whatever it is\n", "plain", []),
        (b"", "asciicast_v2", [recordings.CUT_OFF]),
        (b'[1.0, "o", "exit 0"]\n', "asciicast_v2", [recordings.CUT_OFF]),
        (b'[1.0, "m", "entered 1"]\n', "asciicast_v2", [recordings.CUT_OFF]),
        (END.rstrip(), "asciicast_v2", [recordings.CUT_OFF]),
        (END + b'[2.0, "o", "more"]\n', "asciicast_v2", [recordings.CUT_OFF]),
        (END + b"\x00" * 300, "asciicast_v2", [recordings.CUT_OFF]),
        (b"[" * 400 + END, "asciicast_v3", [recordings.CUT_OFF]),
        (b'[1.0, ["m"], {}]\n', "asciicast_v2", [recordings.CUT_OFF]),
    ],
)
def test_one_without_the_mark_of_its_end_is_cut_off(
    host: Host, last: bytes, kind: str, gaps: list[str]
) -> None:
    pk = host.begin(kind=kind)
    host.send(pk, 0, HEADER)
    assert host.send(pk, len(HEADER), last, whole=HEADER + last).status_code == 204
    done = only()
    assert (done.gaps, done.state) == (gaps, "truncated" if gaps else "complete")
    facts = presenter.facts_of(done)
    assert facts.badge[1] == ("Cut off: it has no end" if gaps else "Complete")
    assert facts.last == (done.pieces.latest("offset").received_at if gaps else None)


def test_the_last_piece_again_is_no_error_and_a_later_one_is(host: Host) -> None:
    pk = host.begin()
    for _ in range(2):
        assert host.send(pk, 0, HEADER, whole=HEADER).status_code == 204
    assert host.send(pk, len(HEADER), b"more").status_code == 409
    assert stored(only()) == HEADER


def test_no_more_than_is_allowed_is_kept_and_it_is_said(host: Host, settings: LazySettings) -> None:
    settings.LARGEST_RECORDING = 100
    pk = host.begin()
    assert host.send(pk, 0, bytes(LARGEST_PIECE + 1)).status_code == 413
    assert host.send(pk, 0, bytes(100)).status_code == 204
    assert host.send(pk, 100, b"x").status_code == 413
    assert host.send(pk, 100, b"x").status_code == 409
    full = only()
    assert (stored(full), full.state, full.gaps) == (bytes(100), "truncated", [recordings.FULL])
    assert full.sha256 == hashlib.sha256(bytes(100)).hexdigest()
    assert Event.objects.filter(verb="recording.finished").count() == 1


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
        {"started": 10**400},
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


@pytest.mark.parametrize(
    "said",
    [
        b'{"time": NaN}',
        b'{"time": 1e999}',
        b'{"time": -Infinity}',
        b'{"time": %s}' % (b"9" * 400),
        b'{"time": true}',
        b'{"time": "now"}',
        b'{"time": [[]]}',
        b'{"sshd": "a\\u0000b\\ud800"}',
    ],
)
def test_whatever_a_host_says_of_itself_is_taken(host: Host, said: bytes) -> None:
    assert host.call("POST", "/hosts/report/", said).status_code == 200
    kept = SshHost.objects.get(pk=host.host.pk)
    assert kept.skew_milliseconds is None
    assert kept.report in ({}, {"sshd": "a?b?"})


def test_a_host_announces_and_delivers_so_much_and_no_more_at_once(
    host: Host, settings: LazySettings
) -> None:
    settings.LIMITS = settings.LIMITS | {"recording": Limit(2, 3600), "recorded": Limit(4, 86_400)}
    pk = host.begin()
    assert host.begin(session="another-session") != pk
    later = host.announce(session="a-third-session")
    assert (later.status_code, later.headers["Retry-After"]) == (429, "1800")
    assert host.begin() == pk  # known already: it goes on
    assert host.send(pk, 0, bytes(3 * 1024)).status_code == 204
    refused = host.send(pk, 3 * 1024, bytes(1025))
    assert refused.status_code == 429
    assert "very much" in refused.json()["error"]
    assert host.send(pk, 3 * 1024, bytes(1024)).status_code == 204


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


def test_a_host_that_is_back_after_that_delivers_all_of_it_beside(host: Host) -> None:
    host.begin()
    with clock.moved(by=timedelta(hours=25)):
        recordings.give_up_on_silent()
        late = host.announce()
        assert (late.json()["offset"], late.json()["finished"]) == (0, False)
        assert host.announce().json() == late.json()
        all_of_it = HEADER + END
        assert host.send(late.json()["recording"], 0, all_of_it, whole=all_of_it).status_code == 204
    first, second = Recording.objects.order_by("pk")
    assert (first.state, second.state, second.gaps) == ("truncated", "complete", [])

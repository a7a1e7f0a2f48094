"""Recordings as they come: bounded, in pieces, each with its hash, and never in memory whole.

The bytes lie in files below the data directory, which several portals must share. A file's path is made
of numbers alone. What a row says has been received is on the disk: a piece is written and flushed before
its row is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import Grant, Person, Recording, RecordingPiece, SshCertificate, SshHost
from jitportal.operations import clock, limits
from jitportal.operations.facts import require
from jitportal.operations.transaction import operation
from jitportal.rules import recording_end
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import EndReason, RecordingKind, RecordingState

LARGEST_PIECE = 1_048_576
BLOCK = 1 << 20
#: A recording of which nothing has come for so long, with its grant over, won't be finished any more.
SILENT = timedelta(hours=24)
#: Why a session must end, for its host to show; else its time is over.
_ENDED: Mapping[str, str] = {
    EndReason.HANDED_BACK: "it was handed back",
    EndReason.REVOKED: "it was revoked",
    EndReason.GAVE_WAY: "an emergency needs its account",
}
FULL = "It is full: what came later isn't kept."
GIVEN_UP = "Its end never came."
CUT_OFF = "It is cut off: what recorded the session stopped before the session's end was written down."


class WrongOffset(Conflict):
    """Another piece is expected: ``offset`` is where it begins."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"The next piece begins at {offset}.")
        self.offset = offset


class TooLarge(Invalid):
    """More than a recording may have; nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a host says of a recording before it delivers it."""

    session: str
    serial: int
    account: str
    kind: RecordingKind
    started: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of it. ``whole``: it is the last one, and this is what all have as hash."""

    offset: int
    data: bytes
    sha256: str
    last: bool = False
    whole: str = ""


def begin(host: SshHost, said: Announced) -> Recording:
    """The recording of a session on this host; asked again, the same one.

    Raises ``Invalid`` for a certificate that the portal has not signed for this account and fleet, and
    ``TooOften``.
    """
    certificate = (
        SshCertificate.objects.filter(target=host.target, serial=said.serial).select_related("lease").first()
    )
    if certificate is None or not any(one.endswith(f":{said.account}") for one in certificate.principals):
        raise Invalid("The portal has signed no such certificate for this account.")
    started = _moment(said.started)
    grant = _grant_of(certificate, started)
    if not Recording.objects.filter(grant=grant, source=host.name, session=said.session).exists():
        limits.take("recording", host.pk)
    with operation(system()):
        now = clock.now()
        made, new = Recording.objects.get_or_create(
            grant=grant,
            source=host.name,
            session=_name_of(grant, host, said.session),
            defaults={
                "kind": said.kind,
                "host": host,
                "certificate": certificate,
                "account": said.account,
                "started_at": min(started, now),
                "received_at": now,
            },
        )
        if new:
            _say(
                made,
                "begun",
                f"A session of {grant.person} as {said.account} on {host.name} is recorded.",
                now,
            )
    return made


def _name_of(grant: Grant, host: SshHost, session: str) -> str:
    """The session's name; another one where its recording was given up, and its host is back with all of it.

    A finished recording stays as it is: what comes after that is one of its own.
    """
    known = Recording.objects.filter(grant=grant, source=host.name)
    name, number = session, 1
    while (found := known.filter(session=name).first()) and GIVEN_UP in found.gaps:
        number += 1
        name = f"{session[:90]}+{number}"
    return name


def of_host(host: SshHost, pk: int) -> Recording | None:
    """A recording that this host delivers; None: it has none of this number.

    A host that was removed and added anew under its name goes on with what it has begun.
    """
    rows = Recording.objects.select_related("grant__person", "grant__role__target", "grant__lease")
    return rows.filter(host__target=host.target, host__name=host.name, pk=pk).first()


def imported(grant: Grant, *, source: str) -> Recording:
    """The recording that the portal itself makes of a grant's statements; made if there is none."""
    with operation(system()):
        now = clock.now()
        made, new = Recording.objects.get_or_create(
            grant=grant,
            source=source,
            session="statements",
            defaults={
                "kind": RecordingKind.STATEMENTS,
                "account": grant.account,
                "started_at": grant.starts_at or now,
                "received_at": now,
            },
        )
        if new:
            _say(made, "begun", f"The statements of {grant.person} as {grant.account} are recorded.", now)
    return made


def append(
    recording: Recording, data: bytes, *, position: Mapping[str, object], gap: str = "", last: bool = False
) -> Recording:
    """Add what the portal read itself, with the position after it, in one step: a crash doubles nothing."""
    with _locked_file(recording) as file:
        recording.refresh_from_db()
        room = max(0, settings.LARGEST_RECORDING - recording.size)
        if len(data) > room:
            data, gap = data[:room], f"{gap} {FULL}".strip()
        file.truncate(recording.size)
        file.seek(recording.size)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        whole = _hash(file, recording.size + len(data)) if last else ""
        piece = Piece(recording.size, data, hashlib.sha256(data).hexdigest(), last=last)
        return _kept(recording, piece, whole, position, gap)


def note_gap(recording: Recording, gap: str) -> Recording:
    """Say once what is missing, and why."""
    with operation(system()):
        row = Recording.objects.select_for_update(of=("self",), no_key=True).get(pk=recording.pk)
        if gap not in row.gaps:
            row.gaps = [*row.gaps, gap]
            row.save(update_fields=["gaps"])
        return row


def receive(recording: Recording, piece: Piece) -> Recording:
    """Keep one piece. Raises ``WrongOffset``, ``TooLarge``, ``Conflict``, ``Invalid`` and ``TooOften``.

    The same last piece again is no error: its answer may have been lost.
    """
    if len(piece.data) > LARGEST_PIECE:
        raise TooLarge(f"A piece has {LARGEST_PIECE} bytes at most.")
    if hashlib.sha256(piece.data).hexdigest() != piece.sha256:
        raise Invalid("The piece isn't what its hash says: send it again.")
    if piece.data:
        limits.take("recorded", recording.host_id, more=-(-len(piece.data) // 1024))
    with _locked_file(recording) as file:
        recording.refresh_from_db()
        if recording.state != RecordingState.RECEIVING:
            if piece.last and piece.whole == recording.said_sha256:
                return recording
            raise Conflict("This recording is finished.")
        if piece.offset != recording.size:
            raise WrongOffset(recording.size)
        if recording.size + len(piece.data) > settings.LARGEST_RECORDING:
            _close(recording, file, FULL, f"A recording on {recording.source} is full.")
            raise TooLarge(f"A recording has {settings.LARGEST_RECORDING} bytes at most.")
        if piece.data:
            # What a piece before left behind without its row is written over.
            file.truncate(recording.size)
            file.seek(recording.size)
            file.write(piece.data)
            file.flush()
            os.fsync(file.fileno())
        size = recording.size + len(piece.data)
        whole = _hash(file, size) if piece.last else ""
        gap = CUT_OFF if piece.last and not _ended(recording, file, size) else ""
        return _kept(recording, piece, whole, gap=gap)


def _kept(
    recording: Recording,
    piece: Piece,
    whole: str,
    position: Mapping[str, object] | None = None,
    gap: str = "",
) -> Recording:
    with operation(system()):
        row = Recording.objects.select_for_update(of=("self",), no_key=True).get(pk=recording.pk)
        if row.size != piece.offset or row.state != RecordingState.RECEIVING:
            raise WrongOffset(row.size)
        now = clock.now()
        if piece.data:
            RecordingPiece.objects.create(
                recording=row,
                offset=piece.offset,
                size=len(piece.data),
                sha256=piece.sha256,
                received_at=now,
            )
            row.size += len(piece.data)
            row.chain = hashlib.sha256(f"{row.chain}{piece.sha256}".encode()).hexdigest()
        if position is not None:
            row.position = dict(position)
        if gap and gap not in row.gaps:
            row.gaps = [*row.gaps, gap]
        if piece.last:
            _finish(row, whole, piece.whole or whole, now)
        row.save()
        return row


def _finish(row: Recording, whole: str, said: str, now: datetime) -> None:
    row.sha256, row.said_sha256, row.finished_at = whole, said, now
    if whole != said:
        row.gaps = [*row.gaps, "What came isn't what its host has: the hashes differ."]
    row.state = RecordingState.TRUNCATED if row.gaps else RecordingState.COMPLETE
    _say(row, "finished", f"The recording of {row.grant.person} on {row.source} is {row.state}.", now)


def give_up_on_silent() -> int:
    """Close recordings whose end never came; how many. The worker asks this now and then."""
    closed = 0
    now = clock.now()
    waiting = Recording.objects.filter(state=RecordingState.RECEIVING, received_at__lt=now - SILENT)
    for row in waiting.exclude(pieces__received_at__gt=now - SILENT).select_related("grant")[:100]:
        if row.grant.entitles(now):
            continue
        with _locked_file(row) as file:
            sentence = f"The end of a recording on {row.source} never came."
            closed += _close(row, file, GIVEN_UP, sentence)
    return closed


def _close(recording: Recording, file: BinaryIO, gap: str, sentence: str) -> bool:
    """Finish one as not whole; False: it was finished before. Its file is held by the caller."""
    recording.refresh_from_db()
    whole = _hash(file, recording.size)
    with operation(system()):
        row = Recording.objects.select_for_update(of=("self",), no_key=True).get(pk=recording.pk)
        if row.state != RecordingState.RECEIVING:
            return False
        now = clock.now()
        row.sha256, row.finished_at = whole, now
        row.state = RecordingState.TRUNCATED
        row.gaps = [*row.gaps, gap]
        row.save()
        _say(row, "finished", sentence, now)
        return True


def viewed(*, actor: Person, recording: Recording) -> None:
    """Somebody is about to see it. Raises ``NotAllowed``; nothing is shown that wasn't written down."""
    with operation(actor):
        now = clock.now()
        require(Verb.RECORDING_VIEW, actor, recording, now)
        grant = recording.grant
        record(
            verb="recording.viewed",
            actor=actor,
            sentence=f"{actor} looked at the recording of {grant.person} on {recording.source}.",
            now=now,
            person=grant.person,
            request=grant.request,
            grant=grant,
            role=grant.role,
            target=grant.role.target,
            data={"recording": recording.pk},
        )


def why_ended(recording: Recording) -> str:
    """Why the session must end now, for the host to show; empty: it may go on."""
    grant = recording.grant
    if grant.lease is None or grant.lease.grants.entitling(clock.now()).exists():
        return ""
    return _ENDED.get(grant.end_reason, "its time is over")


def path_of(recording: Recording) -> Path:
    """Where its bytes lie, whatever its host calls itself or the session."""
    number = int(recording.pk)
    return Path(settings.RECORDINGS_DIR) / f"{number // 1000:06d}" / f"{number}.recording"


@contextmanager
def _locked_file(recording: Recording) -> Iterator[BinaryIO]:
    """One writer at a time; whoever is second looks at the row anew."""
    path = path_of(recording)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _hash(file: BinaryIO, size: int) -> str:
    """Of as much as was received: a crash may have left more behind."""
    file.seek(0)
    whole = hashlib.sha256()
    while size > 0 and (block := file.read(min(BLOCK, size))):
        whole.update(block)
        size -= len(block)
    return whole.hexdigest()


def _ended(recording: Recording, file: BinaryIO, size: int) -> bool:
    """Whether it has the mark of its end, as far as its kind has one."""
    if recording.kind not in (RecordingKind.ASCIICAST_V2, RecordingKind.ASCIICAST_V3):
        return True
    tail = min(size, recording_end.LONGEST)
    file.seek(size - tail)
    return recording_end.is_marked(file.read(tail))


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid("The session's beginning is no moment.") from error


def _grant_of(certificate: SshCertificate, started: datetime) -> Grant:
    """The grant in whose time the session began; a host's clock may be a little off."""
    grants = list(
        Grant.objects.filter(lease=certificate.lease, starts_at__isnull=False)
        .select_related("person", "role__target")
        .order_by("starts_at")
    )
    if not grants:
        raise Invalid("No grant is behind this certificate.")
    begun = [
        grant for grant in grants if grant.starts_at and grant.starts_at - timedelta(seconds=5) <= started
    ]
    return begun[-1] if begun else grants[0]


def _say(recording: Recording, what: str, sentence: str, now: datetime) -> None:
    grant = recording.grant
    record(
        verb=f"recording.{what}",
        actor=system(),
        sentence=sentence,
        now=now,
        person=grant.person,
        request=grant.request,
        grant=grant,
        role=grant.role,
        target=grant.role.target,
        data={"recording": recording.pk, "sha256": recording.sha256, "size": recording.size},
    )

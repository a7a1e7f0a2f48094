"""Statements of recorded database sessions: read from the server's own log, without their secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet

from jitportal.connectors.base import LogsStatements, TargetError
from jitportal.models import Grant, Lease, Recording
from jitportal.operations import clock, recordings
from jitportal.operations.targets import connector_for, order_of
from jitportal.rules.redaction import redact
from jitportal.rules.vocabulary import GrantStatus, LoggedPart, LoggedStatement, RecordingKind, RecordingState

log = logging.getLogger(__name__)

#: What a session did last may be logged a moment after its end.
AFTER_END = timedelta(seconds=10)
#: A log that could not be read for so long after the end isn't waited for.
GIVEN_UP = timedelta(days=1)
LONGEST_STATEMENT = 100_000
MOST = 100
LOST = "A part of the server's log could not be read."


def due() -> QuerySet[Grant]:
    """The grants whose logins' statements are logged, and not all read yet; those that wait longest first."""
    finished = Recording.objects.filter(grant=OuterRef("pk"), kind=RecordingKind.STATEMENTS).exclude(
        state=RecordingState.RECEIVING
    )
    rows = Grant.objects.filter(
        lease__options__session="recorded",
        lease__target__connector="postgres",
        lease__options__login="dynamic",
        live_at__isnull=False,
    )
    return (
        rows.exclude(Exists(finished))
        .select_related("lease__target", "person", "role__target", "request", "activation")
        .order_by("starts_at")[:MOST]
    )


def waiting() -> bool:
    """Whether there is anything to read: one indexed look."""
    return due().exists()


def read(grant: Grant) -> Recording:
    """Read on where it was left. A target that can't be read is asked again, until it is given up."""
    lease = grant.lease
    assert lease is not None  # noqa: S101 - it is live, so it has one
    recording = recordings.imported(grant, source=str(lease.target))
    now = clock.now()
    over = grant.status == GrantStatus.ENDED and grant.ended_at is not None
    given_up = over and grant.ended_at is not None and now > grant.ended_at + GIVEN_UP
    try:
        part = _part(lease, recording)
    except TargetError as error:
        log.warning("The statements of grant %s can't be read: %s", grant.pk, error)
        gap = f"The server's log could not be read: {error}"
        if given_up:
            return recordings.append(recording, b"", position=recording.position, gap=gap, last=True)
        return recordings.note_gap(recording, gap) if error.permanent else recording
    last = over and grant.ended_at is not None and now > grant.ended_at + AFTER_END and not part.more
    if not (part.statements or last or part.lost or part.position != recording.position):
        return recording
    return recordings.append(
        recording,
        b"".join(_lines(part.statements)),
        position=part.position,
        gap=LOST if part.lost else "",
        last=last,
    )


def _part(lease: Lease, recording: Recording) -> LoggedPart:
    connector = connector_for(lease.target)
    if not isinstance(connector, LogsStatements):
        raise TargetError(f"{lease.target.connector} logs no statements.", permanent=True)
    return connector.statements(order_of(lease), recording.started_at - AFTER_END, recording.position)


def _lines(statements: Iterable[LoggedStatement]) -> Iterable[bytes]:
    for statement in statements:
        said = {
            "at": statement.at.isoformat() if statement.at else None,
            "database": statement.database,
            "session": statement.session,
            "statement": _bounded(redact(statement.text)),
        }
        yield f"{json.dumps(said)}\n".encode()


def _bounded(text: str) -> str:
    """Both ends of a long statement, and how much is left out: a long comment hides nothing behind it."""
    left_out = len(text) - LONGEST_STATEMENT
    if left_out <= 0:
        return text
    half = LONGEST_STATEMENT // 2
    return f"{text[:half]} [{left_out:,} characters are left out here] {text[-half:]}"

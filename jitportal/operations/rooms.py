"""What the policy has a team's channel told: requests, access that begins, and its end.

A channel hears neither the reason nor the ticket: who reads along isn't the portal's to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from jitportal.audit.bulk import insert_many
from jitportal.models import AccessRequest, Grant, Notice, Person
from jitportal.operations import policies
from jitportal.operations.notice_details import Detail, isolated, of_grant, of_request, one_line
from jitportal.rules.durations import spoken
from jitportal.rules.lifecycle import spoken_state
from jitportal.rules.vocabulary import EndReason

Row = tuple[str, Notice]


def tell_of_request(request: AccessRequest, rooms: Iterable[str], actor: Person, now: datetime) -> None:
    """Somebody asks, or asks differently."""
    who = isolated(request.requester)
    number = request.asked.number
    again = "" if number == 1 else ", changed"
    notice = Notice(
        kind="room.request",
        request=request,
        subject=one_line(f"{who} asks for {request.role}{again}"),
        body=f"{who} asks for {request.role} ({request.scope}) for {spoken(request.minutes)}{again}.",
        details=_stored(of_request(request)),
        path=f"/requests/{request.pk}/",
    )
    _insert(_rows(notice, f"{request.pk}:{number}", rooms, now), actor)


def tell_of_start(grant: Grant, rooms: Iterable[str], actor: Person, now: datetime) -> None:
    """Access begins."""
    who = isolated(grant.person)
    notice = Notice(
        kind="room.grant",
        request=grant.request,
        grant=grant,
        subject=one_line(f"{who} has {grant.role}"),
        body=f"{who} has {grant.role} ({grant.scope}) for {spoken(grant.minutes)}.",
        details=_stored(of_grant(grant)),
        path=f"/grants/{grant.pk}/",
    )
    _insert(_rows(notice, str(grant.pk), rooms, now), actor)


def tell_of_ends(grants: Sequence[Grant], actor: Person, now: datetime) -> None:
    """Access that had begun has ended; of many at once in one read of the policy."""
    version = policies.current_version() if grants else None
    roles = policies.document_of(version).roles if version else {}
    rows: list[Row] = []
    for grant in grants:
        rules = roles.get(grant.role.key)
        if rules is None or not rules.notify.ends or grant.starts_at is None:
            continue
        who, why = isolated(grant.person), spoken_state(grant.end_reason)
        stopper = grant.stopped_by
        revoked = grant.end_reason == EndReason.REVOKED and stopper is not None and not stopper.is_system
        by = f" by {isolated(stopper)}" if revoked else ""
        notice = Notice(
            kind="room.end",
            request=grant.request,
            grant=grant,
            subject=one_line(f"{grant.role} of {who} has ended"),
            body=f"{grant.role} ({grant.scope}) of {who} has ended: {why}{by}.",
            details=_stored(of_grant(grant)),
            path=f"/grants/{grant.pk}/",
        )
        rows += _rows(notice, str(grant.pk), rules.notify.ends, now)
    _insert(rows, actor)


def _stored(details: Iterable[Detail]) -> list[dict[str, object]]:
    return [detail.stored() for detail in details if not detail.typed]


def _rows(notice: Notice, occasion: str, rooms: Iterable[str], now: datetime) -> list[Row]:
    """One notice for each room."""
    rows = []
    for room in rooms:
        key = f"{notice.kind}:{occasion}:{room}"
        copy = Notice(
            key=key,
            channel=room,
            kind=notice.kind,
            request=notice.request,
            grant=notice.grant,
            subject=notice.subject,
            body=notice.body,
            details=notice.details,
            path=notice.path,
            created_at=now,
            due_at=now,
        )
        rows.append((key, copy))
    return rows


def _insert(rows: Sequence[Row], actor: Person) -> None:
    if not rows:
        return
    known = set(Notice.objects.filter(key__in=[key for key, _ in rows]).values_list("key", flat=True))
    insert_many(Notice, [row for key, row in rows if key not in known], actor)

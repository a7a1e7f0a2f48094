"""Notices: written with what they tell of, for each recipient in the ways that they chose.

Sending them is the worker's: see ``operations.sending``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from jitportal.audit.bulk import change_many, insert_many
from jitportal.models import AccessRequest, Activation, Grant, Notice, Person
from jitportal.operations.notice_details import Detail, isolated, one_line
from jitportal.operations.notice_routes import key_of, routes
from jitportal.rules.notices import ASKS, TO_DECIDE


def notify(
    *,
    recipients: Iterable[Person],
    kind: str,
    key: str,
    subject: str,
    body: str,
    path: str,
    now: datetime,
    actor: Person,
    request: AccessRequest | None = None,
    grant: Grant | None = None,
    activation: Activation | None = None,
    details: Sequence[Detail] = (),
    until: datetime | None = None,
) -> None:
    """Write one notice for each recipient and way. ``key`` names the occasion: nobody hears of it twice.

    ``until``: after that moment the notice is of no use, so no digest holds it back for long.
    """
    rows = {
        (one := key_of(kind, key, route.person, route.channel)): Notice(
            key=one,
            recipient=route.person,
            channel=route.channel,
            kind=kind,
            request=request,
            grant=grant,
            activation=activation,
            subject=one_line(subject),
            body=body,
            details=[detail.stored() for detail in details],
            path=path,
            created_at=now,
            due_at=route.due_at,
        )
        for route in routes(recipients, kind, now, until)
    }
    known = set(Notice.objects.filter(key__in=rows).values_list("key", flat=True))
    insert_many(Notice, [row for key, row in rows.items() if key not in known], actor)


def asked_key(request: AccessRequest, stage: int) -> str:
    """The occasion on which those who decide a stage of the current revision are asked."""
    return f"{request.pk}:{request.asked.number}:{stage}"


def drop_unsent(*, request: AccessRequest, by: Person, now: datetime) -> None:
    """What nobody has to decide any more needn't be sent."""
    unsent = Notice.objects.unsent().filter(request=request, kind__in=ASKS)
    why = "Handled before it was sent."
    change_many([(row, {"given_up_at": now, "last_error": why}) for row in unsent], by)


def handled(*, request: AccessRequest, stage: int, by: Person, sentence: str, now: datetime) -> None:
    """Tell the others who were asked about this stage that somebody has handled it."""
    occasion = Q()
    for kind in ASKS:
        occasion |= Q(key__startswith=f"{kind}:{asked_key(request, stage)}:")
    asked = Notice.objects.filter(occasion, request=request, sent_at__isnull=False, recipient__isnull=False)
    rows = asked.exclude(recipient=by).select_related("recipient")
    told = {row.recipient_id: row.recipient for row in rows if row.recipient}
    drop_unsent(request=request, by=by, now=now)
    notify(
        recipients=told.values(),
        kind="request.handled",
        key=f"{asked_key(request, stage)}:{request.status}",
        subject=f"Handled: {isolated(request.requester)} and {request.role}",
        body=f"{sentence} There is nothing left for you to do.",
        path=f"/requests/{request.pk}/",
        now=now,
        actor=by,
        request=request,
    )


__all__ = ["ASKS", "TO_DECIDE", "asked_key", "drop_unsent", "handled", "notify"]

"""Notices: written with what they tell of, and sent by the worker."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage

from jitportal.audit.bulk import change_many, insert_many
from jitportal.audit.system import system
from jitportal.models import AccessRequest, Grant, Notice, Person
from jitportal.operations import clock
from jitportal.operations.transaction import operation

log = logging.getLogger(__name__)

#: Waits after each failed attempt, in seconds; after the last the notice is given up and stays to see.
BACKOFF = (5, 30, 120, 600, 3_600, 14_400)
CLAIM = timedelta(seconds=60)
BATCH = 50
TO_DECIDE = "request.to_decide"


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
) -> None:
    """Write one notice for each recipient. ``key`` names the occasion: nobody hears of it twice."""
    rows = {
        f"{kind}:{key}:{person.pk}": Notice(
            key=f"{kind}:{key}:{person.pk}",
            recipient=person,
            kind=kind,
            request=request,
            grant=grant,
            subject=_line(subject),
            body=body,
            path=path,
            created_at=now,
            due_at=now,
        )
        for person in recipients
        if person.is_active and person.email
    }
    known = set(Notice.objects.filter(key__in=rows).values_list("key", flat=True))
    insert_many(Notice, [row for key, row in rows.items() if key not in known], actor)


def asked_key(request: AccessRequest, stage: int) -> str:
    """The occasion on which those who decide a stage of the current revision are asked."""
    return f"{request.pk}:{request.asked.number}:{stage}"


def drop_unsent(*, request: AccessRequest, by: Person, now: datetime) -> None:
    """What nobody has to decide any more needn't be sent."""
    unsent = Notice.objects.filter(
        request=request, kind=TO_DECIDE, sent_at__isnull=True, given_up_at__isnull=True
    )
    why = "Handled before it was sent."
    change_many([(row, {"given_up_at": now, "last_error": why}) for row in unsent], by)


def handled(*, request: AccessRequest, stage: int, by: Person, sentence: str, now: datetime) -> None:
    """Tell the others who were asked about this stage that somebody has handled it."""
    occasion = f"{TO_DECIDE}:{asked_key(request, stage)}:"
    asked = Notice.objects.filter(request=request, key__startswith=occasion, sent_at__isnull=False)
    told = [row.recipient for row in asked.exclude(recipient=by).select_related("recipient")]
    drop_unsent(request=request, by=by, now=now)
    notify(
        recipients=told,
        kind="request.handled",
        key=f"{asked_key(request, stage)}:{request.status}",
        subject=f"Handled: {request.requester} and {request.role}",
        body=f"{sentence} There is nothing left for you to do.",
        path=f"/requests/{request.pk}/",
        now=now,
        actor=by,
        request=request,
    )


def send_due() -> int:
    """Send a batch of what is due; returns how many were sent. A failure is tried again later.

    The claim is committed before the mail server is called, so that two workers don't send the same
    notice, and a worker that dies loses a minute and not the notice.
    """
    sent = 0
    for notice in _claimed():
        try:
            _mail(notice).send()
        except (OSError, ValueError) as error:  # smtplib's errors are OSErrors; a bad address is the other
            _failed(notice, str(error) or type(error).__name__)
        else:
            _sent(notice)
            sent += 1
    return sent


def _claimed() -> list[Notice]:
    actor = system()
    with operation(actor):
        now = clock.now()
        rows = (
            Notice.objects.due(now)
            .exclude(claimed_until__gt=now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient")
            .order_by("due_at")[:BATCH]
        )
        notices = list(rows)
        change_many([(row, {"claimed_until": now + CLAIM}) for row in notices], actor)
    return notices


def _mail(notice: Notice) -> EmailMessage:
    return EmailMessage(
        subject=notice.subject,
        body=f"{notice.body}\n\n{settings.PUBLIC_URL}{notice.path}\n",
        to=[notice.recipient.email],
        headers={"Auto-Submitted": "auto-generated", "X-Jitportal-Notice": str(notice.pk)},
    )


def _sent(notice: Notice) -> None:
    with operation(system()):
        notice.sent_at, notice.claimed_until = clock.now(), None
        notice.attempts += 1
        notice.save(update_fields=["sent_at", "claimed_until", "attempts"])


def _failed(notice: Notice, error: str) -> None:
    with operation(system()):
        now = clock.now()
        notice.attempts += 1
        notice.last_error, notice.claimed_until = error[:1_000], None
        if notice.attempts > len(BACKOFF):
            notice.given_up_at = now
            log.error("Notice %s was given up after %s attempts: %s", notice.pk, notice.attempts, error)
        else:
            notice.due_at = now + timedelta(seconds=BACKOFF[notice.attempts - 1])
        notice.save(update_fields=["attempts", "last_error", "claimed_until", "given_up_at", "due_at"])


def _line(subject: str) -> str:
    """A mail's subject is one line: what people typed may hold several."""
    return " ".join(subject.split())[:200]

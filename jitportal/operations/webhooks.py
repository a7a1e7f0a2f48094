"""Signed webhooks (Standard Webhooks): written with what they tell of. Sending them is the worker's:
see ``operations.webhook_sending``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.crypto import salted_hmac

from jitportal.audit.bulk import insert_many
from jitportal.audit.events import record
from jitportal.models import Event, Person, WebhookDelivery, WebhookReceiver
from jitportal.operations import clock
from jitportal.operations.facts import require
from jitportal.operations.transaction import operation
from jitportal.rules.errors import Conflict, Invalid
from jitportal.rules.permissions import Verb
from jitportal.rules.webhooks import LARGEST

_NOT_SET_UP = "The operator has set up no receiver of this name."
_DISABLED = "The receiver has answered that it wants nothing any more. Enable it once it does."


def enqueue(
    *,
    kind: str,
    data: Mapping[str, Any],
    endpoints: Iterable[str],
    now: datetime,
    actor: Person,
    event: Event | None = None,
    message: str = "",
) -> list[WebhookDelivery]:
    """Write one delivery for each receiver, in the caller's transaction; the worker sends them at once.

    ``kind`` is dotted, as "emergency.opened", and documented in docs/integrators.md. ``data`` is what JSON
    holds, with moments as ``datetime``; under 20 kB. ``event`` is the fact that it tells of. ``message``
    names the occasion, so that the same is told once; left out, each call is an occasion of its own.

    A receiver that isn't set up, or is disabled, gets a delivery that is given up: that it wasn't told is
    seen. Raises ``ValueError`` for data that is too large.
    """
    message = message or f"msg_{uuid4().hex}"
    said = {"type": kind, "timestamp": now, "data": data}
    body = json.dumps(said, cls=_Encoder, ensure_ascii=False, separators=(",", ":"))
    if len(body.encode()) > LARGEST:
        raise ValueError(f"The webhook {kind} is larger than {LARGEST} bytes.")
    known = set(WebhookDelivery.objects.filter(message=message).values_list("endpoint", flat=True))
    rows = []
    for name in dict.fromkeys(endpoints):
        if name in known:
            continue
        unsendable = unusable(name)
        rows.append(
            WebhookDelivery(
                message=message,
                endpoint=name,
                kind=kind,
                body=body,
                event=event,
                created_at=now,
                due_at=now,
                given_up_at=now if unsendable else None,
                last_error=unsendable,
            )
        )
    return insert_many(WebhookDelivery, rows, actor) if rows else []


def unusable(name: str) -> str:
    """Why nothing can be sent to this receiver now; empty where it can."""
    endpoint = settings.WEBHOOKS.get(name)
    if endpoint is None:
        return _NOT_SET_UP
    mark = mark_of(endpoint.address)
    disabled = WebhookReceiver.objects.filter(name=name, disabled_at__isnull=False, disabled_address=mark)
    return _DISABLED if disabled.exists() else ""


def mark_of(address: str) -> str:
    """Tells one address from another, and nothing of either."""
    return salted_hmac("jitportal.webhooks", address, algorithm="sha256").hexdigest()


def enable(*, actor: Person, name: str) -> WebhookReceiver:
    """Send to a receiver again that had said that it wants nothing. Raises ``Invalid``, ``Conflict``."""
    with operation(actor):
        require(Verb.WEBHOOK_ENABLE, actor)
        if name not in settings.WEBHOOKS:
            raise Invalid(f"There is no receiver {name}. Name it in JITPORTAL_WEBHOOKS.")
        row = WebhookReceiver.objects.select_for_update().filter(name=name, disabled_at__isnull=False).first()
        if row is None:
            raise Conflict(f"Receiver {name} is enabled already.")
        row.disabled_at, row.disabled_address = None, ""
        row.failing_since, row.failures, row.rests_until, row.last_error = None, 0, None, ""
        row.save()
        record(
            verb="webhook.enabled",
            actor=actor,
            sentence=f"{actor} enabled the webhook receiver {name} again.",
            now=clock.now(),
            data={"endpoint": name},
        )
        return row


class _Encoder(DjangoJSONEncoder):
    """Moments as ISO 8601 in UTC; nothing is guessed at."""

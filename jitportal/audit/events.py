"""Business facts in words, written in the transaction that made them so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jitportal.audit import context
from jitportal.models import (
    AccessRequest,
    Activation,
    Event,
    Grant,
    Lease,
    Person,
    PolicyVersion,
    Role,
    Target,
)

BATCH = 1_000
_VERB = re.compile(r"\A[a-z_]+(\.[a-z_]+)+\Z")


def draft(
    *,
    verb: str,
    actor: Person,
    sentence: str,
    now: datetime,
    person: Person | None = None,
    request: AccessRequest | None = None,
    grant: Grant | None = None,
    activation: Activation | None = None,
    lease: Lease | None = None,
    role: Role | None = None,
    target: Target | None = None,
    policy_version: PolicyVersion | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """An event that isn't written yet, for ``record_many``.

    ``verb`` is dotted and past, as "request.submitted"; ``sentence`` is for people; ``person`` is whom
    it is about; ``data`` is what JSON holds. Raises ``ValueError`` for another kind of verb and for
    an empty sentence.
    """
    if not _VERB.match(verb):
        raise ValueError(f"{verb!r} is no event's verb. Write it dotted and past, as request.submitted.")
    if not sentence.strip():
        raise ValueError(f"The event {verb} needs a sentence.")
    bound = context.current()
    return Event(
        at=now,
        verb=verb,
        sentence=sentence,
        actor=actor,
        person=person,
        request=request,
        grant=grant,
        activation=activation or (grant.activation if grant else None),
        lease=lease,
        role=role,
        target=target,
        policy_version=policy_version,
        data=data or {},
        correlation_id=bound.correlation_id,
        address=bound.address,
    )


def record(
    *,
    verb: str,
    actor: Person,
    sentence: str,
    now: datetime,
    person: Person | None = None,
    request: AccessRequest | None = None,
    grant: Grant | None = None,
    activation: Activation | None = None,
    lease: Lease | None = None,
    role: Role | None = None,
    target: Target | None = None,
    policy_version: PolicyVersion | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Write one event; the correlation id and the address come from the context. See ``draft``."""
    event = draft(
        verb=verb,
        actor=actor,
        sentence=sentence,
        now=now,
        person=person,
        request=request,
        grant=grant,
        activation=activation,
        lease=lease,
        role=role,
        target=target,
        policy_version=policy_version,
        data=data,
    )
    event.save(force_insert=True)
    return event


def record_many(events: Sequence[Event]) -> list[Event]:
    """Write the events (see ``draft``) in batches; those without take the context's correlation
    id and address.
    """
    bound = context.current()
    for event in events:
        event.correlation_id = event.correlation_id or bound.correlation_id
        event.address = event.address or bound.address
    return Event.objects.bulk_create(events, batch_size=BATCH)

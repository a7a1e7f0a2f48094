"""Stamps who, from where and as part of what on auditlog's entries.

auditlog writes an update's entry before the update: outside a transaction, one that fails would leave
its entry behind. Operations are always one transaction, so the two come and go together.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import pre_save

from jitportal.audit import context
from jitportal.audit.system import system
from jitportal.models import Entry


def stamp(entry: Entry) -> None:
    """Fill in from the context what the entry doesn't say yet; without an actor it is the system's.

    ``actor_email`` stays empty: the actor's row is never deleted, and a change of address has an
    entry of its own.
    """
    bound = context.current()
    if not entry.actor_id:
        entry.actor_id = bound.actor_id if bound.actor_id is not None else system().pk
    if entry.remote_addr is None:
        entry.remote_addr = bound.address
    if not entry.cid:
        entry.cid = bound.correlation_id
    if bound.at is not None:
        entry.timestamp = bound.at


def connect() -> None:
    """Stamp every entry that is saved, in every thread and process, for good."""
    pre_save.connect(_stamp_saved, sender=Entry, dispatch_uid="jitportal.audit.entries")


def _stamp_saved(instance: Entry, **_signal: Any) -> None:
    stamp(instance)

"""Who acts, from where, and as part of what: held in one ContextVar and stamped on every entry.

auditlog's own ``set_actor`` loses the outer actor when nested, and its middleware believes any
``X-Forwarded-For``; neither is used. The web's middleware and the worker bind a context, operations
set the actor, and one permanent receiver (``audit.entries``) stamps it on what auditlog writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from jitportal.models import Person

#: The length of Event.correlation_id; longer ones from outside are cut.
LONGEST_CORRELATION_ID = 64


@dataclass(frozen=True, slots=True)
class AuditContext:
    """Who acts (``None``: the system), what belongs together, and the client's address.

    ``at`` is the operation's own moment, where it has said so: its entries then carry the same
    time as its events. Otherwise an entry carries the time of its writing.
    """

    actor_id: int | None = None
    correlation_id: str = ""
    address: str | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "correlation_id", self.correlation_id[:LONGEST_CORRELATION_ID])


_context: ContextVar[AuditContext | None] = ContextVar("jitportal_audit_context", default=None)
_NOBODY = AuditContext()


def current() -> AuditContext:
    """The context in force; an empty one, which stands for the system, where none is bound."""
    return _context.get() or _NOBODY


@contextmanager
def bound(context: AuditContext) -> Iterator[AuditContext]:
    """Put the context in force; afterwards the outer one holds again."""
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)


@contextmanager
def acting(actor: Person, *, at: datetime | None = None) -> Iterator[AuditContext]:
    """Let the person act within the context in force: its address and correlation id stay.

    Where nothing is bound yet, a fresh correlation id keeps what is written inside together.
    """
    outer = current()
    context = replace(
        outer,
        actor_id=actor.pk,
        correlation_id=outer.correlation_id or fresh_correlation_id(),
        at=at or outer.at,
    )
    with bound(context):
        yield context


def put(context: AuditContext | None) -> None:
    """Set the context where no ``with`` can span it: around a task of the queue (``audit.tasks``)."""
    _context.set(context)


def correlation_id() -> str:
    """The correlation id in force, or an empty text. auditlog asks here (AUDITLOG_CID_GETTER)."""
    return current().correlation_id


def fresh_correlation_id() -> str:
    """A new one: 32 hex digits at random."""
    return uuid4().hex

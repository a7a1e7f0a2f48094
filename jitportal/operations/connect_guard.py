"""Refuses connections to private addresses at the moment they are made.

For libraries that look names up themselves. What such a library connects to is whatever the name says by
then, not what it said when somebody checked it (DNS rebinding). Python tells its audit hooks of each
connection before it is made, with the address that the name has led to; an error there is the connection's.
The hook does nothing outside the block.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from jitportal.rules.outgoing import Network, is_allowed, is_public

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class Guard:
    """``refused``: whether a connection was."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self.refused = False

    def check(self, host: str) -> None:
        """A name that is left for the system to look up is refused: nobody knows where it leads."""
        if not is_allowed(host, self._allowed) and not is_public(host):
            self.refused = True
            raise ConnectionRefusedError("The portal doesn't call private addresses.")


_guarding: ContextVar[Guard | None] = ContextVar("guarding", default=None)


@contextmanager
def public_addresses_alone(allowed: tuple[Network, ...]) -> Iterator[Guard]:
    """Within it, in this thread and whatever runs in a copy of its context, nothing private is connected to
    but the operator's networks.
    """
    _watch()
    guard = Guard(allowed)
    token = _guarding.set(guard)
    try:
        yield guard
    finally:
        _guarding.reset(token)


@cache
def _watch() -> None:
    """A hook stays for the life of the process: one is enough, and none where nothing is ever posted."""
    sys.addaudithook(_at_each_event)


def _at_each_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    guard = _guarding.get()
    if guard is None:
        return
    connection, address = arguments[:2]
    if address is not None and connection.family in _INTERNET:
        guard.check(str(address[0]))

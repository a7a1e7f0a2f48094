"""A web server's worker whose threads no slow client can keep.

gunicorn reads a request in one of its few threads, and waits for the next byte for as long as the client
likes: as many clients as there are threads, each with half a request, would be the end of the portal. Here
a request has so many seconds to arrive whole, its body included, and each part of an answer as many to be
taken. What can't be read as a request is refused with the headers of every other answer.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ECONNRESET, EPIPE
from importlib import import_module
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import ThreadWorker

from jitportal.environment import Environment

_env = Environment()
#: A body of the largest size arrives within it over a slow line.
SECONDS = _env.positive("REQUEST_SECONDS", 30)


class BoundedSocket(socket.socket):
    """A client's socket with a moment by which its request must have come."""

    _until = 0.0

    @classmethod
    def of(cls, client: socket.socket) -> BoundedSocket:
        """The same connection; the socket given is empty after it."""
        timeout = client.gettimeout()
        bounded = cls(client.family, client.type, client.proto, fileno=client.detach())
        bounded.settimeout(timeout)
        return bounded

    def expect_request(self) -> None:
        """From now on the next request is awaited."""
        self._until = time.monotonic() + SECONDS

    def recv(self, *arguments: Any) -> bytes:
        """As a socket's; what comes too late is as if the client had gone."""
        if self.gettimeout() is not None:  # somebody waits in their own way, as when a connection is closed
            return super().recv(*arguments)
        left = self._until - time.monotonic()
        if left <= 0:
            raise ConnectionResetError(ECONNRESET, "The request took too long to arrive.")
        with self._waiting(left, ConnectionResetError(ECONNRESET, "The request took too long to arrive.")):
            return super().recv(*arguments)

    def sendall(self, *arguments: Any) -> None:
        """As a socket's; a client that takes nothing is as if it had gone."""
        with self._waiting(SECONDS, BrokenPipeError(EPIPE, "The client doesn't take the answer.")):
            super().sendall(*arguments)

    def sendfile(self, *arguments: Any, **more: Any) -> int:
        """As a socket's; the same for a file."""
        with self._waiting(SECONDS, BrokenPipeError(EPIPE, "The client doesn't take the file.")):
            return super().sendfile(*arguments, **more)

    @contextmanager
    def _waiting(self, seconds: float, error: OSError) -> Iterator[None]:
        before = self.gettimeout()
        self.settimeout(seconds)
        try:
            yield
        except TimeoutError:
            raise error from None
        finally:
            self.settimeout(before)


class BoundedThreadWorker(ThreadWorker):
    """gunicorn's threads, each with an end to its waiting."""

    def handle(self, conn: Any) -> Any:
        """Read one request, answer it, and say whether the connection goes on."""
        if not isinstance(conn.sock, BoundedSocket):
            conn.sock = BoundedSocket.of(conn.sock)
        conn.sock.expect_request()
        return super().handle(conn)  # type: ignore[no-untyped-call] # gunicorn has no types of its own

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Refuse what never came to the portal. gunicorn logs it and finds the status."""
        its_own = _Unsent()
        super().handle_error(req, its_own, addr, exc)  # type: ignore[no-untyped-call] # as above
        with suppress(OSError):
            client.sendall(refusal(its_own.status))


class _Unsent:
    """In a client's place: takes gunicorn's own page, which repeats what was sent and has no headers."""

    def __init__(self) -> None:
        self.status = "400 Bad Request"

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, data: bytes) -> None:
        self.status = data.partition(b"\r\n")[0].decode("latin-1").partition(" ")[2] or self.status


def refusal(status: str) -> bytes:
    """The whole answer, its connection's last."""
    headers_module = import_module("jitportal.web.middleware")  # needs Django, which isn't set up above yet
    body = f"{status}: the portal can't read this request.\n".encode()
    headers = {
        "Connection": "close",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        **headers_module.SECURITY_HEADERS,
    }
    if settings.SECURE_HSTS_SECONDS:
        whole = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        whole += "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}{whole}"
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

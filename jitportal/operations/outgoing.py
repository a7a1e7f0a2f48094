"""Calls by HTTP to addresses that somebody else named: checked, pinned, bounded, and led nowhere else.

The name is looked up once, each address that it has is checked, and exactly those are connected to: a
name that answers differently the second time (DNS rebinding) gains nothing. TLS still verifies the name.
Proxies of the environment aren't used, cookies aren't kept, and a redirect is an answer like any other.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from socket import IPPROTO_TCP, SOCK_STREAM, gaierror, getaddrinfo
from typing import TYPE_CHECKING

import httpcore
import httpx
from django.conf import settings

from jitportal.operations.patience import within
from jitportal.rules.outgoing import Network, is_allowed, is_public

if TYPE_CHECKING:
    from httpcore import SOCKET_OPTION

#: In all: from the look-up of the name to the last byte that is read.
SECONDS = 15.0
LARGEST_ANSWER = 65_536
LONGEST_ADDRESS = 2_048
PRIVATE = (
    "The host's address is private, local or special, and the portal doesn't call there. "
    "The operator may allow its network (JITPORTAL_OUTGOING_ALLOWED_NETWORKS)."
)
_VISIBLE = range(0x21, 0x7F)


class CallFailed(Exception):
    """No answer came. The sentence doesn't repeat the address, which may hold a secret."""


class CallRefused(CallFailed):
    """The portal doesn't call there at all: the address isn't one that it may call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` by small name, the last of several. ``cut``: the body goes on past what was read."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False


def call(
    address: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    largest: int = LARGEST_ANSWER,
    anywhere: bool = False,
) -> Answer:
    """The answer, whatever its status. Raises ``CallRefused`` and ``CallFailed``, within ``seconds``.

    ``anywhere``: the operator named the address themselves, so private ones are fine.
    """
    url = _checked(address)
    said = {"user-agent": "jitportal", "accept-encoding": "identity", **(headers or {})}
    allowed = tuple(settings.OUTGOING_ALLOWED_NETWORKS)
    made = _Call(url, method, body, said, seconds, largest, None if anywhere else allowed)
    try:
        return within(seconds, made.answer)
    except TimeoutError:
        raise CallFailed(f"No answer within {seconds:g} seconds.") from None


def refusal(address: str) -> str:
    """Why the address can't be called whatever its name leads to; empty where it may be tried."""
    try:
        _checked(address)
    except CallRefused as error:
        return str(error)
    return ""


def refuse_private(host: str, port: int | None = None) -> None:
    """Raise ``CallRefused`` where the host has an address that isn't public, and that the operator hasn't
    allowed; ``CallFailed`` where it has none. For what another library calls: it looks the name up anew, so
    ``connect_guard`` checks again.
    """
    for address in _addresses(host.strip("[]"), port or 443):
        if not is_allowed(address, tuple(settings.OUTGOING_ALLOWED_NETWORKS)) and not is_public(address):
            raise CallRefused(PRIVATE)


def _checked(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise CallRefused("The address can't be read. It begins with https:// and a host.") from None
    if len(address) > LONGEST_ADDRESS or any(ord(sign) not in _VISIBLE for sign in address):
        raise CallRefused("The address holds blanks or other signs that no address has, or is too long.")
    if url.scheme not in {"https", "http"} or not url.host:
        raise CallRefused("The address must begin with https:// and a host.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise CallRefused("The address names a port that can't be one.")
    if url.userinfo:
        raise CallRefused("The address holds a username or a password. Take it out.")
    return url


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, made in a thread of its own: it touches no database."""

    url: httpx.URL
    method: str
    body: bytes
    headers: Mapping[str, str]
    seconds: float
    largest: int
    allowed: tuple[Network, ...] | None  # None: all of them

    def answer(self) -> Answer:
        addresses = _looked_up(self.url)
        if self.allowed is not None:
            _refuse(addresses, self.url, self.allowed)
        try:
            with httpcore.ConnectionPool(ssl_context=_tls(), network_backend=_Pinned(addresses)) as pool:
                return self._asked(pool)
        except (httpcore.TimeoutException, TimeoutError):
            raise CallFailed(f"No answer within {self.seconds:g} seconds.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise CallFailed(_said(error)) from None

    def _asked(self, pool: httpcore.ConnectionPool) -> Answer:
        url = self.url
        where = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers: list[tuple[bytes | str, bytes | str]] = [("host", url.netloc), *self.headers.items()]
        bounds = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self.seconds)}
        body = self.body or None
        with pool.stream(self.method, where, headers=headers, content=body, extensions=bounds) as answer:
            read, cut = _read(answer, self.largest)
            said = {key.decode("latin-1").lower(): text.decode("latin-1") for key, text in answer.headers}
            return Answer(answer.status, said, read, cut)


def _read(answer: httpcore.Response, largest: int) -> tuple[bytes, bool]:
    read = bytearray()
    for piece in answer.iter_stream():
        read += piece
        if len(read) > largest:
            return bytes(read[:largest]), True
    return bytes(read), False


def _looked_up(url: httpx.URL) -> tuple[str, ...]:
    """Every address that the name has, each once, in the system's order."""
    return _addresses(url.host.strip("[]"), url.port or (443 if url.scheme == "https" else 80))


def _addresses(host: str, port: int) -> tuple[str, ...]:
    try:
        found = getaddrinfo(host, port, type=SOCK_STREAM, proto=IPPROTO_TCP)
    except (gaierror, UnicodeError):
        raise CallFailed("The host's name has no address.") from None
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


def _refuse(addresses: Iterable[str], url: httpx.URL, allowed: tuple[Network, ...]) -> None:
    """One address that may not be called is enough: which of them answers isn't for the portal to choose."""
    for address in addresses:
        if is_allowed(address, allowed):
            continue
        if not is_public(address):
            raise CallRefused(PRIVATE)
        if url.scheme != "https":
            raise CallRefused("Outside the operator's own networks the address must begin with https://.")


class _Pinned(httpcore.SyncBackend):
    """Connects to the addresses that were checked, whatever the name says by now."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        super().__init__()
        self._addresses = addresses

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the name was looked up before
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = self._addresses
        for address in others:
            share = timeout / len(self._addresses) if timeout else timeout
            try:
                return super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return super().connect_tcp(last, port, timeout, local_address, socket_options)


@cache
def _tls() -> ssl.SSLContext:
    """The system's authorities; ``SSL_CERT_FILE`` names others, as for every program that uses OpenSSL."""
    return ssl.create_default_context()


def _said(error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "Its certificate can't be trusted."
    if isinstance(error, httpcore.ConnectError):
        return "Nothing answers there."
    if isinstance(error, httpcore.ProtocolError):
        return "What answers there doesn't speak HTTP."
    return "The connection broke."

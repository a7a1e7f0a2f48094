"""Calls to addresses that others named, against real servers on loopback."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from jitportal.operations import outgoing
from jitportal.operations.outgoing import CallFailed, CallRefused
from tests.operations.hooks import Hook, authority, hook

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture
def server() -> Iterator[Hook]:
    with hook() as server:
        yield server


@pytest.fixture
def open_loopback(settings: Any) -> None:
    settings.OUTGOING_ALLOWED_NETWORKS = LOOPBACK


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"]
)
def test_nothing_private_is_called_however_it_is_spelled(server: Hook, host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(CallRefused, match=r"JITPORTAL_OUTGOING_ALLOWED_NETWORKS"):
            outgoing.call(f"{scheme}://{host}:{server.port}/latest/meta-data/")
    assert server.calls == []


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/",
        "https://",
        "127.0.0.1",
        "https://user:pass@127.0.0.1/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1/a b",
        "https://127.0.0.1/\r\nX: y",
        f"https://127.0.0.1/{'x' * 3_000}",
    ],
)
def test_what_is_no_address_is_refused(open_loopback: None, address: str) -> None:
    assert outgoing.refusal(address)
    with pytest.raises(CallRefused):
        outgoing.call(address)


def test_what_the_operator_allows_is_called(open_loopback: None, server: Hook) -> None:
    server.answer_headers = {"X-Said": "yes"}
    answer = outgoing.call(server.address + "?a=b", headers={"x-own": "1"})
    assert (answer.status, answer.headers["x-said"], answer.cut) == (200, "yes", False)
    (call,) = server.calls
    assert (call.method, call.path) == ("GET", "/hook?a=b")
    assert call.headers["host"] == f"127.0.0.1:{server.port}"
    assert call.headers["x-own"] == "1"


def test_a_redirect_is_an_answer_and_leads_nowhere(open_loopback: None, server: Hook) -> None:
    with hook() as inner:
        server.manner = inner.address
        assert outgoing.call(server.address).status == 307
        assert inner.calls == []


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_a_call_ends_in_time_whatever_comes(open_loopback: None, server: Hook, manner: str) -> None:
    """A byte now and then satisfies every time-out of a socket."""
    server.manner = manner
    began = time.monotonic()
    with pytest.raises(CallFailed, match=r"No answer within 0\.5 seconds"):
        outgoing.call(server.address, seconds=0.5)
    assert time.monotonic() - began < 2


def test_a_body_without_end_is_cut(open_loopback: None, server: Hook) -> None:
    server.manner = "flood"
    answer = outgoing.call(server.address, largest=1_000)
    assert (len(answer.body), answer.cut) == (1_000, True)


def test_what_isnt_http_and_what_isnt_there(open_loopback: None, server: Hook) -> None:
    server.manner = "garbage"
    with pytest.raises(CallFailed, match="doesn't speak HTTP"):
        outgoing.call(server.address)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(CallFailed, match="Nothing answers there"):
            outgoing.call(f"http://127.0.0.1:{unused.getsockname()[1]}/")


@pytest.mark.parametrize("checked", [("127.0.0.1",), ("127.0.0.1", "::1")])
def test_a_name_that_answers_differently_later_gains_nothing(server: Hook, checked: tuple[str, ...]) -> None:
    """The connection goes to what was checked: this name has no address at all by now."""
    pinned = outgoing._Pinned(checked)
    stream = pinned.connect_tcp("rebinding.invalid", server.port, timeout=2)
    assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
    stream.close()


def test_the_next_address_is_tried_where_one_doesnt_answer(server: Hook) -> None:
    stream = outgoing._Pinned(("::1", "127.0.0.1")).connect_tcp("x", server.port, timeout=2)
    assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
    stream.close()


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """What a server for ``localhost`` presents, whose authority the system trusts."""
    trusted, context = authority(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    outgoing._tls.cache_clear()
    yield context
    outgoing._tls.cache_clear()


def test_tls_verifies_the_name_though_an_address_is_connected_to(
    open_loopback: None, trusting: ssl.SSLContext
) -> None:
    asked: list[str | None] = []
    trusting.sni_callback = lambda _socket, name, _context: asked.append(name)
    with hook(trusting) as server:
        assert outgoing.call(f"https://localhost:{server.port}/").status == 200
        assert asked == ["localhost"]
        with pytest.raises(CallFailed, match="certificate can't be trusted"):
            outgoing.call(f"https://127.0.0.1:{server.port}/")
        assert len(server.calls) == 1


def test_a_certificate_of_nobody_is_refused(open_loopback: None, tmp_path: Path) -> None:
    outgoing._tls.cache_clear()
    _, context = authority(tmp_path, "localhost")
    with hook(context) as server:
        with pytest.raises(CallFailed, match="certificate can't be trusted"):
            outgoing.call(f"https://localhost:{server.port}/")
        assert server.calls == []

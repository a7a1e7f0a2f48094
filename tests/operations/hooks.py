"""A real HTTP server on loopback that takes webhooks, in several manners, with TLS where it is asked for."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(slots=True)
class Call:
    """One call as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(slots=True)
class Hook:
    """``manner``: a status to answer, "hang", "drip" (a byte now and then, for ever), "flood" (a body without
    end), "garbage" (what isn't HTTP), or an address to redirect to.
    """

    port: int = 0
    manner: int | str = 200
    answer_headers: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def hook(tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """The receiver while it listens."""
    receiver = Hook()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": receiver}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: Any) -> None:
        """A client that refuses the certificate, or goes away, is what is asked for here."""


class _Handler(BaseHTTPRequestHandler):
    receiver: ClassVar[Hook]

    def do_POST(self) -> None:
        self._take()

    def do_GET(self) -> None:
        self._take()

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.receiver.calls.append(Call(self.command, self.path, headers, body))
        with suppress(OSError):
            self._answer(self.receiver.manner)

    def _answer(self, manner: int | str) -> None:
        if manner == "hang":
            self.receiver.closing.wait(10)
        elif manner == "garbage":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif manner in {"drip", "flood"}:
            self.send_response(200)
            self.end_headers()
            while not self.receiver.closing.wait(0.05 if manner == "drip" else 0):
                self.wfile.write(b"x" * (1 if manner == "drip" else 65_536))
        else:
            self._end(manner)

    def _end(self, manner: int | str) -> None:
        self.send_response(307 if isinstance(manner, str) else manner)
        if isinstance(manner, str):
            self.send_header("Location", manner)
        for name, value in self.receiver.answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


def authority(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate of its own authority for one name: the file to trust, and what a server presents."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / f"{name}.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / f"{name}.key"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return trusted, context

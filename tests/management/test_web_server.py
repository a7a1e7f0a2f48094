"""The web server as it runs in production, spoken to over sockets: malformed, half, and slow requests."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from django.http import HttpResponse

from tests import migrated
from tests.web.headers import missing_headers
from tests.worker.processes import wait_until

pytestmark = [
    pytest.mark.proof,
    pytest.mark.sqlite,  # it has a database of its own, wherever the suite's is
]

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "portal.example"
#: Half a request is waited for so long, here.
PATIENCE = 1
THREADS = 4
#: What the server says of a coding or a version that it doesn't know.
NOT_HERE = {501, 505}
HEAD = f"Host: {HOST}\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n".encode()
SIGN_IN = b"GET /sign-in/ HTTP/1.1\r\n" + HEAD + b"\r\n"
POST = b"POST /hosts/report/ HTTP/1.1\r\n" + HEAD


class Server:
    """gunicorn with the portal's configuration, in production's settings."""

    def __init__(self, folder: Path, database: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JITPORTAL_")}
        self.environment = kept | {
            "DJANGO_SETTINGS_MODULE": "jitportal.settings",
            "JITPORTAL_PRODUCTION": "1",
            "JITPORTAL_SECRET_KEY": "9aZ-bY8_cX7dW6eV5fU4gT3hS2iR1jQ0kP9lO8mN7nM6oL5pK4qJ3rI2sH1tG0",
            "JITPORTAL_HOSTS": HOST,
            "JITPORTAL_PUBLIC_URL": f"https://{HOST}",
            "JITPORTAL_TRUSTED_PROXIES": "1",
            "JITPORTAL_DATABASE_URL": f"sqlite:///{database}",
            "JITPORTAL_DATA_DIR": str(folder),
            "JITPORTAL_WEB_PROCESSES": "1",
            "JITPORTAL_WEB_THREADS": str(THREADS),
            "JITPORTAL_REQUEST_SECONDS": str(PATIENCE),
        }
        self.log = folder / "web.log"
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "-v0"]
        subprocess.run(collect, cwd=ROOT, env=self.environment, check=True)
        number = self._listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "--config", "python:jitportal.management.web_server"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--bind", f"fd://{number}"],
                cwd=ROOT,
                env=self.environment,
                pass_fds=(number,),
                stdout=log,
                stderr=log,
            )
        wait_until(
            lambda: self.say(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n").startswith(b"HTTP/1.1 200"), 60
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._listener.close()

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def say(self, data: bytes, *, end: bool = True) -> bytes:
        """All that is answered to these bytes, until the server closes."""
        said = b""
        with self.open() as client, suppress(OSError):
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            while block := client.recv(65_536):
                said += block
        return said


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("web")
    made = Server(folder, migrated.sqlite_copy(folder / "portal.sqlite3"))
    made.start()
    yield made
    made.stop()


def statuses(said: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"HTTP/1\.[01] (\d{3})", said)]


def test_whoever_sends_half_a_request_keeps_no_thread(server: Server) -> None:
    """Twice as many as there are threads: in the head, in the body, and a byte now and then."""
    halves = [b"GET / HTTP/1.1\r\nHost: ", POST + b"Content-Length: 999\r\n\r\n{", b"G", b"GET / HTTP/1.1"]
    with ExitStack() as held:
        clients = [held.enter_context(server.open()) for _ in range(2 * THREADS)]
        for number, client in enumerate(clients):
            client.sendall(halves[number % len(halves)])
        began = time.monotonic()
        asked = held.enter_context(server.open())
        asked.sendall(SIGN_IN)
        while not select_readable(asked, 0.2):
            assert time.monotonic() - began < 8 * PATIENCE, "Nobody else is served."
            for client in clients:
                with suppress(OSError):
                    client.sendall(b"x")
        assert asked.recv(15).startswith(b"HTTP/1.1 200")


def test_a_client_that_takes_no_answer_keeps_no_thread(server: Server) -> None:
    script = re.search(rb'src="(/static/django_htmx/[^"]+\.js)"', server.say(SIGN_IN))
    assert script is not None
    with ExitStack() as held:
        for _ in range(2 * THREADS):
            client = held.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.connect(("127.0.0.1", server.port))
            client.sendall((b"GET " + script[1] + b" HTTP/1.1\r\n" + HEAD + b"\r\n") * 200)
        assert statuses(server.say(SIGN_IN))[:1] == [200]


#: What one reader of HTTP takes for one request, and another for two.
SMUGGLED = b"GET /readyz HTTP/1.1\r\n" + HEAD + b"\r\n"
SMUGGLING = {
    "both lengths": POST
    + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(SMUGGLED)),
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a list of lengths": POST + b"Content-Length: 0, %d\r\n\r\n" % len(SMUGGLED),
    "a length with a sign": POST + b"Content-Length: +0\r\n\r\n",
    "a length below nothing": POST + b"Content-Length: -1\r\n\r\n",
    "a coding in disguise": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before a space": POST + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a folded header": POST + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare line feed": b"POST /hosts/report/ HTTP/1.1\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk that is too short": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n\r\n",
    "a chunk with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a length that overflows": POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "an underscored length": POST + b"Content_Length: %d\r\n\r\n" % len(SMUGGLED),
}


@pytest.mark.parametrize("how", SMUGGLING)
def test_no_request_hides_in_another(how: str, server: Server) -> None:
    """Whatever is doubtful is refused and closed; where it isn't, what follows is a request of its own."""
    said = server.say(SMUGGLING[how] + SMUGGLED)
    answered = statuses(said)
    assert all(status < 500 or status in NOT_HERE for status in answered[:1]), said[:200]
    if how != "an underscored length":
        assert b'"status"' not in said, "The hidden request was answered."


#: Whoever answers: the portal, its files, and the server itself where no request comes out of what was sent.
ANSWERED = {
    "a page": (200, SIGN_IN),
    "no page": (404, b"GET /nowhere HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "no file": (404, b"GET /static/nowhere.css HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "a file that takes nothing": (405, b"POST /static/tokens.css HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "a host of others": (400, b"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Proto: https\r\n\r\n"),
    "without a token": (403, b"POST /sign-in/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 0\r\n\r\n"),
    "too large": (413, POST + b"Content-Length: 99999999999\r\n\r\n"),
    "no token of a host": (401, POST + b"Content-Length: 2\r\n\r\n{}"),
    "no request": (400, b"GET  /evil-word HTTP/1.1\r\n\r\n"),
    "a method of its own": (400, b"evil-word / HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "another version": (400, b"GET / HTTP/9.9\r\n" + HEAD + b"\r\n"),
    "no header": (400, b"GET / HTTP/1.1\r\n" + HEAD + b"evil-word\r\n\r\n"),
    "a long address": (414, b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n"),
    "a long header": (431, b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n"),
    "many headers": (431, b"GET / HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 500 + b"\r\n"),
    "an expectation": (417, POST + b"Expect: evil-word\r\nContent-Length: 2\r\n\r\n{}"),
    "a coding of its own": (501, POST + b"Transfer-Encoding: evil-word\r\n\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("what", ANSWERED)
def test_whoever_answers_sends_the_headers(what: str, server: Server) -> None:
    """And what the server itself refuses repeats nothing that was sent."""
    status, data = ANSWERED[what]
    said = server.say(data)
    head, _, body = said.partition(b"\r\n\r\n")
    first, _, lines = head.partition(b"\r\n")
    assert first.startswith(b"HTTP/1.1 %d " % status)
    headers = dict(BytesHeaderParser().parsebytes(lines))
    assert missing_headers(HttpResponse(status=status, headers=headers)) == []
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert int(headers.get("Content-Length", len(body))) == len(body)
    assert b"evil-word" not in said


def test_malformed_requests_are_refused_by_whoever_reads_them(server: Server) -> None:
    for data in MALFORMED:
        answered = statuses(server.say(data))
        assert answered == [] or answered[0] in (
            100,
            400,
            401,
            403,
            404,
            405,
            413,
            414,
            417,
            421,
            431,
            *NOT_HERE,
        ), (
            data[:80],
            answered,
        )
    _sound(server)


@pytest.mark.timeout(900)
def test_thousands_of_spoilt_requests(server: Server) -> None:
    """Sound requests with bytes exchanged, doubled, left out and put in."""
    drawn = random.Random(20_260)
    sound = [SIGN_IN, POST + b"Content-Length: 2\r\n\r\n{}", *SMUGGLING.values(), *MALFORMED]
    for _ in range(2_000):
        data = bytearray(drawn.choice(sound))
        for _ in range(drawn.randint(1, 6)):
            at = drawn.randrange(len(data) + 1)
            piece = drawn.choice([b"\r", b"\n", b"\0", b"\xff", b":", b" ", b"\r\n\r\n", drawn.randbytes(3)])
            data[at : at + drawn.randint(0, 2)] = piece
        assert all(status < 500 or status in NOT_HERE for status in statuses(server.say(bytes(data)))), data
    _sound(server)


MALFORMED = [
    b"\r\n\r\n",
    b"\0" * 500,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 300,  # a TLS hello
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / HTTP/9.9\r\n" + HEAD + b"\r\n",
    b"GET  / HTTP/1.1\r\n\r\n",
    b"G\0T / HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET /\0 HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 500 + b"\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"X\xff: y\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b": y\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + HEAD + b"no colon\r\n\r\n",
    b"GET /nowhere/%00%c0%af%ed%a0%80/ HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET /nowhere/\xc0\xaf\xed\xa0\x80/ HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"GET http://evil.example/sign-in/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: portal.example\r\nHost: evil.example\r\n\r\n",
    b"TRACE /sign-in/ HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n",
    POST + b"Content-Length: 99999999999\r\n\r\n",
    POST + b"Expect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
]


def _sound(server: Server) -> None:
    """It serves as before, and wrote down no error of its own."""
    assert statuses(server.say(SIGN_IN))[:1] == [200]
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "\0" not in log


def select_readable(client: socket.socket, seconds: float) -> bool:
    client.settimeout(seconds)
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False

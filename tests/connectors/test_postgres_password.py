"""Whoever listens in a target's place is told no password."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from jitportal.connectors.base import Unreachable
from jitportal.connectors.postgres.connection import Deadline, Server
from jitportal.connectors.postgres.settings import read_settings
from tests.connectors.test_postgres_settings import settings as settings_of

SSL, ENCRYPTED = 80877103, 80877104


class Impostor:
    """Asks whoever connects for the password itself, and keeps what it is sent."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = threading.Event()
        self.told: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(5)
                while (code := self._message(caller)) in (SSL, ENCRYPTED):
                    caller.sendall(b"N")
                if code:
                    caller.sendall(b"R" + struct.pack(">II", 8, 3))
                    self.asked.set()
                    self.told.append(caller.recv(200))

    @staticmethod
    def _message(caller: socket.socket) -> int:
        begun = caller.recv(8)
        if len(begun) < 8:
            return 0
        length, code = struct.unpack(">II", begun)
        if length > 8:
            caller.recv(length - 8)
        return int(code)


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    made = Impostor()
    yield made
    made.close()


@pytest.mark.parametrize("sslmode", ["prefer", "disable"])
def test_who_isnt_known_to_be_the_server_is_told_no_password(impostor: Impostor, sslmode: str) -> None:
    said = {"host": "127.0.0.1", "port": str(impostor.port), "password_secret": "P", "sslmode": sslmode}
    server = Server(read_settings(settings_of(**said)), lambda _name: "correct horse")
    with pytest.raises(Unreachable), server.connect(Deadline()):
        pass
    assert impostor.asked.is_set()
    assert not any(b"correct horse" in said for said in impostor.told)

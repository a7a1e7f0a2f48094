"""Posts to a channel whose name has a public address when it is checked, and one of loopback after that.

Run in a process of its own, where /etc/resolv.conf names NAME_SERVER: everything between the name and the
connection is the system's own.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from ipaddress import ip_network

from django.conf import settings

from jitportal.environment import Channel
from jitportal.operations import chat
from tests.operations.receiver import receiving

NAME = "rebinding.example"
NAME_SERVER = "127.53.53.53"
PUBLIC = "93.184.215.14"


class NameServer:
    """Answers the first question for an address with a public one, and all others with loopback's."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((NAME_SERVER, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(512)
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        number, asked = question[:2], question[12 : question.index(b"\0", 12) + 5]
        answers = b""
        if asked[-4:-2] == b"\0\x01":  # an address of IPv4; it has none of IPv6
            address = "127.0.0.1" if self.said else PUBLIC
            self.said.append(address)
            answers = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
        head = struct.pack(">HHHHH", 0x8180, 1, 1 if answers else 0, 0, 0)
        return number + head + asked + answers


def post(*allowed: str) -> None:
    """Print what came of it, what the name server said, and how many messages arrived."""
    settings.OUTGOING_ALLOWED_NETWORKS = tuple(map(ip_network, allowed))
    server = NameServer()
    with receiving() as receiver:
        channel = Channel("room", f"json://{NAME}:{receiver.port}/token")
        try:
            chat.say(channel, None, title="Title", body="Body")
            came = "posted"
        except (chat.NoSuchChannel, chat.NotTaken) as error:
            came = str(error)
        sys.stdout.write(f"{came}\n{server.said[:2]}\n{len(receiver.taken)}\n")

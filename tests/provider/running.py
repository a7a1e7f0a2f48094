"""Runs the provider, and drives it as a browser would."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.provider.provider_site import CLIENT, SECRET

__all__ = ["CLIENT", "SECRET", "RunningProvider", "provider_running"]

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass(slots=True)
class RunningProvider:
    """The provider's address, and what a test has it do."""

    issuer: str

    def people(self, **claims: dict[str, Any]) -> dict[str, str]:
        """Make people, or change what is said of them; gives everybody's subject."""
        return self._control({"people": claims})

    def lie(self, **how: Any) -> None:
        self._control({"lie": how})

    def deactivate(self, username: str) -> None:
        self._control({"without": username})

    def _control(self, said: dict[str, Any]) -> dict[str, str]:
        with _browser() as client:
            answer = client.post(f"{self.issuer}/control/", json=said)
        answer.raise_for_status()
        found: dict[str, str] = answer.json()["people"]
        return found

    def signs_in(self, address: str, username: str) -> httpx.Response:
        """Follow the portal's way to the provider, and sign in on its own page; gives its answer: where
        it sends the browser back, or a page of its own.
        """
        assert address.startswith(self.issuer)
        with _browser() as browser:
            answer = browser.get(address)
            while answer.is_redirect and answer.headers["location"].startswith(("/", self.issuer)):
                answer = browser.get(self._at(answer.headers["location"]))
            token = _TOKEN.search(answer.text)
            assert token, answer.text
            form = {
                "csrfmiddlewaretoken": token[1],
                "login": username,
                "password": f"{username}-password",
            }
            page = str(answer.url)
            answer = browser.post(page, data=form, headers={"referer": page})
            while answer.is_redirect and answer.headers["location"].startswith(("/", self.issuer)):
                answer = browser.get(self._at(answer.headers["location"]))
            return answer

    def _at(self, location: str) -> str:
        return location if location.startswith("http") else f"{self.issuer}{location}"


def _browser() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=10, verify=False)  # all is on loopback, without TLS


def way_back(answer: httpx.Response) -> str:
    """The path at the portal to which the provider sends the browser."""
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}"


@contextmanager
def provider_running(folder: Path, callback: str) -> Iterator[RunningProvider]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("provider_site.py")
    command = [sys.executable, str(script), str(port), str(folder), callback]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the provider didn't start"
        yield RunningProvider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()

"""A client that takes nothing holds up neither the session's end nor its recording."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from jitportal.models import Recording
from jitportal.operations import grants, recordings
from tests.connectors.ssh_orders import Client
from tests.connectors.ssh_target import SshFleet, alive, now
from tests.operations import ssh_rack
from tests.operations.ssh_sessions import (
    NOWHERE,
    SPOOL,
    configure,
    gone_within,
    left_behind,
    recorded,
    until,
)

#: What the session does: a child that has left it, and more output than anybody takes. The client's own
#: command line has the word backwards.
FLOOD = 'w=$(echo {word} | rev); setsid sh -c "sleep 300 # $w" & yes $w'


@pytest.fixture
def client(ssh_fleet: SshFleet, tmp_path: Path) -> Client:
    configure(ssh_fleet, NOWHERE, "none")
    return Client(ssh_fleet, tmp_path)


@contextmanager
def stalled(client: Client, certificate: str, word: str, *, terminal: bool) -> Iterator[None]:
    """A client that takes the first bytes and then no more: stopped, or writing into a full pipe."""
    options = ("-tt",) if terminal else ()
    command = client.ssh(certificate, FLOOD.format(word=word[::-1]), options=options)
    reader, writer = os.pipe()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, start_new_session=True
    )
    os.close(writer)
    try:
        assert os.read(reader, 10)
        if terminal:
            process.send_signal(signal.SIGSTOP)
        _until_still(client)
        yield
    finally:
        process.kill()
        process.wait(timeout=10)
        os.close(reader)


def _until_still(client: Client) -> None:
    """Everything between the session and its client is full: the recording grows no more."""
    size, since = -1, time.monotonic()
    while time.monotonic() < since + 0.6:
        now_size = int(client.fleet.inside("sh", "-c", "cat /var/lib/jit-session/*.cast | wc -c"))
        if now_size != size:
            size, since = now_size, time.monotonic()
        time.sleep(0.1)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_stalled_session_is_over_at_its_end(client: Client, terminal: bool) -> None:
    word = f"marker{uuid4().hex[:8]}"
    ends = now() + timedelta(seconds=5)
    with stalled(client, recorded(client, 5), word, terminal=terminal):
        assert len(alive(word)) >= 2
        time.sleep(max(0.0, (ends - now()).total_seconds()))
        gone_within(word, 2)
        finished = f"ls {SPOOL}/*.done 2>&1 || true"
        until(lambda: "No such file" not in client.fleet.inside("sh", "-c", finished), seconds=2)
        assert (now() - ends).total_seconds() < 3
        *_, note, last = left_behind(client.fleet)
    assert "time is over" in str(note[2])
    assert last[1:] == ["m", "exit -9"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("terminal", [True, False])
def test_a_stalled_session_hears_of_an_early_end(
    client: Client,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
    tmp_path: Path,
    terminal: bool,
) -> None:
    settings.RECORDINGS_DIR = tmp_path / "recordings"
    ssh_rack.attached(client.fleet, monkeypatch, live_server.url)
    grant, certificate = ssh_rack.granted(client)
    word = f"marker{uuid4().hex[:8]}"
    with stalled(client, certificate, word, terminal=terminal):
        until(Recording.objects.exists)
        assert len(alive(word)) >= 2
        grants.hand_back(actor=grant.person, grant=grant)
        gone_within(word, 2)
        whole = until(lambda: Recording.objects.filter(state="complete").first())
        assert whole
    assert "This access was ended: it was handed back" in recordings.path_of(whole).read_text()

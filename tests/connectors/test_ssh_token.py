"""The authority's key in a token, behind a real ssh-agent: neither the portal nor the agent ever holds it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.ssh_orders import Client, settings_of
from tests.connectors.ssh_target import TARGET, SshFleet, run

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
MODULE = next((path for path in MODULES if Path(path).exists()), "")
PROGRAMS = ("softhsm2-util", "pkcs11-tool", "ssh-agent", "ssh-add")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None] or ([] if MODULE else ["libsofthsm2"])

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} not installed (on Debian: softhsm2, opensc)."
)
PIN = "1234"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The socket of an agent that has a token with a key of its own, and the key's public line."""
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tokens}\n")
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho {PIN}\n")
    ask.chmod(0o700)
    socket = tmp_path / "agent"
    environment = {
        **os.environ,
        "SOFTHSM2_CONF": str(tmp_path / "softhsm2.conf"),
        "SSH_AUTH_SOCK": str(socket),
        "SSH_ASKPASS": str(ask),
        "SSH_ASKPASS_REQUIRE": "force",
    }

    def does(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
        return done.stdout

    does("softhsm2-util", "--init-token", "--free", "--label", "ca", "--pin", PIN, "--so-pin", "4321")
    key = ("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "ca")
    does("pkcs11-tool", "--module", MODULE, "--login", "--pin", PIN, *key)
    running = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket), "-P", f"{Path(MODULE).resolve().parent}/*"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not socket.exists():
            time.sleep(0.01)
        does("ssh-add", "-s", MODULE)
        yield socket, " ".join(does("ssh-add", "-L").split()[:2])
    finally:
        running.terminate()
        running.wait(timeout=10)


def test_a_token_signs_what_a_host_takes(
    ssh_fleet: SshFleet, agent: tuple[Path, str], tmp_path: Path
) -> None:
    socket, public = agent
    ssh_fleet.serve(TARGET)
    client = Client(ssh_fleet, tmp_path)
    settings = settings_of(
        ssh_fleet,
        ca_public_key=public,
        ca_key_secret="",
        ca_passphrase_secret="",
        ca_agent_socket=str(socket),
    )
    signed = client.certificate(client.order(), settings)
    assert run(client.ssh(signed, "true")).returncode == 255
    trusted = "/etc/ssh/jit-authority.pub"
    ssh_fleet.inside("sh", "-c", f"cp {trusted} {trusted}.kept; echo '{public}' >>{trusted}")
    try:
        assert run(client.ssh(signed, "id", "-un")).stdout == "rita\n"
    finally:
        ssh_fleet.inside("mv", f"{trusted}.kept", trusted)

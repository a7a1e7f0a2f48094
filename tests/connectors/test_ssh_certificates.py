"""What a real SSH host makes of the certificates: whom it lets in as whom, until when, and with what."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jitportal.connectors.base import TargetError
from jitportal.connectors.ssh.public_keys import UnusableKey, read_public_key
from jitportal.connectors.ssh.revocations import revocation_list
from tests.connectors.ssh_orders import Client, settings_of
from tests.connectors.ssh_target import PASSPHRASE, TARGET, SshFleet, keygen, make_key, now, run


@pytest.fixture
def client(ssh_fleet: SshFleet, tmp_path: Path) -> Client:
    ssh_fleet.serve(TARGET)
    ssh_fleet.take_list(listed(ssh_fleet, []))
    return Client(ssh_fleet, tmp_path)


def listed(fleet: SshFleet, serials: list[int]) -> bytes:
    key = read_public_key(fleet.authority)
    return revocation_list(key, serials, number=len(serials), made_at=now(), comment="test")


def lets_in(client: Client, certificate: str, login: str = "rita", options: tuple[str, ...] = ()) -> bool:
    return run(client.ssh(certificate, "true", login=login, options=options)).returncode == 0


def test_it_lets_in_for_one_login_one_entitlement_and_a_time(client: Client) -> None:
    assert lets_in(client, client.certificate())
    assert not lets_in(client, client.certificate(), login="remy")
    assert not lets_in(client, client.certificate(client.order(role="not-served-here")))
    assert not lets_in(client, client.certificate(client.order(seconds=-5)))
    assert not lets_in(client, client.certificate(client.order(begins=60)))
    assert lets_in(client, client.certificate(client.order(login="remy")), login="remy")
    assert lets_in(client, client.certificate(client.order(login_as="remy")), login="remy")


def test_it_lets_in_on_the_hosts_of_its_target_alone(client: Client) -> None:
    """Others may trust the same authority, and serve an entitlement of the same name."""
    certificate = client.certificate()
    client.fleet.serve("others")
    assert not lets_in(client, certificate)
    client.fleet.serve(TARGET)
    assert lets_in(client, certificate)


@pytest.mark.proof
def test_one_of_two_fleets_with_one_authority_refuses_the_other_s(client: Client, tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    for folder in list(tmp_path.parents)[:2]:
        folder.chmod(0o711)
    root = tmp_path / "second"
    root.mkdir(mode=0o711)
    second = SshFleet(root, target="others")
    for name in ("ca", "ca.pub"):
        (root / name).write_bytes((client.fleet.root / name).read_bytes())
    second.authority = client.fleet.authority
    second.start()
    try:
        there = Client(second, root)
        for mine, other in ((client, there), (there, client)):
            certificate = mine.certificate()
            assert lets_in(mine, certificate)
            assert run(other.fleet.ssh(mine.key, certificate, "true")).returncode == 255
            assert "Certificate does not contain an authorized principal" in other.fleet.logs()
    finally:
        second.stop()


def test_it_ends_to_the_second(client: Client) -> None:
    until = (now() + timedelta(seconds=2)).replace(microsecond=0)
    order = client.order(seconds=(until - now()).total_seconds())
    certificate = client.certificate(order)
    assert lets_in(client, certificate)
    while now() < order.valid_before.replace(microsecond=0):
        time.sleep(0.02)
    assert not lets_in(client, certificate)


def test_nothing_is_allowed_that_was_not_asked_for(client: Client) -> None:
    shown = keygen("-L", "-f", str(_kept(client, client.certificate())))
    assert "Critical Options: (none)" in shown
    assert "Extensions: (none)" in shown
    with_terminal = run(client.ssh(client.certificate(), "tty", options=("-tt",)))
    assert "PTY allocation request failed" in with_terminal.stderr
    asked = run(client.ssh(client.certificate(client.order(pty="yes")), "tty", options=("-tt",)))
    assert "/dev/pts/" in asked.stdout


def test_it_is_bound_to_addresses_where_the_role_says_so(client: Client) -> None:
    assert lets_in(client, client.certificate(client.order(source_address="127.0.0.0/8, 10.0.0.1")))
    assert not lets_in(client, client.certificate(client.order(source_address="10.0.0.0/8")))


def test_a_revoked_serial_is_refused_and_no_other(client: Client) -> None:
    bad, good = client.order(), client.order()
    first, second = client.certificate(bad), client.certificate(good)
    client.fleet.take_list(listed(client.fleet, [bad.serial, 2**63 - 1]))
    assert not lets_in(client, first)
    assert lets_in(client, second)


def test_ssh_keygen_reads_the_list_as_it_is_meant(client: Client, tmp_path: Path) -> None:
    orders = [client.order() for _ in range(3)]
    place = tmp_path / "list.krl"
    place.write_bytes(listed(client.fleet, [orders[0].serial, orders[2].serial]))
    answers = []
    for order in orders:
        asked = ["ssh-keygen", "-Q", "-f", str(place), str(_kept(client, client.certificate(order)))]
        answers.append(subprocess.run(asked, capture_output=True, check=False).returncode)
    assert answers == [1, 0, 1]
    empty = tmp_path / "empty.krl"
    empty.write_bytes(listed(client.fleet, []))
    assert keygen("-Q", "-f", str(empty), str(_kept(client, client.certificate()))).endswith("ok\n")


def test_another_authority_is_not_trusted(client: Client, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other", passphrase=PASSPHRASE)
    with pytest.raises(TargetError, match="isn't the one of ca_public_key"):
        client.certificate(settings=settings_of(client.fleet, ca_public_key=other))


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_keys_of_other_kinds_work_too(ssh_fleet: SshFleet, tmp_path: Path, kind: str) -> None:
    client = Client(ssh_fleet, tmp_path, kind=kind)
    assert read_public_key(client.public).line == client.public
    assert lets_in(client, client.certificate())


class TestAnAgentHoldsTheKey:
    """The portal never has it: a real ssh-agent signs."""

    @pytest.fixture
    def socket(self, ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
        place = tmp_path / "agent"
        agent = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not place.exists():
            time.sleep(0.01)
        copy = tmp_path / "ca"
        copy.write_text((ssh_fleet.root / "ca").read_text())
        copy.chmod(0o600)
        keygen("-q", "-p", "-P", PASSPHRASE, "-N", "", "-f", str(copy))
        environment = {**os.environ, "SSH_AUTH_SOCK": str(place)}
        subprocess.run(["ssh-add", "-q", str(copy)], env=environment, check=True)
        copy.unlink()
        yield place
        agent.terminate()
        agent.wait(timeout=10)

    def test_it_signs_the_same(self, client: Client, socket: Path) -> None:
        settings = settings_of(
            client.fleet, ca_key_secret="", ca_passphrase_secret="", ca_agent_socket=str(socket)
        )
        order = client.order(session="recorded", pty="yes", source_address="127.0.0.1/32")
        by_agent = keygen("-L", "-f", str(_kept(client, client.certificate(order, settings))))
        by_file = keygen("-L", "-f", str(_kept(client, client.certificate(order))))
        assert by_agent.splitlines()[1:] == by_file.splitlines()[1:]
        assert "force-command sudo -n /usr/local/sbin/jit-session" in by_agent
        assert lets_in(client, client.certificate(client.order(), settings))

    def test_one_without_the_key_says_so(self, client: Client, socket: Path) -> None:
        subprocess.run(
            ["ssh-add", "-q", "-D"],
            env={**os.environ, "SSH_AUTH_SOCK": str(socket)},
            check=True,
            capture_output=True,
        )
        settings = settings_of(
            client.fleet, ca_key_secret="", ca_passphrase_secret="", ca_agent_socket=str(socket)
        )
        with pytest.raises(TargetError, match="could not be used"):
            client.certificate(settings=settings)


def test_an_unencrypted_authority_is_refused(client: Client, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    line = make_key(plain)
    settings = settings_of(client.fleet, ca_public_key=line)
    bare = type(settings)(settings.key, settings.values, lambda _name: plain.read_text().strip())
    with pytest.raises(TargetError, match="isn't encrypted"):
        client.certificate(settings=bare)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Paste one line"),
        ("hello", "Paste one line"),
        ("ssh-ed25519 AAAA", "cut off"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "aren't certified"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "private key"),
        ("ssh-ed25519 " + "A" * 6_000, "5000 characters"),
        ("ssh-ed25519 AAAA\nssh-ed25519 AAAA", "Paste one line"),
        ('command="rm -rf /" ssh-ed25519 AAAA', "Paste one line"),
    ],
)
def test_what_is_no_public_key_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(UnusableKey, match=said):
        read_public_key(text)


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(tmp_path / "short"))
    with pytest.raises(UnusableKey, match="3072"):
        read_public_key((tmp_path / "short.pub").read_text())


def test_a_key_s_fingerprint_is_as_ssh_keygen_shows_it(tmp_path: Path) -> None:
    line = make_key(tmp_path / "key")
    shown = keygen("-l", "-f", str(tmp_path / "key.pub")).split()[1]
    assert read_public_key(f"{line} rita@laptop\n").fingerprint == shown
    assert read_public_key(f"{line} rita@laptop").comment == "rita@laptop"


def _kept(client: Client, certificate: str) -> Path:
    place = client.key.with_name("shown-cert.pub")
    place.write_text(f"{certificate}\n")
    return place

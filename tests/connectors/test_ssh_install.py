"""The host's script, run again and taken away, on a host of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jitportal.management.target_scripts import script
from tests.connectors.ssh_target import TARGET, SshFleet, why_no_ssh_server

WRITTEN = (
    "/etc/jit-session.conf",
    "/etc/pam.d/sshd",
    "/etc/ssh/jit-authority.pub",
    "/etc/ssh/jit-emergency",
    "/etc/ssh/jit-entitlements",
    "/etc/ssh/sshd_config.d/10-jitportal.conf",
    "/etc/sudoers.d/jit-session",
    "/usr/local/lib/jit-principals",
    "/usr/local/sbin/jit-krl",
    "/usr/local/sbin/jit-session",
    "/usr/local/sbin/jit-sign-in",
)


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshFleet]:
    if reason := why_no_ssh_server():
        pytest.skip(reason)
    fleet = SshFleet(tmp_path_factory.mktemp("installed"), token="the-host-s-own")
    fleet.start()
    yield fleet
    fleet.stop()


def again(host: SshFleet, shell: str = "sh") -> str:
    return (
        f"{shell} {host.root}/install.sh --portal http://127.0.0.1:9 --target {TARGET} "
        "--entitlements 'web-ops rescue-ops' --emergency emergency1 "
        f'--authority "$(cat {host.root}/ca.pub)" </dev/null 2>&1'
    )


def test_the_script_runs_again_without_a_token_and_goes_without_a_trace(host: SshFleet) -> None:
    host.inside("sed", "-i", "s/^largest = .*/largest = 4096/", "/etc/jit-session.conf")
    sums = host.inside("sha256sum", *WRITTEN)

    for shell in ("dash", "bash"):  # one of them is sh
        host.inside("sh", "-c", again(host, shell))
        assert host.inside("sha256sum", *WRITTEN) == sums
    conf = host.inside("cat", "/etc/jit-session.conf").splitlines()
    assert {"token = the-host-s-own", "largest = 4096", "without_delivery = continue"} <= set(conf)

    (host.root / "uninstall.sh").write_text(script("ssh", uninstall=True))
    host.inside("sh", f"{host.root}/uninstall.sh")
    left = host.inside(
        "find", "/etc", "/usr/local", "/var/lib", "-name", "*jit-*", "-o", "-name", "*jitportal*"
    )
    assert left.split() == []
    assert "jit-sign-in" not in host.inside("cat", "/etc/pam.d/sshd")
    refused = host.inside("sh", "-c", f"! {again(host)}")
    assert "Give this host's token on standard input." in refused

"""A real fleet of one host: sshd on loopback, prepared by the script that an operator runs.

It lives in namespaces of its own, with copies of /etc and /usr/local: users, sudoers and sshd's settings
are the real ones there, and nothing of them is seen outside or left behind.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from jitportal.management.target_scripts import script

PASSPHRASE = "a passphrase of the authority's"
TARGET = "fleet"
PROGRAMS = ("sshd", "ssh", "ssh-keygen", "sudo", "unshare", "nsenter", "setpriv", "runuser")
PORTS = range(21_000, 30_000)


def why_no_ssh_server() -> str | None:
    """Why the tests with a real SSH server can't run here; None: they can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"{', '.join(missing)} not installed (on Debian: openssh-server, openssh-client, sudo)."
    if os.geteuid() != 0:
        return "Only root can start an SSH server that lets others in."
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else "This machine forbids namespaces of one's own."


def keygen(*arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run(["ssh-keygen", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def make_key(path: Path, *, passphrase: str = "", kind: str = "ed25519") -> str:
    """A key pair; its public line, without the comment."""
    # One round of its slow hash opens it in a moment: nobody guesses at the passphrase here.
    keygen("-q", "-t", kind, "-a", "1", "-N", passphrase, "-C", "", "-f", str(path))
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


_SETUP = r"""
set -eu
mount --make-rprivate /
cp -a /etc {root}/etc; cp -a /usr/local {root}/local
mount --bind {root}/etc /etc
mount --bind {root}/local /usr/local
for place in /var/lib /home /run; do mount -t tmpfs -o mode=755 none $place; done
mkdir -p /run/sshd
rm -f /etc/resolv.conf.x /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
for user in rita remy emergency1; do useradd --password '*' --create-home --shell /bin/bash $user; done
cat >/etc/ssh/sshd_config <<END
Include /etc/ssh/sshd_config.d/*.conf
Port {port}
ListenAddress 127.0.0.1
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
UseDNS no
Subsystem sftp internal-sftp
END
sh {root}/install.sh --portal {portal} --target {target} --entitlements 'web-ops rescue-ops' \
    --emergency 'emergency1' --authority "$(cat {root}/ca.pub)" <{root}/token >{root}/install.log 2>&1
exec /usr/sbin/sshd -D -E {root}/sshd.log
"""


class SshFleet:
    """One host, and the keys of the authority that it trusts."""

    def __init__(
        self, root: Path, *, portal: str = "http://127.0.0.1:9", token: str = "none", target: str = TARGET
    ) -> None:
        self.root = root
        self.port = _free_port()
        self.target = target
        self.authority = make_key(root / "ca", passphrase=PASSPHRASE)
        self._portal, self._token = portal, token
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.root / "install.sh").write_text(script("ssh"))
        (self.root / "token").write_text(self._token)
        text = _SETUP.format(root=self.root, port=self.port, portal=self._portal, target=self.target)
        with (self.root / "setup.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "unshare",
                    "--mount",
                    "--pid",
                    "--fork",
                    "--kill-child=KILL",
                    "--mount-proc",
                    "sh",
                    "-c",
                    text,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={
                    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "LC_ALL": "C.UTF-8",
                },
                start_new_session=True,
            )
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(self.logs())
        if self._process.poll() is not None:
            raise RuntimeError(self.logs())
        self.host_key = self.inside("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
        (self.root / "known_hosts").write_text(f"[127.0.0.1]:{self.port} ssh-ed25519 {self.host_key}\n")

    def stop(self) -> None:
        """Everything in the host's namespace dies with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)

    def logs(self) -> str:
        names = ("setup.log", "install.log", "sshd.log")
        return "\n".join(
            f"== {name}\n{(self.root / name).read_text(errors='replace')}"
            for name in names
            if (self.root / name).exists()
        )

    def inside(self, *command: str) -> str:
        """What a command of root's says on the host."""
        assert self._process is not None
        child = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0]
        done = subprocess.run(
            ["nsenter", "--target", child, "--mount", "--pid", "--", *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def serve(self, target: str) -> None:
        """Belong to this target from now on."""
        if target != self.target:
            self.target = target
            self.inside("sed", "-i", f"s|.*/|{target}/|", "/etc/ssh/jit-entitlements")

    def settings(self) -> dict[str, str]:
        """What a policy would say of it."""
        return {
            "ca_public_key": self.authority,
            "ca_key_secret": "JITPORTAL_TARGET_FLEET_CA",
            "ca_passphrase_secret": "JITPORTAL_TARGET_FLEET_PASSPHRASE",
            "hosts": "127.0.0.1",
            "port": str(self.port),
        }

    def secret(self, name: str) -> str:
        known = {
            "JITPORTAL_TARGET_FLEET_CA": (self.root / "ca").read_text().strip(),
            "JITPORTAL_TARGET_FLEET_PASSPHRASE": PASSPHRASE,
        }
        return known[name]

    def take_list(self, listed: bytes) -> None:
        """What jit-krl does with a list that it has fetched."""
        new = self.root / "new.krl"
        new.write_bytes(listed)
        keygen("-Q", "-l", "-f", str(new))
        self.inside(
            "sh",
            "-c",
            f"cp {new} /etc/ssh/.new && chmod 644 /etc/ssh/.new && mv /etc/ssh/.new /etc/ssh/jit-revoked.krl",
        )

    def ssh(
        self, key: Path, certificate: str, *command: str, login: str = "rita", options: tuple[str, ...] = ()
    ) -> list[str]:
        """The command line of a client with this key and certificate."""
        held = key.with_name(f"{key.name}-{abs(hash(certificate))}-cert.pub")
        held.write_text(f"{certificate}\n")
        return [
            "ssh",
            *("-F", "none", "-p", str(self.port), "-i", str(key), "-o", f"CertificateFile={held}"),
            *("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "IdentityAgent=none"),
            *("-o", f"UserKnownHostsFile={self.root / 'known_hosts'}", "-o", "LogLevel=ERROR"),
            *options,
            f"{login}@127.0.0.1",
            *command,
        ]


def run(command: list[str], *, seconds: float = 20, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, input=stdin, check=False)


def alive(word: str) -> list[int]:
    """The processes, anywhere on this machine, that have the word in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if word.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def now() -> datetime:
    return datetime.now(UTC)


def _free_port() -> int:
    for port in random.sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("There is no free port.")

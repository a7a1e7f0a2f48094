"""Signing: with a key from an encrypted file, or by an ssh-agent that never gives its key away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_key,
)

from jitportal.connectors.base import TargetError, Unreachable
from jitportal.connectors.ssh.orders import FORCED_COMMAND, Terms, principal_of, read_terms
from jitportal.connectors.ssh.public_keys import PublicKey, UnusableKey, read_public_key
from jitportal.connectors.ssh.settings import SshSettings
from jitportal.rules.vocabulary import CertificateOrder

AGENT_SECONDS = 6.0
CaKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


class Authority(Protocol):
    """Whatever signs."""

    def sign(self, order: CertificateOrder) -> str:
        """The certificate, as one line of text. Raises ``TargetError``."""
        ...

    def check(self) -> None:
        """Raises ``TargetError`` where signing would fail."""
        ...


def authority_for(target: str, settings: SshSettings, secrets: Callable[[str], str]) -> Authority:
    """What signs for the target of this key."""
    if settings.ca_agent_socket:
        return AgentAuthority(target, settings)
    return FileAuthority(target, settings, secrets)


class FileAuthority:
    """The key is opened for each signature, and forgotten."""

    def __init__(self, target: str, settings: SshSettings, secrets: Callable[[str], str]) -> None:
        self._target = target
        self._settings = settings
        self._secrets = secrets

    def sign(self, order: CertificateOrder) -> str:
        key = self._key()
        terms = read_terms(order.lease.options)
        builder = (
            SSHCertificateBuilder()
            .public_key(load_ssh_public_key(order.public_key.encode()))  # type: ignore[arg-type] # checked when it was read
            .serial(order.serial)
            .type(SSHCertificateType.USER)
            .key_id(order.key_id.encode())
            .valid_principals([principal_of(order.lease, self._target).encode()])
            .valid_after(int(order.valid_after.timestamp()))
            .valid_before(int(order.valid_before.timestamp()))
        )
        for extension in terms.extensions:
            builder = builder.add_extension(extension, b"")
        if terms.recorded:
            builder = builder.add_critical_option(b"force-command", FORCED_COMMAND.encode())
        if terms.source_addresses:
            builder = builder.add_critical_option(
                b"source-address", ",".join(terms.source_addresses).encode()
            )
        return builder.sign(key).public_bytes().decode()

    def check(self) -> None:
        self._key()

    def _key(self) -> CaKey:
        settings = self._settings
        text, passphrase = self._secrets(settings.ca_key_secret), self._secrets(settings.ca_passphrase_secret)
        if _is_plain(text):
            raise TargetError(
                f"The authority's key in {settings.ca_key_secret} isn't encrypted: give it a passphrase with "
                "ssh-keygen -p -f and its file.",
                permanent=True,
            )
        try:
            key = load_ssh_private_key(f"{text}\n".encode(), passphrase.encode())
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise TargetError(
                f"The authority's key in {settings.ca_key_secret} can't be opened: look whether it is "
                "a private "
                f"key of ssh-keygen's, and whether {settings.ca_passphrase_secret} is its passphrase.",
                permanent=True,
            ) from error
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey):
            raise TargetError("The authority's key must be Ed25519, ECDSA or RSA.", permanent=True)
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        if public != settings.ca_public_key.line:
            raise TargetError(
                f"The key in {settings.ca_key_secret} isn't the one of ca_public_key, which the hosts trust.",
                permanent=True,
            )
        return key


class AgentAuthority:
    """``ssh-keygen`` builds the certificate and has the agent sign it: the key stays where it is."""

    def __init__(self, target: str, settings: SshSettings) -> None:
        self._target = target
        self._socket = settings.ca_agent_socket
        self._public: PublicKey = settings.ca_public_key

    def sign(self, order: CertificateOrder) -> str:
        terms = read_terms(order.lease.options)
        with tempfile.TemporaryDirectory(prefix="jit-sign-") as folder:
            place = Path(folder)
            (place / "ca.pub").write_text(f"{self._public.line}\n", encoding="ascii")
            (place / "user.pub").write_text(f"{order.public_key}\n", encoding="ascii")
            self._run(
                "ssh-keygen",
                *("-q", "-Us", "ca.pub", "-I", order.key_id, "-n", principal_of(order.lease, self._target)),
                *("-z", str(order.serial), "-V", f"{_stamp(order.valid_after)}:{_stamp(order.valid_before)}"),
                *_options(terms),
                "user.pub",
                folder=place,
            )
            return (place / "user-cert.pub").read_text(encoding="ascii").strip()

    def check(self) -> None:
        listed = self._run("ssh-add", "-L")
        for line in listed.splitlines():
            try:
                if read_public_key(line).line == self._public.line:
                    return
            except UnusableKey:
                continue
        raise TargetError(
            f"The agent at {self._socket} doesn't hold the authority's key "
            f"{self._public.fingerprint}: add it "
            "with ssh-add, or put the token in.",
            permanent=True,
        )

    def _run(self, name: str, *arguments: str, folder: Path | None = None) -> str:
        program = shutil.which(name)
        if program is None:
            raise TargetError(
                f"{name} isn't installed where the portal runs: install openssh-client.", permanent=True
            )
        environment = {
            "SSH_AUTH_SOCK": self._socket,
            "TZ": "UTC",
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(  # noqa: S603 - our own command line, without a shell
                [program, *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=AGENT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unreachable(
                f"The agent at {self._socket} didn't answer within {AGENT_SECONDS:.0f} seconds: look "
                "whether it "
                "waits for a touch or a passphrase."
            ) from error
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).split())[:300]
            raise Unreachable(f"The agent at {self._socket} could not be used: {said or 'no answer'}.")
        return done.stdout


def _is_plain(text: str) -> bool:
    try:
        load_ssh_private_key(f"{text}\n".encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}"


def _options(terms: Terms) -> list[str]:
    """Without ``clear``, ssh-keygen would permit everything."""
    said = ["clear", *(name.decode() for name in terms.extensions)]
    if terms.recorded:
        said.append(f"force-command={FORCED_COMMAND}")
    if terms.source_addresses:
        said.append(f"source-address={','.join(terms.source_addresses)}")
    return [part for option in said for part in ("-O", option)]

"""A certificate as its holder uses it: the commands to copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jitportal.models import Grant, Lease, SshCertificate
from jitportal.operations import connecting


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate, how to save it, and how to get in with it."""

    certificate: SshCertificate
    file_name: str
    save: str
    connect: str


def shown(grant: Grant, certificates: Sequence[SshCertificate]) -> Shown | None:
    """The newest of the certificates; None: there is none."""
    if not certificates or grant.lease is None:
        return None
    newest, name = certificates[0], file_name(grant.lease)
    save = f"cat >{name} <<'END'\n{newest.text}\nEND"
    return Shown(newest, name, save, connecting.instructions(grant))


def file_name(lease: Lease) -> str:
    return f"{lease.handle}-cert.pub"

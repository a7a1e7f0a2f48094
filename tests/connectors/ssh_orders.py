"""Certificates for the tests' own host, signed as the portal signs them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

from jitportal.connectors.base import TargetSettings
from jitportal.connectors.ssh.authority import authority_for
from jitportal.connectors.ssh.settings import read_settings
from jitportal.rules.vocabulary import CertificateOrder, LeaseOrder
from tests.connectors.ssh_target import SshFleet, make_key, now

_leases = count(1_000)


def settings_of(fleet: SshFleet, **changes: str) -> TargetSettings:
    values = {key: value for key, value in {**fleet.settings(), **changes}.items() if value}
    return TargetSettings(fleet.target, values, fleet.secret)


class Client:
    """Somebody with a key of their own."""

    def __init__(self, fleet: SshFleet, folder: Path, *, kind: str = "ed25519") -> None:
        self.fleet = fleet
        self.key = folder / "id"
        self.public = make_key(self.key, kind=kind)

    def order(
        self,
        *,
        seconds: float = 300,
        begins: float = -30,
        login: str = "rita",
        role: str = "web-ops",
        **options: str,
    ) -> CertificateOrder:
        lease_id = next(_leases)
        until = now() + timedelta(seconds=seconds)
        lease = LeaseOrder(lease_id, f"jit-{lease_id}", 1, login, role, until, options)
        return CertificateOrder(
            lease,
            lease_id << 16 | 1,
            f"jit-{lease_id}/1 rita",
            self.public,
            now() + timedelta(seconds=begins),
            until,
        )

    def certificate(
        self, order: CertificateOrder | None = None, settings: TargetSettings | None = None
    ) -> str:
        settings = settings or settings_of(self.fleet)
        return authority_for(settings.key, read_settings(settings), settings.secrets).sign(
            order or self.order()
        )

    def ssh(
        self, certificate: str, *command: str, login: str = "rita", options: tuple[str, ...] = ()
    ) -> list[str]:
        return self.fleet.ssh(self.key, certificate, *command, login=login, options=options)


ClientMaker = Callable[..., Client]

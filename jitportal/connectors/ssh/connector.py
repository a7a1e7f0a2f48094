"""SSH hosts as a target: see ``docs/targets-ssh.md``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from jitportal.connectors.base import (
    RoleOnTarget,
    Superseded,
    TargetError,
    TargetSettings,
    Unreachable,
)
from jitportal.connectors.ssh import checkup
from jitportal.connectors.ssh.authority import authority_for
from jitportal.connectors.ssh.checkup import HostReport
from jitportal.connectors.ssh.orders import login_of, malformed, read_terms
from jitportal.connectors.ssh.revocations import revocation_list
from jitportal.connectors.ssh.settings import read_settings
from jitportal.rules.vocabulary import (
    CertificateOrder,
    Enforcement,
    EnforcementPlan,
    Health,
    Holder,
    Holding,
    LeaseOrder,
    Presence,
    Refusal,
    Secret,
)

#: From the end to the last process of a recorded session killed, by the host itself.
WRAPPER_RESIDUAL = timedelta(seconds=2)


@runtime_checkable
class CertificateLedger(Protocol):
    """What the portal hands in: what it has signed, which no host could be asked."""

    def entitles(self, lease_id: int) -> datetime | None:
        """Until when grants entitle to the lease, so that certificates may be signed; None: not now."""
        ...

    def outstanding(self, lease_id: int) -> Sequence[datetime]:
        """The ends of the lease's certificates that are neither over nor revoked."""
        ...

    def revoke(self, order: LeaseOrder, *, beyond: datetime | None) -> None:
        """Revoke what was signed past this end; None: all. Raises ``Superseded`` for an old claim."""
        ...

    def revoked(self, lease_id: int) -> int:
        """How many of the lease's certificates are on the revocation list."""
        ...

    def holders(self) -> list[Holder]:
        """Everybody who holds an entitlement through a grant."""
        ...

    def hosts(self) -> list[HostReport]:
        """What each host of the fleet last said of itself."""
        ...


class SshConnector:
    """An authority that signs for a fleet. No host is called: they trust it, and ask it themselves."""

    fences = True
    reveals = False

    def __init__(self, settings: TargetSettings) -> None:
        """Raises TargetError (permanent) when the settings can't be used."""
        self._settings = read_settings(settings)
        if not isinstance(settings.reader, CertificateLedger):
            raise TargetError("An SSH target needs the portal's ledger of certificates.", permanent=True)
        self._ledger = settings.reader
        self._authority = authority_for(settings.key, self._settings, settings.secrets)
        self._key = settings.key

    def grant(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return [malformed(order) or self._bounded(order, order.until) for order in orders]

    def revoke(self, orders: Sequence[LeaseOrder]) -> list[Holding | Refusal]:
        return [self._bounded(order, None) for order in orders]

    def observe(self, orders: Sequence[LeaseOrder]) -> list[Holding]:
        return [self._holding(order) for order in orders]

    def holders(self) -> list[Holder] | None:
        return self._ledger.holders()

    def check(self, *, portal_now: Callable[[], datetime]) -> Health:
        portal_now()
        problems: list[str] = []
        reachable = rights = True
        try:
            self._authority.check()
        except TargetError as error:
            reachable, rights = not isinstance(error, Unreachable), False
            problems.append(str(error))
        problems += checkup.host_problems(self._settings.ca_public_key, self._ledger.hosts())
        # A certificate's end is in the certificate: nothing has to run for hosts to keep to it.
        return Health(reachable, rights, expiry_armed=True, skew=None, problems=tuple(problems))

    def plan(self, role: RoleOnTarget) -> EnforcementPlan:
        if read_terms(role.options).recorded:
            return EnforcementPlan(
                Enforcement.TARGET_CUTS,
                WRAPPER_RESIDUAL,
                "The host itself ends the session and everything begun in it, at the end that its "
                "certificate "
                "has, even when the portal is down. Output is recorded. When the access is ended early, the "
                "session ends as soon as the host hears of it, which takes seconds while the portal is up.",
            )
        return EnforcementPlan(
            Enforcement.TARGET_REFUSES,
            None,
            "After the end the hosts take the certificate no longer, even when the portal is down. A session "
            "that is open then stays open until its user leaves. When the access is ended early, "
            "hosts refuse "
            "the certificate once they have fetched the revocation list, which they do every minute.",
        )

    def instructions(self, order: LeaseOrder) -> str:
        settings = self._settings
        port = f" -p {settings.port}" if settings.port != 22 else ""
        terminal = " -t" if b"permit-pty" in read_terms(order.options).extensions else ""
        where = shlex.quote(f"{login_of(order)}@{settings.hosts[0]}")
        return f"ssh{terminal}{port} -o CertificateFile={order.handle}-cert.pub -i ~/.ssh/id_ed25519 {where}"

    def reveal(self, order: LeaseOrder) -> Secret:
        raise TargetError(
            "SSH access has no password: get a certificate for your own key instead.", permanent=True
        )

    # What certificates need beside the protocol: see ``connectors.base.Certifying``

    def certify(self, order: CertificateOrder) -> str:
        if refused := malformed(order.lease):
            raise TargetError(refused.message, permanent=True)
        return self._authority.sign(order)

    def authority_line(self) -> str:
        return self._settings.ca_public_key.line

    def revocation_list(self, serials: Sequence[int], *, number: int, made_at: datetime) -> bytes:
        return revocation_list(
            self._settings.ca_public_key, serials, number=number, made_at=made_at, comment=self._key
        )

    def _bounded(self, order: LeaseOrder, until: datetime | None) -> Holding | Refusal:
        try:
            self._ledger.revoke(order, beyond=until)
        except Superseded as late:
            return Refusal(order.handle, str(late), superseded=True)
        return self._holding(order)

    def _holding(self, order: LeaseOrder) -> Holding:
        out = self._ledger.outstanding(order.lease_id)
        ends = [until for until in (self._ledger.entitles(order.lease_id), *out) if until is not None]
        if malformed(order) or not ends:
            return Holding(order.handle, Presence.ABSENT, detail=self._absence(order))
        count = f"{len(out)} certificate{'' if len(out) == 1 else 's'}"
        detail = f"{count} signed and in force for {login_of(order)} with {order.entitlement}."
        return Holding(order.handle, Presence.PRESENT, max(ends), detail=detail)

    def _absence(self, order: LeaseOrder) -> str:
        listed = self._ledger.revoked(order.lease_id)
        if not listed:
            return "No certificate is in force."
        said = f"No certificate is in force: {listed} on the revocation list"
        return f"{said}, which each host fetches every minute."

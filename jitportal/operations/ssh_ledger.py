"""What the portal hands to SSH targets: the certificates that it has signed, and its hosts' own words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jitportal.audit.bulk import change_many
from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.connectors.base import Superseded
from jitportal.connectors.ssh.checkup import HostReport
from jitportal.models import Grant, Lease, SshCertificate, SshHost, Target
from jitportal.operations import clock, wants
from jitportal.operations.transaction import operation
from jitportal.rules.vocabulary import Holder, LeaseOrder


class CertificatesOfTarget:
    """A target's certificates: which are in force, and which were revoked before their end."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def entitles(self, lease_id: int) -> datetime | None:
        """Until when grants entitle to the lease; None: none does now."""
        lease = Lease.objects.get(pk=lease_id)
        return wants.wanted_until(wants.spans_of([lease]).get(lease.pk, []), clock.now())

    def outstanding(self, lease_id: int) -> Sequence[datetime]:
        """The ends of the lease's certificates that are neither over nor revoked."""
        rows = SshCertificate.objects.usable(clock.now()).filter(lease=lease_id)
        return list(rows.values_list("valid_before", flat=True))

    def revoked(self, lease_id: int) -> int:
        """How many are on the revocation list that hosts fetch."""
        rows = SshCertificate.objects.filter(lease=lease_id, revoked_at__isnull=False)
        return rows.filter(valid_before__gt=clock.now()).count()

    def revoke(self, order: LeaseOrder, *, beyond: datetime | None) -> None:
        """Revoke the lease's certificates that end later; None: all that are in force.

        Raises ``Superseded`` when the lease has been claimed anew since the order was made.
        """
        actor = system()
        with operation(actor):
            lease = Lease.objects.select_for_update(of=("self",), no_key=True).get(pk=order.lease_id)
            if order.claim < lease.claim:
                raise Superseded("A later order for this lease was made: this one comes too late.")
            now = clock.now()
            rows = SshCertificate.objects.usable(now).filter(lease=lease)
            if beyond is not None:
                rows = rows.filter(valid_before__gt=beyond)
            out = list(rows.select_for_update(of=("self",), no_key=True).select_related("issued_to"))
            change_many([(certificate, {"revoked_at": now}) for certificate in out], actor)
            for certificate in out:
                record(
                    verb="certificate.revoked",
                    actor=actor,
                    sentence=_revoked_sentence(certificate),
                    now=now,
                    person=certificate.issued_to,
                    lease=lease,
                    target=self._target,
                    data={"serial": str(certificate.serial)},
                )

    def holders(self) -> list[Holder]:
        """Everybody who holds an entitlement through a grant."""
        grants = Grant.objects.in_force(clock.now()).filter(role__target=self._target)
        return [
            Holder(grant.account, grant.lease.entitlement, grant.ends_at, grant.lease.handle)
            for grant in grants.select_related("lease")
            if grant.lease is not None
        ]

    def hosts(self) -> list[HostReport]:
        """What each host of the fleet last said of itself."""
        now = clock.now()
        return [
            HostReport(
                name=host.name,
                ago=now - host.seen_at if host.seen_at else None,
                skew=timedelta(milliseconds=host.skew_milliseconds)
                if host.skew_milliseconds is not None
                else None,
                facts={str(key): str(value) for key, value in host.report.items()},
            )
            for host in SshHost.objects.filter(target=self._target, removed_at__isnull=True).order_by("name")
        ]


def _revoked_sentence(certificate: SshCertificate) -> str:
    return f"Certificate {certificate.key_id} of {certificate.issued_to} is on the revocation list."

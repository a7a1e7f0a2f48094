"""What the portal hands to the connectors that ask the portal itself."""

from __future__ import annotations

from datetime import datetime

from jitportal.audit.system import system
from jitportal.connectors.base import Superseded
from jitportal.models import Grant, Lease, ManualTask, Person, Target
from jitportal.operations import clock, notices, wants
from jitportal.operations.ssh_ledger import CertificatesOfTarget
from jitportal.operations.transaction import operation
from jitportal.rules.vocabulary import Holder, LeaseOrder, Presence


def reader_for(target: Target) -> object | None:
    """The reader that this target's connector takes; None: it takes none."""
    if target.connector == "portal":
        return PortalGrants(target)
    if target.connector == "manual":
        return ManualWork(target)
    if target.connector == "ssh":
        return CertificatesOfTarget(target)
    return None


class PortalGrants:
    """Which of the portal's own powers are held: read from the grants by the clock."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def entitles(self, lease_id: int) -> datetime | None:
        """Until when grants entitle to the lease; None: none does now."""
        lease = Lease.objects.get(pk=lease_id)
        spans = wants.spans_of([lease])
        return wants.wanted_until(spans.get(lease.pk, []), clock.now())

    def holders(self) -> list[Holder]:
        """Everybody who holds one of the powers through a grant."""
        grants = Grant.objects.in_force(clock.now()).filter(role__target=self._target)
        return [
            Holder(grant.account, grant.lease.entitlement, grant.ends_at, grant.lease.handle)
            for grant in grants.select_related("lease")
            if grant.lease is not None
        ]


class ManualWork:
    """The work that a person carries out on a target and confirms."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def ask(self, order: LeaseOrder, *, wanted: bool) -> Presence:
        """Have it done, if that hasn't been asked yet; what a person has confirmed so far.

        Raises ``Superseded`` when the lease has been claimed anew since the order was made.
        """
        actor = system()
        with operation(actor):
            lease = Lease.objects.select_for_update(of=("self",), no_key=True).get(pk=order.lease_id)
            if order.claim < lease.claim:
                raise Superseded("A later order for this lease was made: this one comes too late.")
            now = clock.now()
            last = lease.manual_tasks.filter(done_at__isnull=False).order_by("-done_at", "-pk").first()
            given = last is not None and last.wanted
            pending = lease.manual_tasks.filter(done_at__isnull=True, dropped_at__isnull=True).first()
            if pending is not None and (pending.wanted != wanted or given == wanted):
                pending.dropped_at = now
                pending.save(update_fields=["dropped_at"])
                pending = None
            if given == wanted:
                return Presence.PRESENT if wanted else Presence.ABSENT
            if pending is None:
                self._open(lease, order, actor, now, wanted=wanted)
            return Presence.WAITING

    def observe(self, order: LeaseOrder) -> Presence:
        """What a person has confirmed so far, asking for nothing."""
        lease = Lease.objects.get(pk=order.lease_id)
        if lease.manual_tasks.filter(done_at__isnull=True, dropped_at__isnull=True).exists():
            return Presence.WAITING
        last = lease.manual_tasks.filter(done_at__isnull=False).order_by("-done_at", "-pk").first()
        return Presence.PRESENT if last is not None and last.wanted else Presence.ABSENT

    def _open(self, lease: Lease, order: LeaseOrder, actor: Person, now: datetime, *, wanted: bool) -> None:
        task = ManualTask.objects.create(lease=lease, wanted=wanted, until=order.until, asked_at=now)
        doing = "Give" if wanted else "Take away"
        owners = {
            grant.role.owner for grant in lease.grants.select_related("role__owner") if grant.role.owner
        }
        carriers = self._target.settings.get("carriers", "").replace(",", " ").split()
        notices.notify(
            recipients=[*owners, *Person.objects.active().filter(username__in=carriers)],
            kind="manual_task",
            key=str(task.pk),
            subject=f"{doing} {lease.entitlement} on {self._target.name}",
            body=f"{doing} {lease.entitlement} for {lease.account} on {self._target.name}, then confirm it.",
            path=f"/tasks/{task.pk}/",
            now=now,
            actor=actor,
        )

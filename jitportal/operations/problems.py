"""What is wrong now: removals and provisioning that fail or are late, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from jitportal.audit.bulk import change_many
from jitportal.audit.events import draft, record, record_many
from jitportal.audit.system import system
from jitportal.models import Grant, Lease, Person
from jitportal.operations import clock, notices, power_holders, wants
from jitportal.operations.facts import require
from jitportal.operations.transaction import operation
from jitportal.rules.permissions import Verb
from jitportal.rules.vocabulary import GrantStatus, Power, Presence

#: A removal that isn't confirmed this long after the end pages somebody.
PAGE_AFTER = timedelta(seconds=60)
#: Provisioning that takes longer than this is shown.
SLOW = timedelta(seconds=10)
BATCH = 200


@dataclass(frozen=True, slots=True)
class LeaseProblem:
    """A lease that isn't as wanted, with the grants behind it. ``since``: from when it should have been."""

    lease: Lease
    grants: tuple[Grant, ...]
    removal: bool
    since: datetime
    late: bool


def problems(now: datetime, limit: int = BATCH) -> list[LeaseProblem]:
    """Late removals first, then other removals, then provisioning; the oldest first in each."""
    stuck = Grant.objects.filter(
        Q(status=GrantStatus.REMOVING)
        | Q(status=GrantStatus.PROVISIONING, starts_at__lte=now - SLOW)
        | Q(status__in=[GrantStatus.PROVISIONING, GrantStatus.ACTIVE], lease__failing_since__isnull=False)
    ).select_related("lease__target", "person", "role", "scope")
    by_lease: dict[int, list[Grant]] = {}
    # Databases disagree on where nothing sorts, and what provisions mustn't crowd the removals out.
    oldest_first = stuck.order_by(F("stopped_at").asc(nulls_last=True), "starts_at")
    for grant in oldest_first[: 5 * limit]:
        by_lease.setdefault(grant.lease_id or 0, []).append(grant)
    found = [problem for grants in by_lease.values() if (problem := _problem(grants, now))]
    found.sort(key=lambda problem: (not problem.late, not problem.removal, problem.since))
    return found[:limit]


def _problem(grants: list[Grant], now: datetime) -> LeaseProblem | None:
    lease = grants[0].lease
    if lease is None:
        return None
    stopped = [
        grant.stopped_at for grant in grants if grant.status == GrantStatus.REMOVING and grant.stopped_at
    ]
    if stopped:
        since = min(stopped)
        if lease.failing_since is None and now - since < SLOW:
            return None
        return LeaseProblem(lease, tuple(grants), removal=True, since=since, late=now - since > PAGE_AFTER)
    since = min(grant.starts_at for grant in grants if grant.starts_at)
    return LeaseProblem(lease, tuple(grants), removal=False, since=since, late=False)


def overdue_removal_age(now: datetime) -> timedelta | None:
    """How long ago the oldest removal that isn't confirmed should have been; None: there is none.

    What waits for a person to carry it out isn't counted: the portal has done its part.
    """
    oldest = (
        Grant.objects.filter(status=GrantStatus.REMOVING, stopped_at__lte=now)
        .exclude(lease__presence=Presence.WAITING)
        .order_by("stopped_at")
        .values_list("stopped_at", flat=True)
        .first()
    )
    expired = (
        Grant.objects.filter(status__in=[GrantStatus.PROVISIONING, GrantStatus.ACTIVE], ends_at__lte=now)
        .order_by("ends_at")
        .values_list("ends_at", flat=True)
        .first()
    )
    moments = [moment for moment in (oldest, expired) if moment is not None]
    return now - min(moments) if moments else None


def retry(*, actor: Person, lease: Lease) -> Lease:
    """Have the worker try the lease again now. Raises ``NotAllowed``."""
    with operation(actor):
        require(Verb.LEASE_RETRY, actor, lease)
        lease = (
            Lease.objects.select_for_update(of=("self",), no_key=True)
            .select_related("target")
            .get(pk=lease.pk)
        )
        now = clock.now()
        lease.attempts = 0
        lease.due_at = now
        lease.save(update_fields=["attempts", "due_at"])
        record(
            verb="lease.retried",
            actor=actor,
            sentence=f"{actor} had {lease.entitlement} for {lease.account} on {lease.target} tried again.",
            now=now,
            lease=lease,
            target=lease.target,
        )
        wants.forget_backoff(lease.target)
        wants.hint(lease.target_id)
        return lease


def page_late() -> int:
    """Tell the operators and the roles' owners of each removal that is late, once; returns how many."""
    actor = system()
    with operation(actor):
        now = clock.now()
        late = (
            Lease.objects.filter(paged_at__isnull=True)
            .exclude(presence=Presence.ABSENT, open_sessions=0)
            .filter(grants__status=GrantStatus.REMOVING, grants__stopped_at__lte=now - PAGE_AFTER)
            .distinct()
            .values_list("pk", flat=True)[:BATCH]
        )
        leases = list(
            Lease.objects.filter(pk__in=list(late))
            .select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("target")
            .order_by("pk")
        )
        change_many([(lease, {"paged_at": now}) for lease in leases], actor)
        told = operators(now)
        for lease in leases:
            _page(lease, told, actor, now)
        return len(leases)


def operators(now: datetime) -> list[Person]:
    """Who operates the portal: those who hold the power now, or else those who could ask for it."""
    powers = (Power.OPERATOR, Power.ADMINISTRATOR)
    return power_holders.holders(powers, now) or power_holders.could_ask(powers)


def _page(lease: Lease, told: list[Person], actor: Person, now: datetime) -> None:
    grants = list(
        lease.grants.filter(status=GrantStatus.REMOVING).select_related("person", "role__owner", "request")
    )
    owners = {grant.role.owner for grant in grants if grant.role.owner is not None}
    sentence = (
        f"{lease.entitlement} for {lease.account} on {lease.target.name} should be gone, and isn't: "
        f"{lease.last_error or lease.detail or 'no answer yet'}"
    )
    record_many(
        [
            draft(
                verb="grant.late",
                actor=actor,
                sentence=sentence,
                now=now,
                person=grant.person,
                request=grant.request,
                grant=grant,
                lease=lease,
                role=grant.role,
                target=lease.target,
            )
            for grant in grants
        ]
    )
    notices.notify(
        recipients={person.pk: person for person in [*told, *owners]}.values(),
        kind="removal.late",
        key=f"{lease.pk}:{now.isoformat()}",
        subject=f"Late removal on {lease.target.name}",
        body=sentence,
        path="/problems/",
        now=now,
        actor=actor,
    )

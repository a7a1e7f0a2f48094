"""Targets: how each is, and what is offered there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from jitportal.models import Grant, Lease, Person, Role, Target, TargetHealth
from jitportal.rules.vocabulary import MAX_SKEW
from jitportal.web.presenters.catalogue import MOST_HOLDERS, HolderLine, holder_lines
from jitportal.web.presenters.problems import presence_of
from jitportal.web.presenters.states import Badge


@dataclass(frozen=True, slots=True)
class TargetRow:
    target: Target
    health: TargetHealth | None
    badge: Badge
    roles: int
    held: int


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One grant that entitles on the target now, and what the target was last seen to hold of it."""

    holder: HolderLine
    presence: Badge


@dataclass(frozen=True, slots=True)
class TargetPage:
    """``settings`` are as the policy has them: secrets stand there by name alone."""

    target: Target
    health: TargetHealth | None
    badge: Badge
    settings: Sequence[tuple[str, str]]
    roles: Sequence[Role]
    failing: Sequence[Lease]
    held: Sequence[HeldLine]
    more_held: int


def target_rows(targets: QuerySet[Target], now: datetime) -> list[TargetRow]:
    """Those in use first, by name; with how many grants entitle there now."""
    held = dict(
        Grant.objects.in_force(now).order_by().values_list("role__target_id").annotate(grants=Count("pk"))
    )
    offered = Count("roles", filter=Q(roles__retired_at__isnull=True), distinct=True)
    rows = targets.select_related("health").annotate(offered=offered).order_by("retired_at", "name")
    listed = sorted(rows, key=lambda row: (row.retired_at is not None, row.name.casefold()))
    return [
        TargetRow(row, health_of(row), badge_of(row), getattr(row, "offered", 0), held.get(row.pk, 0))
        for row in listed
    ]


def target_page(target: Target, viewer: Person, now: datetime) -> TargetPage:
    held = (
        Grant.objects.in_force(now)
        .filter(role__target=target)
        .select_related("person", "role", "scope", "lease")
    )
    roles = target.roles.filter(retired_at__isnull=True).select_related("owner").order_by("name")
    return TargetPage(
        target=target,
        health=health_of(target),
        badge=badge_of(target),
        settings=[(str(name), str(value)) for name, value in sorted(target.settings.items())],
        roles=list(roles),
        failing=list(target.leases.filter(failing_since__isnull=False).order_by("failing_since")[:50]),
        held=[HeldLine(line, _presence(line.grant)) for line in holder_lines(held, viewer, now)],
        more_held=max(0, held.count() - MOST_HOLDERS),
    )


def _presence(grant: Grant) -> Badge:
    if grant.lease is None:
        return Badge("waiting", "On its way", "hourglass")
    return presence_of(grant.lease)


def health_of(target: Target) -> TargetHealth | None:
    """What was last seen of the target; None where nobody has looked."""
    health: TargetHealth | None = getattr(target, "health", None)
    return health if health is not None and (health.checked_at or health.failing_since) else None


def badge_of(target: Target) -> Badge:
    """The worst that is known of the target, in a word."""
    health = health_of(target)
    if target.retired_at is not None:
        return Badge("ended", "Retired", "archive")
    if health is None:
        return Badge("ended", "Not checked yet", "circle-question-mark")
    if ailment := _ailment(health):
        return Badge("failed", ailment, "triangle-alert")
    if health.problems:
        return Badge("waiting", "Has problems", "triangle-alert")
    return Badge("force", "Well", "circle-check")


def _ailment(health: TargetHealth) -> str:
    """What keeps anything from being given there; empty where nothing does."""
    if not health.reachable:
        return "Doesn't answer"
    if not health.rights:
        return "The portal lacks rights"
    return "Its clock is off" if is_skewed(health) else ""


def is_skewed(health: TargetHealth) -> bool:
    """Whether the clocks are so far apart that nothing is granted there."""
    skew = health.skew_milliseconds
    return skew is not None and abs(skew) > MAX_SKEW.total_seconds() * 1_000

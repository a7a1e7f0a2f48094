"""Grants keep to their request, their role's cap and their window, and leases to their target."""

from __future__ import annotations

from collections.abc import Iterator

from jitportal.audit.guards.definitions import Dialect, Guard, On, changes
from jitportal.models import AfterUseReview, Grant, Lease

_NOT_AS_ASKED = """NEW.request_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_accessrequest request
    WHERE request.id = NEW.request_id AND request.status = 'approved'
    AND request.requester_id = NEW.person_id AND request.role_id = NEW.role_id
    AND request.scope_id = NEW.scope_id AND request.pathway = NEW.pathway
    AND NEW.minutes <= request.minutes)"""

_RENEWS_ANOTHER = """NEW.renewal_of_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_grant earlier
    WHERE earlier.id = NEW.renewal_of_id AND earlier.person_id = NEW.person_id
    AND earlier.role_id = NEW.role_id AND earlier.scope_id = NEW.scope_id)"""

_OVER_CAP = """EXISTS (
    SELECT 1 FROM jitportal_role role
    WHERE role.id = NEW.role_id
    AND (NEW.minutes > role.max_minutes OR NEW.cap_minutes > role.max_minutes))"""

_RISES = """NEW.minutes > OLD.minutes OR NEW.cap_minutes > OLD.cap_minutes
    OR NEW.latest_end_at > OLD.latest_end_at"""

_LEASE_ELSEWHERE = """NEW.lease_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_lease lease
    JOIN jitportal_role role ON role.id = NEW.role_id
    WHERE lease.id = NEW.lease_id AND lease.target_id = role.target_id)"""

# Half-open windows that share a moment; an empty one, stopped as it began, shares none.
_OVERLAPS = """EXISTS (
    SELECT 1 FROM jitportal_grant other
    WHERE other.person_id = NEW.person_id AND other.role_id = NEW.role_id
    AND other.scope_id = NEW.scope_id AND other.id <> NEW.id
    AND other.starts_at < COALESCE(NEW.stopped_at, NEW.ends_at)
    AND NEW.starts_at < COALESCE(other.stopped_at, other.ends_at)
    AND other.starts_at < COALESCE(other.stopped_at, other.ends_at)
    AND NEW.starts_at < COALESCE(NEW.stopped_at, NEW.ends_at))"""

_HOLDER_OF_ANOTHER = """NOT EXISTS (
    SELECT 1 FROM jitportal_grant used
    WHERE used.id = NEW.grant_id AND used.person_id = NEW.holder_id)"""


def guards() -> Iterator[Guard]:
    """What compares a grant, a lease or a review with the rows that it refers to, and moments."""
    yield from _as_made()
    yield from _as_they_go()
    yield from _leases()
    yield Guard(
        "afterusereview_of_its_holder",
        AfterUseReview,
        On.INSERT,
        "A review is about the holder of its grant.",
        _HOLDER_OF_ANOTHER,
        looks_up=True,
    )


def _as_made() -> Iterator[Guard]:
    yield Guard(
        "grant_1_as_asked",
        Grant,
        On.INSERT,
        "A grant is what its approved request asks: its person, role and scope, and no more minutes.",
        _NOT_AS_ASKED,
        looks_up=True,
    )
    yield Guard(
        "grant_2_renews_its_own",
        Grant,
        On.INSERT,
        "A renewal goes on from a grant of the same person, role and scope.",
        _RENEWS_ANOTHER,
        looks_up=True,
    )
    yield Guard(
        "grant_3_within_role_cap",
        Grant,
        On.INSERT,
        "A grant lasts no longer than its role's cap.",
        _OVER_CAP,
        looks_up=True,
    )
    yield Guard(
        "grant_4_latest_end",
        Grant,
        On.INSERT,
        "A grant's latest end is at most its minutes after its window closes.",
        lambda dialect: f"NEW.latest_end_at > {dialect.minutes_after('NEW.closes_at', 'NEW.minutes')}",
    )


def _as_they_go() -> Iterator[Guard]:
    yield Guard(
        "grant_never_rises",
        Grant,
        On.UPDATE,
        "A grant's minutes, its cap and its latest end only fall.",
        _RISES,
        columns=("minutes", "cap_minutes", "latest_end_at"),
    )
    yield Guard(
        "grant_length",
        Grant,
        On.UPDATE,  # a grant is inserted as ready, without a start: see ``steps``
        "A grant starts no earlier than its window opens, and lasts no longer than its minutes.",
        _early_or_long,
        columns=("starts_at", "ends_at", "minutes"),
    )
    yield Guard(
        "grant_no_overlap",
        Grant,
        On.UPDATE,
        "Two grants of one person for one role and scope can't overlap.",
        _OVERLAPS,
        columns=("starts_at", "ends_at"),
        looks_up=True,
        vendors=frozenset({"sqlite"}),  # PostgreSQL has an exclusion constraint, which sees others' rows
    )


def _early_or_long(dialect: Dialect) -> str:
    last = dialect.minutes_after("NEW.starts_at", "NEW.minutes")
    return f"NEW.starts_at IS NOT NULL AND (NEW.starts_at < NEW.opens_at OR NEW.ends_at > {last})"


def _leases() -> Iterator[Guard]:
    yield Guard(
        "grant_lease_on_target",
        Grant,
        On.UPDATE,
        "A grant's lease is on its role's target.",
        _LEASE_ELSEWHERE,
        columns=("lease_id",),
        looks_up=True,
    )
    yield Guard(
        "lease_handle",
        Lease,
        On.UPDATE,
        "A lease keeps its handle once a worker has claimed it: its target knows it by that.",
        lambda dialect: f"OLD.claim > 0 AND {changes(dialect, 'handle')}",
        columns=("handle",),
    )
    yield Guard(
        "lease_claim",
        Lease,
        On.UPDATE,
        "A lease's claims only rise: its target refuses lower ones.",
        "NEW.claim < OLD.claim",
        columns=("claim",),
    )

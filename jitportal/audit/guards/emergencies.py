"""Break-glass keeps to its role, its emergency account and its cap; its grant to its activation."""

from __future__ import annotations

from collections.abc import Iterator

from jitportal.audit.guards.definitions import Dialect, Guard, On
from jitportal.models import Activation, Grant

_NOT_OF_ITS_ROLE = """NOT EXISTS (
    SELECT 1 FROM jitportal_role role
    JOIN jitportal_rolescope scope ON scope.role_id = role.id
    JOIN jitportal_emergencyaccount account ON account.target_id = role.target_id
    WHERE role.id = NEW.role_id AND scope.id = NEW.scope_id AND account.id = NEW.account_id
    AND role.pathway = 'break_glass')"""

_OVER_CAP = """NOT NEW.after_the_fact AND EXISTS (
    SELECT 1 FROM jitportal_role role
    WHERE role.id = NEW.role_id
    AND (NEW.minutes > role.max_minutes OR NEW.cap_minutes > role.max_minutes))"""

_EXTENDS_ANOTHER = """NEW.extension_of_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_activation earlier
    WHERE earlier.id = NEW.extension_of_id AND earlier.person_id = NEW.person_id
    AND earlier.role_id = NEW.role_id AND earlier.scope_id = NEW.scope_id
    AND earlier.account_id = NEW.account_id AND earlier.drill = NEW.drill
    AND earlier.stopped_at IS NOT NULL)"""

_WITHDREW_ANOTHERS = """NEW.from_request_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_accessrequest request
    WHERE request.id = NEW.from_request_id AND request.requester_id = NEW.person_id
    AND request.status = 'withdrawn')"""

_NOT_AS_ACTIVATED = """NEW.activation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_activation activation
    WHERE activation.id = NEW.activation_id AND activation.status = 'open'
    AND NOT activation.after_the_fact
    AND activation.person_id = NEW.person_id AND activation.role_id = NEW.role_id
    AND activation.scope_id = NEW.scope_id AND NEW.minutes <= activation.minutes
    AND NEW.opens_at = activation.opened_at AND NEW.latest_end_at <= activation.ends_at)"""

_NOT_REVIEWED = """NEW.activation_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_postincidentreview review
    WHERE review.activation_id = NEW.activation_id)"""


def guards() -> Iterator[Guard]:
    """What compares an activation and its grant with the rows that they refer to."""
    yield Guard(
        "activation_1_of_its_role",
        Activation,
        On.INSERT,
        "An activation is of a break-glass role, with an emergency account on that role's target.",
        _NOT_OF_ITS_ROLE,
        looks_up=True,
    )
    yield Guard(
        "activation_2_within_role_cap",
        Activation,
        On.INSERT,
        "An activation lasts no longer than its role's cap.",
        _OVER_CAP,
        looks_up=True,
    )
    yield Guard(
        "activation_3_length",
        Activation,
        On.INSERT,
        "An activation lasts no longer than its minutes.",
        _too_long,
    )
    yield Guard(
        "activation_4_extends_its_own",
        Activation,
        On.INSERT,
        "An extension goes on from an ended activation of the same person, role, scope and account.",
        _EXTENDS_ANOTHER,
        looks_up=True,
    )
    yield Guard(
        "activation_5_withdraws_its_own",
        Activation,
        On.INSERT,
        "An activation takes the place of a withdrawn request of the same person.",
        _WITHDREW_ANOTHERS,
        looks_up=True,
    )
    yield Guard(
        "grant_5_as_activated",
        Grant,
        On.INSERT,
        "A break-glass grant is what its open activation says: its person, role, scope and time.",
        _NOT_AS_ACTIVATED,
        looks_up=True,
    )
    yield Guard(
        "grant_6_reviewed",
        Grant,
        On.INSERT,
        "No break-glass without a review that is open for it.",
        _NOT_REVIEWED,
        looks_up=True,
    )


def _too_long(dialect: Dialect) -> str:
    return f"NEW.ends_at > {dialect.minutes_after('NEW.opened_at', 'NEW.minutes')}"

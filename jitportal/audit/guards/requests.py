"""Scopes, requests and approvals agree with each other, and with their role."""

from __future__ import annotations

from collections.abc import Iterator

from jitportal.audit.guards.definitions import Dialect, Guard, On, changes
from jitportal.models import AccessRequest, Approval, RoleScope

_SCOPE_DISAGREES = """NOT EXISTS (
    SELECT 1 FROM jitportal_role role
    JOIN jitportal_entitlement entitlement ON entitlement.id = NEW.entitlement_id
    WHERE role.id = NEW.role_id AND entitlement.target_id = role.target_id
    AND entitlement.emergency = (role.pathway = 'break_glass'))"""

_REQUEST_DISAGREES = """NOT EXISTS (
    SELECT 1 FROM jitportal_role role
    JOIN jitportal_rolescope scope ON scope.role_id = role.id
    WHERE role.id = NEW.role_id AND scope.id = NEW.scope_id AND role.pathway = NEW.pathway)"""

_NO_NEWER_REVISION = """NOT EXISTS (
    SELECT 1 FROM jitportal_requestrevision revision
    WHERE revision.id = NEW.current_id AND revision.request_id = NEW.id AND revision.number > COALESCE(
        (SELECT former.number FROM jitportal_requestrevision former WHERE former.id = OLD.current_id), 0))"""

_APPROVAL_OF_ANOTHER = """NOT EXISTS (
    SELECT 1 FROM jitportal_accessrequest request
    JOIN jitportal_requestrevision revision ON revision.request_id = request.id
    WHERE request.id = NEW.request_id AND revision.id = NEW.revision_id
    AND request.requester_id = NEW.requester_id)"""

_NOTHING_TO_DECIDE = """NOT EXISTS (
    SELECT 1 FROM jitportal_accessrequest request
    WHERE request.id = NEW.request_id AND request.status = 'pending'
    AND request.current_id = NEW.revision_id AND NEW.decided_at < request.lapses_at)"""

_LENGTHENS = """EXISTS (
    SELECT 1 FROM jitportal_accessrequest request
    WHERE request.id = NEW.request_id AND NEW.minutes > request.minutes)"""


def guards() -> Iterator[Guard]:
    """What compares a scope, a request or an approval with the rows that it refers to."""
    yield from _scopes()
    yield from _requests()
    yield from _approvals()


def _scopes() -> Iterator[Guard]:
    sentence = "A scope's entitlement is on its role's target, and an emergency one for break-glass alone."
    for on, columns in ((On.INSERT, ()), (On.UPDATE, ("role_id", "entitlement_id"))):
        yield Guard(
            f"rolescope_agrees_on_{on.lower()}",
            RoleScope,
            on,
            sentence,
            _SCOPE_DISAGREES,
            columns=columns,
            looks_up=True,
        )


def _requests() -> Iterator[Guard]:
    sentence = "A request's scope is one of its role's, and its pathway is its role's."
    for on, columns in ((On.INSERT, ()), (On.UPDATE, ("role_id", "scope_id", "pathway"))):
        yield Guard(
            f"accessrequest_agrees_on_{on.lower()}",
            AccessRequest,
            on,
            sentence,
            _REQUEST_DISAGREES,
            columns=columns,
            looks_up=True,
        )
    yield Guard(
        "accessrequest_before_revision",
        AccessRequest,
        On.INSERT,
        "A request is inserted before its first revision.",
        "NEW.current_id IS NOT NULL",
    )
    yield Guard(
        "accessrequest_newer_revision",
        AccessRequest,
        On.UPDATE,
        "A request goes on to a newer revision of its own, never back.",
        _NO_NEWER_REVISION,
        columns=("current_id",),
        looks_up=True,
    )
    yield Guard(
        "accessrequest_asks_anew",
        AccessRequest,
        On.UPDATE,
        "What a request asks for changes with a new revision alone, but for minutes, which may fall.",
        _asks_otherwise,
        columns=("scope_id", "minutes"),
    )


def _asks_otherwise(dialect: Dialect) -> str:
    """The swap of what is asked under the approver: the same revision, and something else asked."""
    return (
        f"NOT ({changes(dialect, 'current_id')}) "
        f"AND ({changes(dialect, 'scope_id')} OR NEW.minutes > OLD.minutes)"
    )


def _approvals() -> Iterator[Guard]:
    yield Guard(
        "approval_1_of_its_request",
        Approval,
        On.INSERT,
        "An approval names a revision of its own request, and that request's requester.",
        _APPROVAL_OF_ANOTHER,
        looks_up=True,
    )
    yield Guard(
        "approval_2_open_now",
        Approval,
        On.INSERT,
        "A verdict is on the current revision of a pending request, before its deadline.",
        _NOTHING_TO_DECIDE,
        looks_up=True,
    )
    yield Guard(
        "approval_3_shortens",
        Approval,
        On.INSERT,
        "An approval may shorten a request, never lengthen it.",
        _LENGTHENS,
        looks_up=True,
    )

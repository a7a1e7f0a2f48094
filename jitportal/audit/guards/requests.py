"""Scopes, requests and approvals agree with each other, and with their role."""

from __future__ import annotations

from collections.abc import Iterator

from jitportal.audit.guards.definitions import Dialect, Guard, On, changes
from jitportal.models import AccessRequest, Approval, RoleScope, StandingPower

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

_WANTED_OTHERWISE = """NEW.wanted_at <> COALESCE(
    (SELECT revision.opens_at FROM jitportal_requestrevision revision WHERE revision.id = NEW.current_id),
    NEW.created_at)"""

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

_NOT_DELEGATED = """NEW.on_behalf_of_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jitportal_delegation delegation
    WHERE delegation.delegator_id = NEW.on_behalf_of_id AND delegation.delegate_id = NEW.person_id
    AND delegation.starts_at <= NEW.decided_at AND NEW.decided_at < delegation.ends_at
    AND delegation.stopped_at IS NULL)"""

_COUNTED = """EXISTS (
    SELECT 1 FROM jitportal_approval other
    WHERE other.revision_id = NEW.revision_id AND NOT other.by_system AND NOT NEW.by_system
    AND (other.on_behalf_of_id = NEW.person_id OR other.person_id = NEW.on_behalf_of_id))"""

_A_SECOND = "EXISTS (SELECT 1 FROM jitportal_standingpower)"


def guards() -> Iterator[Guard]:
    """What compares a scope, a request or an approval with the rows that it refers to."""
    yield from _scopes()
    yield from _requests()
    yield from _approvals()
    yield Guard(
        "standingpower_first",
        StandingPower,
        On.INSERT,
        "Only the first administrator holds a standing power: everybody else asks for a role.",
        _A_SECOND,
        looks_up=True,
    )


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
    yield Guard(
        "accessrequest_wanted_as_asked",
        AccessRequest,
        On.UPDATE,
        "A request is wanted from the start that its current revision names, or from when it was asked.",
        _WANTED_OTHERWISE,
        columns=("current_id", "wanted_at"),
        looks_up=True,
    )
    yield Guard(
        "accessrequest_with_its_approvals",
        AccessRequest,
        On.UPDATE,
        "A request is approved by the approvals that each of its stages needs, and by nothing else.",
        _short_of_approvals,
        columns=("status",),
        looks_up=True,
    )


def _short_of_approvals(dialect: Dialect) -> str:
    """A stage of the current revision has too few approvals of the kind that it needs, or there is none."""
    rule, people = dialect.member("stage.value", "system_rule"), dialect.member("stage.value", "people")
    given = f"""(
        SELECT COUNT(DISTINCT approval.person_id) FROM jitportal_approval approval
        WHERE approval.revision_id = revision.id AND approval.verdict = 'approve'
        AND approval.stage = stage.number AND approval.by_system = ({rule} <> ''))"""
    needed = f"CASE WHEN {rule} <> '' THEN 1 ELSE CAST({people} AS integer) END"
    return f"""NEW.status = 'approved' AND OLD.status = 'pending' AND NOT EXISTS (
        SELECT 1 FROM jitportal_requestrevision revision
        WHERE revision.id = NEW.current_id AND {dialect.elements_count("revision.stages")} > 0
        AND NOT EXISTS (
            SELECT 1 FROM {dialect.elements("revision.stages", "stage")} WHERE {given} < {needed}))"""


def _not_the_systems(dialect: Dialect) -> str:
    """The system approves where the stage names a rule, and nowhere else."""
    rule = dialect.member("stage.value", "system_rule")
    return f"""NEW.by_system AND NOT EXISTS (
        SELECT 1 FROM jitportal_requestrevision revision
        JOIN jitportal_person person ON person.id = NEW.person_id AND person.is_system
        WHERE revision.id = NEW.revision_id AND EXISTS (
            SELECT 1 FROM {dialect.elements("revision.stages", "stage")}
            WHERE stage.number = NEW.stage AND {rule} <> ''))"""


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
    yield Guard(
        "approval_4_by_system",
        Approval,
        On.INSERT,
        "The system approves a stage that names its rule, and no other.",
        _not_the_systems,
        looks_up=True,
    )
    yield Guard(
        "approval_5_delegated",
        Approval,
        On.INSERT,
        "Somebody decides for another while that person's delegation to them is in force.",
        _NOT_DELEGATED,
        looks_up=True,
    )
    yield Guard(
        "approval_6_counts_once",
        Approval,
        On.INSERT,
        "One person counts once on a revision, in person or by a delegate.",
        _COUNTED,
        looks_up=True,
    )

"""From an approved request to a grant, and from a ready grant to provisioning."""

from __future__ import annotations

from datetime import datetime, timedelta

from jitportal.audit.events import record
from jitportal.audit.system import system
from jitportal.models import AccessRequest, Grant, Lease, Person
from jitportal.operations import policies, rooms, self_starting, wants
from jitportal.operations.accounts import account_for
from jitportal.operations.directory import person_facts
from jitportal.operations.overlap import held_span, next_planned, refuse_overlap, wished_span
from jitportal.rules.durations import spoken
from jitportal.rules.errors import PolicyRefuses
from jitportal.rules.lifecycle import check_transition
from jitportal.rules.policy import RoleRules, start_problems
from jitportal.rules.policy_targets import WITH_CERTIFICATES
from jitportal.rules.vocabulary import GrantStatus, Pathway, StartMode
from jitportal.rules.windows import Span, Window

#: How long after its planned start a grant may still start: the portal may have been down.
START_GRACE = timedelta(minutes=15)
#: A renewal begins provisioning this long before its predecessor ends, so that the target never has a
#: moment without the access. Its entitlement still begins at that end.
RENEWAL_LEAD = timedelta(seconds=30)


def make_grant(request: AccessRequest, now: datetime) -> Grant:
    """Make the grant of a request that has just been approved; at once means it begins here.

    The person is locked. Raises ``PolicyRefuses`` where another grant has come to cover the time.
    """
    revision = request.asked
    pinned = policies.pinned_rules(request)
    current = policies.current_rules(request.role.key) or pinned
    cap = min(pinned.max_minutes, current.max_minutes)
    minutes = min(request.minutes, cap)
    window = Window(StartMode(revision.start_mode), revision.opens_at, revision.closes_at)
    span = wished_span(window, minutes, now, request.renewal_of)
    refuse_overlap(
        request.requester_id,
        request.role_id,
        request.scope_id,
        span,
        ignore=request.renewal_of,
        who=f"{request.requester} holds",
    )
    closes_at = _closing(window, span.start, at_once=span.start <= now)
    grant = Grant.objects.create(
        request=request,
        person=request.requester,
        role=request.role,
        scope=request.scope,
        pathway=request.pathway,
        renewal_of=request.renewal_of,
        start_mode=revision.start_mode,
        opens_at=span.start,
        closes_at=closes_at,
        minutes=minutes,
        cap_minutes=cap,
        latest_end_at=closes_at + timedelta(minutes=minutes),
        created_at=now,
    )
    if grant.renewal_of is None or not grant.role.dynamic_login:
        # A login that was made goes on only if its lease does, which shows when the renewal begins.
        grant.account = account_for(grant)
        grant.save(update_fields=["account"])
    self_starting.refuse_unconfirmed(grant, pinned, current)
    say(grant, system(), "ready", _ready_sentence(grant), now)
    if window.mode is not StartMode.ON_CLICK and span.start <= now + lead(window.mode):
        begin(grant, system(), now)
    return grant


def lead(mode: StartMode) -> timedelta:
    """How long before its planned start a grant begins provisioning."""
    return RENEWAL_LEAD if mode is StartMode.RENEWAL else timedelta()


def begin(grant: Grant, actor: Person, now: datetime, **data: object) -> None:
    """Set the grant's start and end and let the worker provision it. The person and grant are locked.
    ``data`` stands in the event.

    Raises ``PolicyRefuses`` where it may not start: eligibility is asked again, and a policy newer
    than the request may only narrow it.
    """
    minutes = _minutes_now(grant)
    self_starting.refuse_unconfirmed(grant, *_rules(grant))
    starts_at = max(now, grant.opens_at) if grant.start_mode == StartMode.RENEWAL else now
    ends_at = min(starts_at + timedelta(minutes=minutes), grant.latest_end_at)
    ends_at = min(ends_at, next_planned(grant, starts_at) or ends_at)
    span = Span(starts_at, ends_at)
    refuse_overlap(
        grant.person_id, grant.role_id, grant.scope_id, span, ignore=grant, who=f"{grant.person} holds"
    )
    check_transition("grant", grant.status, GrantStatus.PROVISIONING)
    earlier = grant.renewal_of
    goes_on = earlier if earlier is not None and held_span(earlier).end == starts_at else None
    grant.account = grant.account or account_for(grant, goes_on)
    grant.lease = _lease(grant, goes_on.lease if goes_on else None, now)
    grant.status, grant.minutes = GrantStatus.PROVISIONING, minutes
    grant.starts_at, grant.ends_at = starts_at, ends_at
    grant.save(update_fields=["account", "lease", "status", "minutes", "starts_at", "ends_at"])
    until = f"{ends_at:%d %b %H:%M:%S} UTC"
    sentence = f"{grant.role} ({grant.scope}) starts for {grant.person} until {until}."
    say(grant, actor, "started", sentence, now, **data)
    wants.attend(grant.lease, now)
    pinned, current = _rules(grant)
    rooms.tell_of_start(grant, (current or pinned).notify.grants, actor, now)


def say(grant: Grant, actor: Person, what: str, sentence: str, now: datetime, **data: object) -> None:
    """The event of a grant."""
    record(
        verb=f"grant.{what}",
        actor=actor,
        sentence=sentence,
        now=now,
        person=grant.person,
        request=grant.request,
        grant=grant,
        lease=grant.lease,
        role=grant.role,
        target=grant.role.target,
        data=dict(data),
    )


def _closing(window: Window, start: datetime, *, at_once: bool) -> datetime:
    if window.mode is StartMode.ON_CLICK and window.closes_at:
        return max(window.closes_at, start)
    return start if at_once else start + START_GRACE


def _minutes_now(grant: Grant) -> int:
    pinned, current = _rules(grant)
    problems = start_problems(person_facts(grant.person), grant.scope.key, pinned, current)
    if problems or current is None:
        raise PolicyRefuses(problems[0].sentence if problems else "The policy no longer offers this role.")
    return min(grant.minutes, current.max_minutes)


def _rules(grant: Grant) -> tuple[RoleRules, RoleRules | None]:
    return policies.rules_of(grant), policies.current_rules(grant.role.key)


def _lease(grant: Grant, earlier: Lease | None, now: datetime) -> Lease:
    """The row that the target is to hold; a dynamic login's renewal goes on with the same login."""
    own = grant if has_own_lease(grant) else None
    if own is not None and earlier is not None:
        return earlier
    lease = wants.lease_for(
        target=grant.role.target,
        account=grant.account,
        entitlement=grant.scope.entitlement.name,
        options={str(key): str(value) for key, value in grant.scope.options.items()},
        own_grant=own,
        now=now,
    )
    _refuse_shared(grant)  # with the lease locked: two people's approvals may come at once
    return lease


def has_own_lease(grant: Grant) -> bool:
    """Whether what the target holds is this grant's alone: a login that is made, or certificates."""
    return grant.role.dynamic_login or grant.role.target.connector in WITH_CERTIFICATES


def _refuse_shared(grant: Grant) -> None:
    """An account is one person's. The policy is checked for that against the people whom it finds, and
    somebody who came later may have the name that it gave to another: their grants would keep each
    other's access alive.
    """
    started = Grant.objects.unfinished().filter(
        role__target=grant.role.target, account=grant.account, lease__isnull=False
    )
    other = started.exclude(person=grant.person_id).select_related("person").first()
    if other is not None:
        raise PolicyRefuses(
            f"Account {grant.account} on {grant.role.target} is {other.person}'s in grant {other.pk}, and "
            "two people never share one. A policy editor gives one of them another account."
        )


def _ready_sentence(grant: Grant) -> str:
    what = f"{grant.role} ({grant.scope}) for {spoken(grant.minutes)}"
    if grant.start_mode == StartMode.ON_CLICK:
        return (
            f"{grant.person} may start {what} from {grant.opens_at:%d %b %H:%M} to "
            f"{grant.closes_at:%d %b %H:%M} UTC."
        )
    return f"{what} is granted to {grant.person} from {grant.opens_at:%d %b %H:%M} UTC."


def wants_review(grant: Grant) -> bool:
    """Whether a short review follows this grant's use."""
    pinned, _ = _rules(grant)
    return grant.pathway == Pathway.TEMPORARY and pinned.review_after_use

"""A small portal: its people, its teams and its policy, and what is done in it, by the operations alone.

A state is reached by the verbs that lead to it, never by setting a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage

from jitportal.audit.system import system
from jitportal.models import AccessRequest, Approval, Event, Grant, ManualTask, Person, PolicyVersion, Team
from jitportal.operations import clock, decisions, grants, leases, manual, people, policies, requests
from jitportal.operations.asking import Ask
from jitportal.operations.claims import GRANT, REMOVAL
from jitportal.rules.vocabulary import Pathway, RequestStatus, StartMode, Verdict

WHY = "The nightly export of orders fails, and I have to see why."
TICKET = "INC-1042"

#: username: manager. Everybody has a mail address but nobody a password: hashing one is slow.
CAST: dict[str, str | None] = {
    "mark": None,
    "mona": "mark",
    "otto": "mark",
    "rita": "mona",
    "remy": "mona",
    "rosa": "mona",
    "dora": "mark",
    "dean": "mark",
    "dina": "mark",
    "sven": "mark",
    "sara": "mark",
    "carl": "mark",
    "eve": None,
}
TEAMS: dict[str, tuple[str, ...]] = {
    "platform": ("rita", "remy", "rosa"),
    "dba": ("dora", "dean", "dina"),
    "security": ("sven", "sara"),
    "board": (),
}
BOARD = tuple(f"board{number}" for number in range(1, 9))

POLICY = """\
elevation_policy:
  jit_access:
    allowed_for: [auditor, operator, administrator, policy-editor, writer, quick, boarded]
    requires: [manager_or_system_approval, max_duration_60_minutes, full_audit_log]
  temporary_access:
    allowed_for: [migration, door]
    requires: [manager_approval, max_duration_14_days]
  break_glass:
    allowed_for: [outage]
    requires: [named_emergency_account, session_recording, post_incident_review]
  criteria:
    outage: {name: Outage}
  targets:
    portal: {name: This portal, connector: portal}
    rack:
      name: Server rack
      connector: manual
      settings: {carriers: carl}
  roles:
    auditor:
      target: portal
      owner: otto
      entitlement: auditor
      eligible: {teams: [platform, security]}
      max_total_minutes: 100
    operator:
      target: portal
      owner: otto
      entitlement: operator
      eligible: {teams: [platform, security]}
    administrator:
      target: portal
      owner: otto
      entitlement: administrator
      eligible: {teams: [security]}
    policy-editor:
      target: portal
      owner: otto
      entitlement: policy_editor
      eligible: {teams: [security]}
    writer:
      target: rack
      owner: otto
      scopes:
        left: {entitlement: left door}
        right: {entitlement: right door}
      eligible: {people: [eve], teams: [platform]}
      stages:
        - {name: first, decides: [manager, role_owner]}
        - {name: second, decides: {team: dba}, people: 2}
      revokers: [role_owner, team: security]
    quick:
      target: portal
      owner: otto
      entitlement: operator
      eligible: {teams: [platform]}
      system_approval: [{name: incident, ticket_pattern: 'INC-[0-9]+', max_minutes: 15}]
    boarded:
      target: portal
      owner: otto
      entitlement: auditor
      eligible: {teams: [platform]}
      stages: [{name: board, decides: [manager, team: board]}]
    migration:
      target: portal
      owner: otto
      entitlement: operator
      eligible: {teams: [platform]}
      lapse_after_hours: 24
      risk: high
      ticket: {required: true, pattern: 'CHG-[0-9]+', hint: Such as CHG-7.}
    door:
      target: rack
      owner: otto
      entitlement: rack door
      eligible: {teams: [platform]}
"""


def changed(*changes: tuple[str, str], text: str = POLICY) -> str:
    """The policy with pieces of text replaced, each of which must stand in it exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the policy"
        text = text.replace(old, new)
    return text


def settle(text: str = POLICY) -> None:
    """Make the cast, their teams and the first policy."""
    actor = system()
    cast: dict[str, Person] = {}
    for username, manager in CAST.items():
        cast[username] = people.create_person(
            actor=actor,
            username=username,
            name=username.capitalize(),
            email=f"{username}@example.test",
            manager=cast[manager] if manager else None,
        )
    for key, members in TEAMS.items():
        team = people.create_team(actor=actor, key=key, name=key.capitalize())
        for username in members:
            people.join_team(actor=actor, person=cast[username], team=team)
    policies.bootstrap(actor=actor, text=text)


def seat_board() -> None:
    """Eight people who may each decide on role ``boarded``."""
    actor = system()
    for username in BOARD:
        member = people.create_person(actor=actor, username=username, name=username.capitalize())
        people.join_team(actor=actor, person=member, team=team("board"))


def person(username: str) -> Person:
    """Somebody of the cast, as read at the beginning of a click."""
    return Person.objects.get(username=username)


def team(key: str) -> Team:
    return Team.objects.get(key=key)


def joins(who: str, key: str) -> None:
    people.join_team(actor=system(), person=person(who), team=team(key))


def leaves(who: str, key: str) -> None:
    people.leave_team(actor=system(), person=person(who), team=team(key))


def deactivate(who: str) -> None:
    people.deactivate(actor=system(), person=person(who), reason="Has left the company.")


# Asking


def asking(role: str, **said: Any) -> Ask:
    """An ask that the policy lets through, but for what is said."""
    rules = policies.current_rules(role)
    ticket = "CHG-7" if rules and rules.ticket_required else ""
    usual: dict[str, Any] = {
        "role_key": role,
        "pathway": rules.pathway if rules else Pathway.JIT,
        "scope": next(iter(rules.scopes)) if rules else "all",
        "start_mode": StartMode.AT_ONCE,
        "minutes": 30,
        "justification": WHY,
        "ticket": ticket,
    }
    return Ask(**{**usual, **said})


def scheduled(role: str, opens_in: timedelta, **said: Any) -> Ask:
    return asking(role, start_mode=StartMode.SCHEDULED, opens_at=clock.now() + opens_in, **said)


def on_click(role: str, opens_in: timedelta, closes_in: timedelta, **said: Any) -> Ask:
    now = clock.now()
    return asking(
        role, start_mode=StartMode.ON_CLICK, opens_at=now + opens_in, closes_at=now + closes_in, **said
    )


def renewing(grant: Grant, **said: Any) -> Ask:
    assert grant.request is not None
    return asking(
        grant.role.key,
        scope=grant.scope.key,
        start_mode=StartMode.RENEWAL,
        renewal_of=grant,
        **{"ticket": grant.request.asked.ticket, **said},
    )


def ask(who: str, role: str, **said: Any) -> AccessRequest:
    return submit(who, asking(role, **said))


def submit(who: str, wish: Ask) -> AccessRequest:
    return requests.submit(actor=person(who), ask=wish)


# Deciding

VerdictGiver = Callable[[str, AccessRequest], Approval]


def decide(who: str, request: AccessRequest, verdict: Verdict, **said: Any) -> Approval:
    """A click on a decision form that was opened just now."""
    request = AccessRequest.objects.get(pk=request.pk)
    return decisions.decide(
        actor=person(who),
        request=request,
        verdict=verdict,
        **{"digest": decisions.seen_digest(request), **said},
    )


def approve(who: str, request: AccessRequest, minutes: int | None = None) -> Approval:
    return decide(who, request, Verdict.APPROVE, minutes=minutes)


def deny(who: str, request: AccessRequest, reason: str = "Not this week.") -> Approval:
    return decide(who, request, Verdict.DENY, reason=reason)


def send_back(who: str, request: AccessRequest, reason: str = "Which table?") -> Approval:
    return decide(who, request, Verdict.SEND_BACK, reason=reason)


def approve_all(request: AccessRequest) -> Grant:
    """Whoever can decide approves, until there is a grant."""
    while (request := AccessRequest.objects.get(pk=request.pk)).status == RequestStatus.PENDING:
        approve(decisions.deciders(request)[0].username, request)
    return Grant.objects.get(request=request)


def granted(who: str, role: str, **said: Any) -> Grant:
    """A grant of an ordinary ask."""
    return approve_all(ask(who, role, **said))


def live(who: str, role: str, **said: Any) -> Grant:
    """A grant that is live on its target."""
    grant = granted(who, role, **said)
    work()
    return now_of(grant)


def empower(who: str, role: str) -> Grant:
    """One of the portal's powers, asked for and approved like anything else."""
    return granted(who, role, minutes=60)


def now_of(grant: Grant) -> Grant:
    """The grant as it is stored now."""
    return Grant.objects.select_related("lease", "request", "role", "scope").get(pk=grant.pk)


# Time, and the worker


@contextmanager
def later(**duration: float) -> Iterator[datetime]:
    """The clock so much later than it is; gives what it says."""
    moment = clock.now() + timedelta(**duration)
    with clock.moved(to=moment):
        yield moment


@contextmanager
def at(moment: datetime) -> Iterator[datetime]:
    with clock.moved(to=moment):
        yield moment


def pulse() -> None:
    """What the worker's pulse does by the clock, without calling a target."""
    grants.start_due()
    grants.expire_due()
    grants.pass_unused()
    requests.lapse_due()


def work(rounds: int = 10) -> None:
    """What the worker does, until nothing is due."""
    for _ in range(rounds):
        pulse()
        due = leases.due_targets(clock.now())
        if not due:
            return
        for target_id in due:
            for lane in (REMOVAL, GRANT):
                leases.converge(target_id=target_id, lane=lane, worker="test")


def carry_out(note: str = "Done.") -> ManualTask:
    """Carl does the one thing that is asked of him, and confirms it."""
    task = ManualTask.objects.get(done_at__isnull=True, dropped_at__isnull=True)
    return manual.confirm(actor=person("carl"), task=task, note=note)


# Policy


def apply_policy(text: str) -> PolicyVersion:
    """Bring another policy into force, by the two people who can."""
    for username in ("sven", "sara"):
        if not policy_editor(username):
            empower(username, "policy-editor")
    version = policies.propose(actor=person("sven"), text=text)
    policies.approve(actor=person("sara"), version=version)
    return policies.apply(actor=person("sven"), version=version)


def policy_editor(username: str) -> bool:
    return (
        Grant.objects.entitling(clock.now())
        .filter(person__username=username, role__key="policy-editor")
        .exists()
    )


# What came of it


def verbs(**about: Any) -> list[str]:
    """The events' verbs, in the order in which they happened."""
    return list(Event.objects.filter(**about).order_by("id").values_list("verb", flat=True))


def recipients(mails: list[EmailMessage]) -> list[str]:
    return sorted(address.partition("@")[0] for mail in mails for address in mail.to)

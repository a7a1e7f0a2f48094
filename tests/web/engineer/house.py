"""A house with a few people, made by the operations: what the engineer's pages are proven on.

The portal target gives at once, so a grant is live after one round of the worker; the manual one
waits for a person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jitportal.audit.system import system
from jitportal.models import AccessRequest, AfterUseReview, Grant, ManualTask, Person, Role, Target
from jitportal.operations import clock, decisions, grants, leases, manual, people, policies, requests
from jitportal.operations.asking import Ask
from jitportal.rules.vocabulary import Pathway, StartMode, Verdict

WHY = "Rack 12 reports a failed disk, and I replace it."

POLICY = r"""
elevation_policy:
  jit_access:
    allowed_for: [operator, auditor, cage, lift, guests, flash]
    requires: [manager_or_system_approval, max_duration_60_minutes]
  temporary_access:
    allowed_for: [cabinet]
    requires: [manager_approval, max_duration_14_days]
  break_glass:
    allowed_for: [outage]
    requires: [named_emergency_account, session_recording, post_incident_review]
    roles: [rescue]
  criteria:
    outage: {name: Outage}
  defaults:
    justification: {least: 15}
    revokers: [manager, role_owner]
  targets:
    portal: {name: This portal, connector: portal}
    building: {name: Office building, connector: manual}
  roles:
    operator:
      name: Operator of this portal
      description: Check targets, and retry what failed.
      target: portal
      owner: olga
      entitlement: operator
      eligible: {teams: [engineers]}
      max_minutes: 60
      recommended_minutes: 30
      max_total_minutes: 100
      risk: medium
    auditor:
      name: Auditor of this portal
      description: Read the whole record.
      target: portal
      owner: olga
      entitlement: auditor
      eligible: {teams: [engineers]}
      max_minutes: 60
      risk: medium
    cage:
      name: Server cage
      description: Open one cage in the server room.
      target: building
      owner: olga
      scopes:
        left: {name: The left cage, entitlement: cage-left}
        right: {name: The right cage, entitlement: cage-right}
      eligible: {teams: [engineers]}
      max_minutes: 60
      risk: low
    lift:
      name: Goods lift
      description: Use the goods lift.
      target: building
      owner: olga
      entitlement: lift
      eligible: {teams: [engineers]}
      max_minutes: 60
      ticket: {required: true, pattern: 'CHG-\d{1,8}', hint: Such as CHG-2001.}
      risk: low
    guests:
      name: Guest list
      description: Let guests in.
      target: building
      owner: olga
      entitlement: guests
      eligible: {people: [olga]}
      max_minutes: 60
      risk: low
    flash:
      name: Flash light
      description: Borrow the flash light.
      target: portal
      owner: olga
      entitlement: administrator
      eligible: {teams: [engineers]}
      system_approval:
        - {name: short loans, max_minutes: 10}
      max_minutes: 60
      risk: low
    cabinet:
      name: Key cabinet
      description: Hold the keys of the building for a while.
      target: building
      owner: olga
      entitlement: cabinet
      eligible: {teams: [engineers]}
      stages:
        - {name: keeper, decides: {team: keepers}}
        - {name: manager, decides: manager}
      max_days: 14
      recommended_days: 2
      risk: high
    rescue:
      name: Rescue
      description: For an outage alone.
      target: building
      owner: olga
      entitlement: rescue
      eligible: {teams: [engineers]}
      max_minutes: 60
      risk: high
"""


def build(policy: str = POLICY) -> dict[str, Person]:
    """Everybody, and the policy."""
    actor = system()
    made: dict[str, Person] = {}
    for username, manager, zone in [
        ("mona", None, "UTC"),
        ("ed", "mona", "Europe/Berlin"),
        ("eve", "mona", "UTC"),
        ("kai", None, "UTC"),
        ("olga", None, "UTC"),
        ("sam", None, "UTC"),
    ]:
        made[username] = people.create_person(
            actor=actor,
            username=username,
            name=f"{username.title()} Test",
            email=f"{username}@example.test",
            manager=made[manager] if manager else None,
            time_zone=zone,
        )
    for key, members in {"engineers": ["ed", "eve"], "keepers": ["kai"]}.items():
        team = people.create_team(actor=actor, key=key, name=key.title())
        for username in members:
            people.join_team(actor=actor, person=made[username], team=team)
    policies.bootstrap(actor=actor, text=policy, note="The first.")
    return made


def person(username: str) -> Person:
    return Person.objects.get(username=username)


def ask(username: str = "ed", role: str = "operator", **wishes: Any) -> AccessRequest:
    row = Role.objects.get(key=role)
    plain: dict[str, Any] = {
        "role_key": role,
        "pathway": Pathway(row.pathway),
        "scope": "left" if role == "cage" else "all",
        "start_mode": StartMode.AT_ONCE,
        "minutes": 30,
        "justification": WHY,
        "ticket": "CHG-7" if role == "lift" else "",
    }
    return requests.submit(actor=person(username), ask=Ask(**{**plain, **wishes}))


def approve(request: AccessRequest, *usernames: str, minutes: int | None = None) -> AccessRequest:
    for username in usernames or ("mona",):
        request = AccessRequest.objects.get(pk=request.pk)
        decisions.decide(
            actor=person(username),
            request=request,
            verdict=Verdict.APPROVE,
            digest=decisions.seen_digest(request),
            minutes=minutes,
        )
    return AccessRequest.objects.get(pk=request.pk)


def send_back(request: AccessRequest, reason: str = "Which rack?") -> AccessRequest:
    decisions.decide(
        actor=person("mona"),
        request=request,
        verdict=Verdict.SEND_BACK,
        digest=decisions.seen_digest(request),
        reason=reason,
    )
    return AccessRequest.objects.get(pk=request.pk)


def work() -> None:
    """One round of the worker: removals, then grants, on every target."""
    for target in Target.objects.order_by("pk"):
        for lane in ("removal", "grant"):
            leases.converge(target_id=target.pk, lane=lane, worker="tests")


def held(username: str = "ed", role: str = "operator", **wishes: Any) -> Grant:
    """A grant that is live, where the portal is the target."""
    request = approve(ask(username, role, **wishes))
    work()
    return Grant.objects.get(request=request)


def ready(username: str = "ed", role: str = "cage", **wishes: Any) -> Grant:
    """A grant that waits for its holder's click, for two hours from now."""
    now = clock.now()
    window = {"start_mode": StartMode.ON_CLICK, "opens_at": now, "closes_at": now + timedelta(hours=2)}
    return Grant.objects.get(request=approve(ask(username, role, **{**window, **wishes})))


def carried_out() -> None:
    """Whatever a person has to do on a target is done by the roles' owner."""
    work()
    for task in ManualTask.objects.filter(done_at=None, dropped_at=None):
        manual.confirm(actor=person("olga"), task=task, note="Done at the desk.")
    work()


def review() -> AfterUseReview:
    """The review of a high-risk grant that was used and handed back."""
    grant = Grant.objects.get(request=approve(ask(role="cabinet"), "kai", "mona"))
    carried_out()
    grants.hand_back(actor=person("ed"), grant=grant, note="Done.")
    carried_out()
    return AfterUseReview.objects.get(grant=grant)


def hand_back(username: str) -> None:
    """This person hands all of theirs back."""
    for grant in Grant.objects.unfinished().filter(person__username=username):
        grants.hand_back(actor=person(username), grant=grant)
    work()

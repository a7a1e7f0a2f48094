"""A portal of a large company, for benches: many roles, people, waiting requests, grants and a past.

The people, the policy and the first request are made by the operations; the rest are rows like theirs, put in
at once with the guards taken off: making them one by one would take an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bench import bench_find
from bench.bench_queue import multiply
from bench.past import Past
from bench.planner import gather_statistics
from jitportal.audit.guards import installing
from jitportal.models import AccessRequest, Grant, Membership, Notice, Person, RoleScope, StandingPower, Team
from jitportal.operations import clock, people, requests
from jitportal.operations.requests import Ask
from jitportal.rules.notices import MAIL, TO_DECIDE
from jitportal.rules.vocabulary import GrantStatus, Pathway, Power, StartMode

#: So many grants are in force, where there were as many.
IN_FORCE = 300


@dataclass(frozen=True, slots=True)
class Cast:
    """Who looks: one who asks, their manager, who decides all that waits, and who runs the portal."""

    engineer: Person
    manager: Person
    administrator: Person


def kept() -> Cast | None:
    """Who was made here before; None: nobody was."""
    found = Person.objects.in_bulk(["ed", "olga", "root"], field_name="username")
    if len(found) < 3:
        return None
    installing.remove()
    _hold(found["ed"])
    return Cast(found["ed"], found["olga"], found["root"])


def make(*, roles: int, number_of_people: int, pending: int, past: int) -> Cast:
    installing.remove()
    engineer = bench_find.prepare_portal(roles)
    manager = Person.objects.get(username="olga")
    administrator = people.first_administrator(
        username="root", name="Ruth Root", password="correct horse battery"
    )
    now = clock.now()
    StandingPower.objects.bulk_create(
        StandingPower(person=administrator, power=power, reason="The bench.", given_at=now)
        for power in Power
        if power is not Power.ADMINISTRATOR
    )
    others = Person.objects.bulk_create(
        Person(username=f"p{one}", name=f"Person {one} Longer-Familyname", manager=manager)
        for one in range(number_of_people)
    )
    team = Team.objects.get(key="engineers")
    Membership.objects.bulk_create(Membership(team=team, person=one, since=now) for one in others)
    scopes = list(RoleScope.objects.select_related("role__target", "role__policy_version").order_by("pk"))
    asked = _ask(engineer)
    Past([manager, engineer, *others], scopes, asked.asked.stages).make(past)
    _hold(engineer)
    _wait(asked, manager, others, scopes, pending)
    gather_statistics()
    return Cast(engineer, manager, administrator)


def _ask(engineer: Person) -> AccessRequest:
    why = "The nightly export fails since Tuesday, and I look for the rows that stop it. " * 3
    ask = Ask("role-0", Pathway.JIT, "left", StartMode.AT_ONCE, 30, why)
    return requests.submit(actor=engineer, ask=ask)


def _wait(
    request: AccessRequest, manager: Person, others: list[Person], scopes: list[RoleScope], pending: int
) -> None:
    """Requests like this one; each has told the manager."""
    each = -(-pending // len(others))
    wanted = [
        (person, scopes[(number * 37 + one) % len(scopes)])
        for number, person in enumerate(others)
        for one in range(each)
    ]
    multiply(request.pk, wanted[:pending])
    waiting = AccessRequest.objects.pending().exclude(pk=request.pk).select_related("requester", "role")
    Notice.objects.bulk_create(_told(one, manager) for one in waiting)


def _told(request: AccessRequest, manager: Person) -> Notice:
    return Notice(
        key=f"busy-{request.pk}",
        recipient=manager,
        channel=MAIL,
        kind=TO_DECIDE,
        request=request,
        subject=f"{request.requester} asks for {request.role}",
        body="A request waits for you.",
        path=f"/requests/{request.pk}/",
        created_at=request.created_at,
        due_at=request.created_at,
        sent_at=request.created_at,
    )


def _hold(engineer: Person) -> None:
    """What was granted last is in force still, of the engineer's too."""
    now, last = clock.now(), Grant.objects.order_by("-pk").values_list("pk", flat=True)
    keys = [*last[:IN_FORCE], *last.filter(person=engineer)[:1]]
    Grant.objects.filter(pk__in=keys).update(
        status=GrantStatus.ACTIVE,
        opens_at=now - timedelta(minutes=5),
        closes_at=now - timedelta(minutes=5),
        starts_at=now - timedelta(minutes=5),
        ends_at=now + timedelta(minutes=25),
        latest_end_at=now + timedelta(minutes=25),
        live_at=now - timedelta(minutes=5),
        stopped_at=None,
        end_reason="",
        verified_absent_at=None,
        ended_at=None,
    )

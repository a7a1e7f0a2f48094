"""The small world and what else pages show: every state of a request, long and right-to-left words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jitportal.models import AccessRequest, PolicyVersion, Team
from jitportal.operations import clock, decisions, grants, people, policies, problems, requests
from jitportal.operations.requests import Ask
from jitportal.rules.vocabulary import Pathway, StartMode, Verdict
from tests.web.world import World, approve, ask, carried_out, converge, in_emergency, small_world
from tests.web.world_policy import POLICY

LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 8
STAFF = {
    "yara": "يارا عبد الرحمن",
    "lars": "Lars-Emanuel Wolkenstein von und zu Hohenlohe-Langenburg",
    "bent": "Bent Nielsen",
}


def company() -> World:
    """Whatever a page may have to show, somebody has it here."""
    world = in_emergency(small_world())
    _more_people(world)
    _earlier(world)
    _waiting(world)
    _late(world)
    policies.reject(actor=world["polly"], version=_proposal(world), reason="Half an hour is too short.")
    return world


def _more_people(world: World) -> None:
    root = world["root"]
    engineers = Team.objects.get(key="engineers")
    for username, name in STAFF.items():
        person = people.create_person(
            actor=root,
            username=username,
            name=name,
            email=f"{username}@example.test",
            manager=world["mona"],
        )
        people.join_team(actor=root, person=person, team=engineers)
        world.people[username] = person


def _earlier(world: World) -> None:
    """Requests and grants that ended in each of the ways there are."""
    with clock.moved(by=timedelta(days=-2)):
        requests.withdraw(actor=world["bent"], request=ask(world, "bent", "door"), reason="Not needed.")
        _verdict(world, ask(world, "bent", "door"), Verdict.DENY, "The room is being painted.")
        ask(world, "bent", "door")  # nobody decides
        used = approve(world, ask(world, "lars", "door"), "mona").grant
        carried_out(world, used)
        grants.revoke(actor=world["mona"], grant=used, reason=LONG)
        carried_out(world, used)
    with clock.moved(by=timedelta(days=-1)):
        approve(world, ask(world, "yara", "cage", **_window()), "mona")
    requests.lapse_due()
    grants.pass_unused()


def _waiting(world: World) -> None:
    """Requests that wait: sent back, revised, for another day, at length and from right to left."""
    ask(world, "yara", "cabinet", justification="أحتاج إلى مفتاح الخزانة لاستبدال القفل المكسور.")
    ask(world, "lars", "cabinet", justification=f"{LONG} {LONG}", ticket="CHG-20261122-ALPHA")
    later = clock.now() + timedelta(hours=5)
    ask(world, "bent", "cage", scope="right", start_mode=StartMode.SCHEDULED, opens_at=later)
    returned = ask(world, "lars", "door")
    _verdict(world, returned, Verdict.SEND_BACK, "Which rack is it about?")
    wishes = Ask("door", Pathway.JIT, "all", StartMode.AT_ONCE, 20, "Rack 12, the lowest server in it.")
    requests.edit(actor=world["lars"], request=returned, ask=wishes, revision=1)
    _verdict(world, ask(world, "yara", "door"), Verdict.SEND_BACK, "Which rack is it about?")


def _late(world: World) -> None:
    """Access that should have been taken away by hand, and wasn't."""
    with clock.moved(by=timedelta(hours=-2)):
        held = approve(world, ask(world, "bent", "cage"), "mona").grant
        carried_out(world, held)
    grants.expire_due()
    converge(held)
    problems.page_late()


def _proposal(world: World) -> PolicyVersion:
    changed = POLICY.replace("max_minutes: 60\n      risk: medium", "max_minutes: 30\n      risk: medium", 1)
    return policies.propose(actor=world["paul"], text=changed, note="Shorter visits.")


def _window() -> dict[str, Any]:
    now = clock.now()
    return {
        "start_mode": StartMode.ON_CLICK,
        "opens_at": now,
        "closes_at": now + timedelta(hours=2),
    }


def _verdict(world: World, request: AccessRequest, verdict: Verdict, reason: str) -> None:
    decisions.decide(
        actor=world["mona"],
        request=request,
        verdict=verdict,
        digest=decisions.seen_digest(request),
        reason=reason,
    )

"""The seats that a request's stages still have, and who could take them: one person counts once."""

from __future__ import annotations

from jitportal.models import AccessRequest, Person
from jitportal.operations.directory import live_deciders
from jitportal.operations.facts import stage_rules
from jitportal.rules.deciders import enough_people
from jitportal.rules.permissions import Allowed, Answer, Denied
from jitportal.rules.vocabulary import Verdict

Seats = list[tuple[frozenset[str], int]]


def spared(person: Person, request: AccessRequest) -> Answer:
    """Whether the stages can still be filled once this person has approved the open one.

    Somebody who alone can decide a later stage would leave the request to lapse there.
    """
    free = _free_seats(request)
    (eligible, people), *later = free
    after = [(eligible, people - 1), *later]
    without = [(others - {person.username}, number) for others, number in after]
    if enough_people(without) or not enough_people(free):
        return Allowed()
    others = Person.objects.filter(username__in=eligible - {person.username}).order_by("name")
    return Denied(
        "You are needed in a later stage, which too few others can decide, and one person counts once. "
        f"Leave this stage to {' or '.join(str(other) for other in others)}."
    )


def decided_before(person: Person, request: AccessRequest) -> bool:
    """Whether the request has passed a stage that this person could have decided."""
    for index in range(request.stage):
        rules, owner = stage_rules(request, index)
        if person.username in live_deciders(rules, request.requester, owner):
            return True
    return False


def _free_seats(request: AccessRequest) -> Seats:
    """From the open stage on: who can still decide each stage that people decide, and how many it needs."""
    given = list(
        request.asked.approvals.filter(by_system=False, verdict=Verdict.APPROVE).values_list(
            "stage", "person__username"
        )
    )
    decided = {username for _, username in given}
    seats: Seats = []
    for index in range(request.stage, len(request.asked.stages)):
        stage = request.asked.stages[index]
        if stage["system_rule"]:
            continue
        rules, owner = stage_rules(request, index)
        eligible = live_deciders(rules, request.requester, owner) - decided
        seats.append((eligible, stage["people"] - sum(1 for at, _ in given if at == index)))
    return seats

"""The seats that a request's stages still have, and who could take them: one person counts once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jitportal.models import AccessRequest, Approval, Person
from jitportal.operations import clock, own_hands
from jitportal.operations.directory import directory_for, live_deciders
from jitportal.operations.facts import stage_rules
from jitportal.rules.deciders import DeciderRules, Directory, PersonFacts, deciders_of, enough_people
from jitportal.rules.permissions import Allowed, Answer, Denied
from jitportal.rules.vocabulary import Verdict

#: What was given on one revision: stage, who gave it and for whom, of each approval by a person.
Given = list[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Stuck:
    """A pending request that too few people can decide; ``stage`` is the first that stays short. ``barred``:
    others could, but would be a second person in name alone.
    """

    request: AccessRequest
    index: int
    stage: str
    barred: bool = False


def spared(person: Person, request: AccessRequest, on_behalf_of: Person | None = None) -> Answer:
    """Whether the stages can still be filled once this person has approved the open one, in their own
    right or for another: both count for it.

    Somebody who alone can decide a later stage would leave the request to lapse there.
    """
    free = [(eligible, people) for _, eligible, people in _free_seats([request])[request.pk]]
    (eligible, people), *later = free
    after = [(eligible, people - 1), *later]
    gone = {person.username, (on_behalf_of or person).username}
    without = [(others - gone, number) for others, number in after]
    if enough_people(without) or not enough_people(free):
        return Allowed()
    others = Person.objects.filter(username__in=eligible - {person.username}).order_by("name")
    return Denied(
        "You are needed in a later stage, which too few others can decide, and one person counts once. "
        f"Leave this stage to {' or '.join(str(other) for other in others)}."
    )


def stuck(requests: Iterable[AccessRequest]) -> list[Stuck]:
    """Those of the pending requests whose stages can't all be filled by those who are there now."""
    rows = list(requests)
    free = _free_seats(rows)
    known = {row.requester.username for row in rows}
    known |= {username for seats in free.values() for _, eligible, _ in seats for username in eligible}
    hands = own_hands.among(known, clock.now())
    found = []
    for request in rows:
        barred = hands.barred(request.requester.username, known)
        seats = free[request.pk]
        for number, (index, _eligible, _people) in enumerate(seats, start=1):
            some = [(eligible, people) for _, eligible, people in seats[:number]]
            if not enough_people([(eligible - barred, people) for eligible, people in some]):
                name = str(request.asked.stages[index]["name"])
                found.append(Stuck(request, index, name, barred=enough_people(some)))
                break
    return found


def decided_before(person: Person, request: AccessRequest) -> bool:
    """Whether the request has passed a stage that this person could have decided."""
    for index in range(request.stage):
        rules, owner = stage_rules(request, index)
        if person.username in live_deciders(rules, request.requester, owner):
            return True
    return False


def _free_seats(requests: Iterable[AccessRequest]) -> dict[int, list[tuple[int, frozenset[str], int]]]:
    """By request, from the open stage on: each stage that people decide, who still can, and how many it
    needs. However many requests there are, the directory and the approvals are read once.
    """
    rows = list(requests)
    open_stages = {
        row.pk: [
            index
            for index in range(row.stage, len(row.asked.stages))
            if not row.asked.stages[index]["system_rule"]
        ]
        for row in rows
    }
    rules = {(row.pk, index): stage_rules(row, index) for row in rows for index in open_stages[row.pk]}
    managers = {row.pk: row.requester.manager.username if row.requester.manager else None for row in rows}
    directory = directory_for(
        (rule for named, _ in rules.values() for rule in named),
        [*managers.values(), *(owner for _, owner in rules.values())],
    )
    given = _given(rows)
    return {
        row.pk: [
            (index, *_seats_of(row, index, rules[row.pk, index], managers[row.pk], directory, given))
            for index in open_stages[row.pk]
        ]
        for row in rows
    }


def _seats_of(
    request: AccessRequest,
    index: int,
    named: tuple[list[DeciderRules], str],
    manager: str | None,
    directory: Directory,
    given: Mapping[int, Given],
) -> tuple[frozenset[str], int]:
    rules, owner = named
    requester = PersonFacts(request.requester.username, active=True, manager=manager)
    approvals = given.get(request.asked.pk, [])
    decided = {username for _, *both in approvals for username in both}
    eligible = deciders_of(rules, requester, owner, directory) - decided
    needed = int(request.asked.stages[index]["people"])
    return eligible, needed - sum(1 for at, *_ in approvals if at == index)


def _given(requests: list[AccessRequest]) -> dict[int, Given]:
    given: dict[int, Given] = {}
    approvals = Approval.objects.filter(
        revision__in=[row.asked.pk for row in requests], by_system=False, verdict=Verdict.APPROVE
    )
    columns = ("revision_id", "stage", "person__username", "on_behalf_of__username")
    for revision, stage, username, delegator in approvals.values_list(*columns):
        given.setdefault(revision, []).append((stage, username, delegator or username))
    return given

"""An approver's queue: each row says all that most decisions need, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.urls import reverse

from jitportal.models import AccessRequest, Approval, Grant, Person, RequestRevision
from jitportal.operations import queue, targets
from jitportal.operations.queue import Sought
from jitportal.rules.vocabulary import EnforcementPlan, Verdict
from jitportal.web.forms.queue import QueueFilter
from jitportal.web.paging import Page, newer, position

#: Where the last of one's own fill a page, one of the others' stands on it too.
REQUESTS_A_PAGE = 25
#: What a position among the requests that others decide begins with: they come after one's own.
OTHERS = "others"
#: The parameters that say which requests are listed, in the order of the address.
LISTED = ("show", "who", "role", "target", "pathway", "risk", "after")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """``missing`` more people have to approve the open stage; ``number`` of ``of`` stages is open.

    ``whose`` says why it isn't the viewer's to decide; empty: it is. ``on_behalf_of``: for whom they would.
    """

    access_request: AccessRequest
    revision: RequestRevision
    number: int
    of: int
    missing: int
    used_before: int
    holders: int
    plan: EnforcementPlan
    whose: str
    on_behalf_of: Person | None


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on, and the address without it."""

    label: str
    value: str
    without: str


def queue_page(
    person: Person, now: datetime, wanted: Sought, *, everybodys: bool = False, after: str = ""
) -> Page[QueueRow]:
    """A page of what is looked for: what this person decides; then, if wanted, what others decide."""
    if everybodys and after.startswith(f"{OTHERS}-"):
        found = _page_of(_others(person, now, wanted), after.removeprefix(f"{OTHERS}-"), REQUESTS_A_PAGE)
        return Page(rows_of(found.rows, person, now, mine=()), _later(found.following), first=False)
    found = _page_of(queue.sought(queue.queue_for(person, now), wanted), after, REQUESTS_A_PAGE)
    requests, following = list(found.rows), found.following
    if everybodys and not following:
        rest = _page_of(_others(person, now, wanted), "", REQUESTS_A_PAGE + 1 - len(requests))
        requests += rest.rows
        following = _later(rest.following)
    ours = {request.pk for request in found.rows}
    return Page(rows_of(requests, person, now, mine=ours), following, found.first)


def _others(person: Person, now: datetime, wanted: Sought) -> QuerySet[AccessRequest]:
    return queue.sought(queue.others_for(person, now), wanted)


def _page_of(rows: QuerySet[AccessRequest], place: str, size: int) -> Page[AccessRequest]:
    return newer(with_related(rows), "wanted_at", after=position(place), size=size)


def with_related(rows: QuerySet[AccessRequest]) -> QuerySet[AccessRequest]:
    """The requests with all that a row and a decision about them read. Not with the policy that each was made
    under: its text may be long, and would come with every row.
    """
    return rows.select_related(
        "requester__manager", "role__target__health", "scope__entitlement", "current", "renewal_of"
    )


def _later(following: str) -> str:
    return f"{OTHERS}-{following}" if following else ""


def rows_of(
    requests: Sequence[AccessRequest], person: Person, now: datetime, mine: Iterable[int]
) -> list[QueueRow]:
    """A row for each request whose stage is open; ``mine`` are the ids of those that are the person's."""
    used, held, given = _used(requests), _held(requests, now), _given(requests)
    ours, decided = set(mine), _decided(requests, person) if len(requests) > len(set(mine)) else set()
    for_whom = queue.stood_in_for(person, [one for one in requests if one.pk in ours], now) if ours else {}
    plans: dict[tuple[int, int], EnforcementPlan] = {}
    rows = []
    for request in requests:
        revision = request.current
        if revision is None or request.stage >= len(revision.stages):
            continue
        place = (request.role_id, request.scope_id)
        if place not in plans:
            plans[place] = targets.plan_for(request.role, request.scope)
        rows.append(
            QueueRow(
                access_request=request,
                revision=revision,
                number=request.stage + 1,
                of=len(revision.stages),
                missing=_missing(request, revision, given),
                used_before=used.get((request.requester_id, request.role_id), 0),
                holders=held.get(place, 0),
                plan=plans[place],
                whose="" if request.pk in ours else _whose(request, person, decided),
                on_behalf_of=for_whom.get(request.pk),
            )
        )
    return rows


def _missing(request: AccessRequest, revision: RequestRevision, given: dict[tuple[int, int], int]) -> int:
    people = int(revision.stages[request.stage]["people"])
    return max(0, people - given.get((revision.pk, request.stage), 0))


def _whose(request: AccessRequest, person: Person, decided: set[int]) -> str:
    if request.requester_id == person.pk:
        return "your own: others decide"
    return "you have decided" if request.current_id in decided else "others decide"


def _used(requests: Sequence[AccessRequest]) -> dict[tuple[int, int], int]:
    """How often each requester has held each role before."""
    started = Grant.objects.filter(
        person__in={request.requester_id for request in requests},
        role__in={request.role_id for request in requests},
        starts_at__isnull=False,
    )
    counted = started.values_list("person_id", "role_id").annotate(times=Count("pk")).order_by()
    return {(person, role): times for person, role, times in counted}


def _held(requests: Sequence[AccessRequest], now: datetime) -> dict[tuple[int, int], int]:
    """How many people hold each role and scope by the clock."""
    held = Grant.objects.in_force(now).filter(role__in={request.role_id for request in requests})
    counted = held.values_list("role_id", "scope_id").annotate(people=Count("person", distinct=True))
    return {(role, scope): people for role, scope, people in counted.order_by()}


def _given(requests: Sequence[AccessRequest]) -> dict[tuple[int, int], int]:
    """How many people have approved each revision's stages."""
    given = Approval.objects.filter(
        revision__in={request.current_id for request in requests}, verdict=Verdict.APPROVE
    )
    counted = given.values_list("revision_id", "stage").annotate(people=Count("person", distinct=True))
    return {(revision, stage): people for revision, stage, people in counted.order_by()}


def _decided(requests: Sequence[AccessRequest], person: Person) -> set[int]:
    """The revisions on which this person has given a verdict."""
    revisions = {request.current_id for request in requests}
    given = Approval.objects.filter(person=person, revision__in=revisions, by_system=False)
    return set(given.values_list("revision_id", flat=True))


# The address, which keeps the filters and the choice


def address(parameters: QueryDict, **changed: str) -> str:
    """The queue's address with these filters, and with what else is said of it; empty values left out."""
    kept = {name: parameters.get(name, "") for name in LISTED} | changed
    said = urlencode({name: value for name, value in kept.items() if value})
    return f"?{said}" if said else "?"


def queue_address(back: str) -> str:
    """The queue as a form remembers it; whatever else the text says is left out."""
    said = QueryDict(back.removeprefix("?"))
    return f"{reverse('queue')}{address(said, chosen=said.get('chosen', ''))}".removesuffix("?")


def chips(form: QueueFilter, parameters: QueryDict) -> list[Chip]:
    """The filters that are on, each with the address that takes it away."""
    on = {name: value for name, value in form.read.items() if name != "show" and value}
    return [
        Chip(
            str(form.fields[name].label or name).capitalize(),
            str(value).capitalize() if name in ("pathway", "risk") else str(value),
            address(parameters, **{name: "", "after": ""}),
        )
        for name, value in on.items()
    ]

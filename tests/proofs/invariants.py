"""What must be so after every step, whatever has happened: the design's invariants, read from outside."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, Model

from jitportal.models import (
    AccessRequest,
    Activation,
    AfterUseReview,
    Approval,
    Entry,
    Event,
    Grant,
    Lease,
    Person,
)
from jitportal.operations import policies, wants
from jitportal.operations.claims import CLAIM
from jitportal.operations.confirming import REMOVAL_BACKOFF
from jitportal.rules.lifecycle import TABLES, is_terminal
from jitportal.rules.vocabulary import (
    ActivationStatus,
    GrantStatus,
    Pathway,
    Presence,
    RequestStatus,
    Verdict,
)
from tests.operations.memory_target import MemoryTarget

#: What is set once and then stays.
ONCE = (
    "account",
    "lease_id",
    "starts_at",
    "ends_at",
    "stopped_at",
    "end_reason",
    "live_at",
    "verified_absent_at",
    "ended_at",
)
FALLING = ("minutes", "cap_minutes", "latest_end_at")
#: A removal is tried at least this often; a claim holds that long, and a second for the way.
SOONEST = max(timedelta(seconds=REMOVAL_BACKOFF), CLAIM) + timedelta(seconds=1)
NOUNS: Mapping[str, type[Model]] = {
    "request": AccessRequest,
    "grant": Grant,
    "after-use review": AfterUseReview,
    "activation": Activation,
}


@dataclass
class Watch:
    """Compares each state with the one before it."""

    seen: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    event_id: int = 0
    entry_id: int = 0

    def begin(self) -> None:
        self.event_id, self.entry_id = _last(Event), _last(Entry)

    def check(self, now: datetime, target: MemoryTarget) -> None:
        grants = list(
            Grant.objects.select_related("request__current__policy_version", "role", "person", "lease")
        )
        self._changes()
        _requests()
        _grants(grants, now)
        _windows(grants)
        _chains(grants)
        _target(grants, now, target)
        emergencies(now)

    def _changes(self) -> None:
        """Every change of state has an event and an entry; nothing moves back, and what is set stays."""
        told, entered = self._told(), self._entered()
        for noun, model in NOUNS.items():
            rows = model._default_manager.values()
            for row in rows:
                key = (noun, int(row["id"]))
                before = self.seen.get(key)
                if before is None or before["status"] != row["status"]:
                    assert key in told, f"{noun} {row['id']} became {row['status']} without an event"
                    assert (model, row["id"]) in entered, f"{noun} {row['id']} changed without an entry"
                if before is not None:
                    _check_step(noun, before, row)
                self.seen[key] = row

    def _told(self) -> set[tuple[str, int]]:
        told: set[tuple[str, int]] = set()
        for event in Event.objects.filter(pk__gt=self.event_id).order_by("pk"):
            self.event_id = event.pk
            assert event.actor_id is not None
            assert event.correlation_id
            told |= {("request", event.request_id or 0), ("grant", event.grant_id or 0)}
            told.add(("activation", event.activation_id or 0))
            if event.verb.startswith("review."):
                told |= {("after-use review", pk) for pk in _reviews_of(event.grant_id)}
        return told

    def _entered(self) -> set[tuple[type[Model] | None, int]]:
        entered = set()
        for entry in Entry.objects.filter(pk__gt=self.entry_id).order_by("pk"):
            self.entry_id = entry.pk
            kind = ContentType.objects.get_for_id(entry.content_type_id).model_class()
            entered.add((kind, int(entry.object_id or 0)))
        return entered


def _last(model: Any) -> int:
    return int(model.objects.aggregate(last=Max("id"))["last"] or 0)


def _reviews_of(grant_id: int | None) -> list[int]:
    return list(AfterUseReview.objects.filter(grant=grant_id).values_list("pk", flat=True))


def _check_step(noun: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    what = f"{noun} {after['id']}"
    if before["status"] != after["status"]:
        steps = {str(state): follow for state, follow in TABLES[noun].items()}
        # Several steps may lie between two looks; none of them leads out of a terminal state.
        assert not is_terminal(noun, before["status"]), f"{what} came back from {before['status']}"
        assert after["status"] in {str(state) for state in _reachable(steps, before["status"])}, what
    if noun == "grant":
        for name in ONCE:
            assert before[name] in (None, "") or before[name] == after[name], f"{what}: {name} moved"
        for name in FALLING:
            assert after[name] <= before[name], f"{what}: {name} rose"
    if noun == "request" and before["current_id"] == after["current_id"]:
        assert after["minutes"] <= before["minutes"], f"{what}: minutes rose within a revision"
        assert after["stage"] >= before["stage"], f"{what}: a stage was reopened"


def _reachable(steps: Mapping[str, Any], state: str) -> set[str]:
    found, todo = set(), [state]
    while todo:
        for follow in steps[todo.pop()]:
            if str(follow) not in found:
                found.add(str(follow))
                todo.append(str(follow))
    return found


def _requests() -> None:
    open_ones: set[tuple[int, int, int]] = set()
    approvals: dict[int, list[Approval]] = defaultdict(list)
    for approval in Approval.objects.select_related("request"):
        approvals[approval.revision_id].append(approval)
        assert approval.person_id != approval.request.requester_id, "somebody decided on their own request"
    for request in AccessRequest.objects.select_related("current"):
        if request.status in (RequestStatus.PENDING, RequestStatus.SENT_BACK):
            key = (request.requester_id, request.role_id, request.scope_id)
            assert key not in open_ones, f"two open requests: {key}"
            open_ones.add(key)
        given = approvals[request.asked.pk]
        people = [approval.person_id for approval in given if not approval.by_system]
        assert len(people) == len(set(people)), f"request {request.pk}: one person counted twice"
        approved = request.status == RequestStatus.APPROVED
        assert Grant.objects.filter(request=request).count() == int(approved)
        if approved:
            _filled(request, given)


def _filled(request: AccessRequest, given: list[Approval]) -> None:
    for stage in request.asked.stages:
        at = {a.person_id for a in given if a.stage == stage["index"] and a.verdict == Verdict.APPROVE}
        assert len(at) >= (1 if stage["system_rule"] else stage["people"]), f"request {request.pk}"
    assert request.minutes == min([request.asked.minutes, *(a.minutes or 10**9 for a in given)])


def _grants(grants: list[Grant], now: datetime) -> None:
    active = set(Person.objects.filter(is_active=True).values_list("pk", flat=True))
    for grant in grants:
        assert (grant.request is None) is (grant.activation is not None)
        asked = grant.request or grant.activation
        assert asked is not None
        assert grant.minutes <= min(grant.cap_minutes, asked.minutes)
        if grant.starts_at is None or grant.ends_at is None:
            continue
        assert grant.starts_at < grant.ends_at <= grant.latest_end_at
        assert grant.ends_at - grant.starts_at <= timedelta(minutes=grant.minutes)
        assert grant.opens_at <= grant.starts_at <= grant.closes_at
        assert not (grant.entitles(now) and grant.person_id not in active), "who left still holds something"
        if grant.status == GrantStatus.ENDED:
            assert grant.ended_at is not None
            assert grant.stopped_at is not None


def emergencies(now: datetime) -> None:
    """Every use of break-glass is whole, follows its grant, and is alone with its account."""
    opened = Counter(
        Event.objects.filter(verb="emergency.opened").order_by().values_list("activation", flat=True)
    )
    used: dict[int, list[Activation]] = defaultdict(list)
    rows = Activation.objects.select_related("role", "policy_version", "grant", "review")
    for activation in rows.order_by("pk"):
        used[activation.account_id].append(activation)
        assert activation.review.opened_at == activation.opened_at
        rules = policies.document_of(activation.policy_version).roles[activation.role.key]
        assert activation.role.pathway == rules.pathway == Pathway.BREAK_GLASS
        assert opened[activation.pk] == 1
        assert activation.opened_at < activation.ends_at
        assert activation.ends_at - activation.opened_at <= timedelta(minutes=rules.max_minutes)
        grant = activation.grant
        assert (grant.starts_at, grant.ends_at) == (activation.opened_at, activation.ends_at)
        assert (grant.stopped_at, grant.end_reason) == (activation.stopped_at, activation.end_reason)
        assert (grant.status == GrantStatus.ENDED) is (activation.status == ActivationStatus.ENDED)
        assert grant.entitles(now) is activation.entitles(now)
    for account, activations in used.items():
        spans = sorted((one.opened_at, one.stopped_at or one.ends_at) for one in activations)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), account


def _windows(grants: list[Grant]) -> None:
    spans: dict[tuple[int, int, int], list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for grant in grants:
        if grant.starts_at is not None and grant.ends_at is not None:
            end = grant.stopped_at or grant.ends_at
            if end > grant.starts_at:
                key = (grant.person_id, grant.role_id, grant.scope_id)
                spans[key].append((grant.starts_at, end, grant.pk))
    for key, held in spans.items():
        held.sort()
        for (_, end, first), (start, _, second) in itertools.pairwise(held):
            assert end <= start, f"grants {first} and {second} of {key} overlap"


def _chains(grants: list[Grant]) -> None:
    by_key = {grant.pk: grant for grant in grants}
    for grant in grants:
        if grant.pathway == Pathway.BREAK_GLASS:
            continue  # each extension is an activation of its own, with a review
        rules = policies.rules_of(grant)
        total, link = 0, grant
        while True:
            total += link.minutes
            if link.renewal_of_id is None:
                break
            link = by_key[link.renewal_of_id]
        assert grant.renewal_of_id is None or total <= rules.max_total_minutes, f"grant {grant.pk}"


def _target(grants: list[Grant], now: datetime, target: MemoryTarget) -> None:
    """What is promised against what is held. A target that fences never holds what has ended."""
    leases = {lease.handle: lease for lease in Lease.objects.filter(target__key="rack")}
    of_lease: dict[int, list[Grant]] = defaultdict(list)
    for grant in grants:
        of_lease[grant.lease_id or 0].append(grant)
    for handle, held in target.held.items():
        lease = leases[handle]
        own = of_lease[lease.pk]
        assert (held.account, held.entitlement) == (lease.account, lease.entitlement)
        if held.until is None:
            continue
        assert held.until <= max(grant.ends_at for grant in own if grant.ends_at), (
            f"{handle} is held too long"
        )
        unfinished = [grant for grant in own if grant.status != GrantStatus.ENDED]
        if target.fences:
            assert unfinished, f"{handle} is held, and every grant of it is said to have ended"
            promised = max(grant.ends_at for grant in unfinished if grant.ends_at)
            assert held.until <= promised, f"{handle} is held longer than what hasn't ended"
        if not any(grant.entitles(now) for grant in own):
            _remembered(lease, now, fences=target.fences)
    for grant in grants:
        if grant.status == GrantStatus.ACTIVE and grant.entitles(now) and grant.lease and target.fences:
            known = target.held.get(grant.lease.handle)
            if grant.lease.handle in leases:
                assert known is not None, f"grant {grant.pk} is said to be live, and isn't"
                assert known.until is not None
                assert grant.ends_at is not None
                assert known.until >= grant.ends_at


def _remembered(lease: Lease, now: datetime, *, fences: bool) -> None:
    """What is held without a grant is about to be taken away."""
    known_gone = lease.presence == Presence.ABSENT and lease.due_at is None
    assert not known_gone, f"{lease.handle} is held and forgotten"
    if fences:
        assert lease.due_at is not None, f"{lease.handle} is held, and nothing is due"
        soon = max(lease.due_at, lease.claimed_until or lease.due_at)
        assert soon <= now + SOONEST, f"{lease.handle} is held, and waits until {lease.due_at}"


def check_settled(now: datetime, target: MemoryTarget) -> None:
    """Nothing is left to do: the target holds exactly what the grants entitle to, and no longer."""
    leases = list(Lease.objects.filter(target__key="rack"))
    spans = wants.spans_of(leases)
    wanted = {
        lease.handle: until
        for lease in leases
        if (until := wants.wanted_until(spans.get(lease.pk, []), now)) is not None
    }
    assert {handle: held.until for handle, held in target.held.items()} == wanted
    for lease in leases:
        assert (lease.presence == Presence.PRESENT) == (lease.handle in wanted), lease.handle
        assert lease.held_until == wanted.get(lease.handle)
        assert lease.failing_since is None
    for grant in Grant.objects.filter(role__target__key="rack"):
        if grant.entitles(now):
            assert grant.status == GrantStatus.ACTIVE, f"grant {grant.pk} is {grant.status}"
        elif grant.starts_at is not None and grant.starts_at <= now:
            assert grant.status == GrantStatus.ENDED, f"grant {grant.pk} is {grant.status}"

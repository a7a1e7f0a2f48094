"""Where a pending request stands, read once for a page: who has decided, who can decide now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jitportal.models import AccessRequest, Approval, Person
from jitportal.operations import own_hands
from jitportal.operations.delegated import counted, stand_ins_for
from jitportal.operations.directory import live_deciders
from jitportal.operations.facts import stage_rules
from jitportal.rules.lifecycle import spoken_state
from jitportal.rules.permissions import ActorFacts, Answer, Denied, Relation, Subject, Verb, allowed
from jitportal.rules.vocabulary import RequestStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """``approvals``: all verdicts on the current revision, in their order. ``deciders``: who can decide the
    open stage now, by name. ``standing_in``: which of them do so for somebody else, by username, and for
    whom.
    """

    approvals: Sequence[Approval]
    deciders: Sequence[Person]
    standing_in: Mapping[str, Person]

    def decided(self, person: Person) -> bool:
        """Whether this person has given a verdict: one person counts once."""
        return any(one.person_id == person.pk and not one.by_system for one in self.approvals)

    def delegate_of(self, person: Person) -> Person | None:
        """Who has given a verdict for this person: their say is used."""
        return next((one.person for one in self.approvals if one.on_behalf_of_id == person.pk), None)


def standing_of(request: AccessRequest) -> Standing:
    """What there is to know of who decides on it, by live facts and this request's own stage."""
    approvals = list(request.asked.approvals.select_related("person", "on_behalf_of"))
    return Standing(approvals, *_deciders(request, approvals))


def why_not(person: Person, request: AccessRequest, now: datetime, standing: Standing) -> Answer:
    """Whether this person can decide on the request now, or why not, in a sentence."""
    if request.status != RequestStatus.PENDING:
        return Denied(f"This request is {spoken_state(request.status)}: there is nothing to decide.")
    if now >= request.lapses_at:
        return Denied("The time to decide on this request has passed.")
    own = person.pk == request.requester_id
    if not own and standing.decided(person):
        return Denied("You have decided on this request: one person counts once.")
    if not own and (delegate := standing.delegate_of(person)):
        return Denied(f"{delegate} has decided on this request for you: one person counts once.")
    if (
        not own
        and person not in standing.deciders
        and own_hands.barred(request.requester, [person.username], now)
    ):
        return Denied(own_hands.sentence())
    relations = {Relation.HOLDER} if own else set()
    if person in standing.deciders:
        relations.add(Relation.OPEN_STAGE)
    actor = ActorFacts(person.username, person.is_active, system=person.is_system)
    return allowed(Verb.REQUEST_DECIDE, actor, Subject(frozenset(relations)))


def _deciders(
    request: AccessRequest, approvals: Sequence[Approval]
) -> tuple[list[Person], dict[str, Person]]:
    if request.status != RequestStatus.PENDING or request.stage >= len(request.asked.stages):
        return [], {}
    rules, owner = stage_rules(request)
    said = counted(approvals)
    entitled = live_deciders(rules, request.requester, owner)
    standing_in = stand_ins_for(entitled, request, said)
    named = (entitled - said) | standing_in.keys()
    people = list(Person.objects.active().filter(username__in=named).order_by("name"))
    by_username = {person.username: person for person in people}
    return people, {username: by_username[delegator] for username, delegator in standing_in.items()}

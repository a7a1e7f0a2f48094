"""After-use reviews: which wait for this person, and what the system knows of one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from jitportal.models import AfterUseReview, Person
from jitportal.operations import facts, own_hands
from jitportal.rules.permissions import OVERSEERS, ActorFacts, Verb
from jitportal.rules.vocabulary import Power, ReviewStatus
from jitportal.web import fetch
from jitportal.web.http import PortalRequest, actor_of, now_of

_HOLDERS_TURN = [ReviewStatus.STATEMENT, ReviewStatus.RETURNED]
#: Open ones are few; closed ones are paged.
MOST_OPEN = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """What the viewer may do with a review now; a sentence where it is somebody else's turn."""

    state: bool
    determine: bool
    return_it: bool
    waiting: str


@dataclass(frozen=True, slots=True)
class Desk:
    """The open reviews that this person sees, by whose turn it is."""

    to_state: list[AfterUseReview]
    to_determine: list[AfterUseReview]
    elsewhere: list[AfterUseReview]


def desk_of(request: PortalRequest) -> Desk:
    person, actor = request.user, actor_of(request)
    rows = visible(person, actor).exclude(status=ReviewStatus.CLOSED).order_by("due_at", "id")[:MOST_OPEN]
    reviews = list(rows)
    own = [one for one in reviews if one.holder_id == person.pk and one.status in _HOLDERS_TURN]
    mine = [
        one for one in reviews if one.status == ReviewStatus.DETERMINATION and _reviews(person, actor, one)
    ]
    taken = {one.pk for one in (*own, *mine)}
    return Desk(own, mine, [one for one in reviews if one.pk not in taken])


def visible(person: Person, actor: ActorFacts) -> QuerySet[AfterUseReview]:
    """Those that this person may see."""
    rows = AfterUseReview.objects.select_related("grant__role", "grant__scope", "holder", "reviewer")
    if actor.powers & OVERSEERS:
        return rows
    return rows.filter(Q(holder=person) | Q(holder__manager=person) | Q(grant__role__owner=person))


def turn_of(request: PortalRequest, review: AfterUseReview) -> Turn:
    subject = facts.relations(request.user, review)
    status = ReviewStatus(review.status)
    state = status in _HOLDERS_TURN and bool(fetch.answer(request, Verb.REVIEW_STATE, subject))
    determine = status is ReviewStatus.DETERMINATION and bool(
        fetch.answer(request, Verb.REVIEW_DETERMINE, subject)
    )
    if determine and own_hands.barred(review.holder, [request.user.username], now_of(request)):
        return Turn(state=False, determine=False, return_it=False, waiting=own_hands.sentence())
    return_it = determine and review.holder.is_active
    return Turn(state, determine, return_it, "" if state or determine else _waiting(review, status))


def _waiting(review: AfterUseReview, status: ReviewStatus) -> str:
    if status is ReviewStatus.CLOSED:
        return ""
    if status in _HOLDERS_TURN:
        return f"{review.holder} has yet to say what was done."
    readers = (review.grant.role.owner, review.holder.manager)
    who = " or ".join(str(one) for one in readers if one and one.pk != review.holder_id)
    return f"{who or 'An administrator'} has yet to read it."


def _reviews(person: Person, actor: ActorFacts, review: AfterUseReview) -> bool:
    """As the rules say, without a query for each row."""
    if review.holder_id == person.pk:
        return False
    named = person.pk in (review.grant.role.owner_id, review.holder.manager_id)
    return named or Power.ADMINISTRATOR in actor.powers
